"""What gives probabilities: a network, a baseline, or several of them; stored without pickle."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor

from multilabel.core.errors import UserError
from multilabel.core.files import read_json, write_json
from multilabel.core.settings import call_named, from_json, to_json
from multilabel.data.dataset import Inputs
from multilabel.inputs.cleaning import clean
from multilabel.inputs.examples import Examples, load_examples
from multilabel.inputs.word_vectors import Subwords, extended, unknown_words
from multilabel.models.baselines import BASELINES, Baseline
from multilabel.models.devices import accelerator
from multilabel.models.ensembles import Combination
from multilabel.models.folder import MB
from multilabel.models.frozen import FrozenEncoders
from multilabel.models.network import Network, filled
from multilabel.models.prediction import ImagePreparation, predict, sigmoid
from multilabel.models.settings import AnySettings, BaselineSettings, EnsembleSettings, NetworkSettings

WEIGHTS = "weights.safetensors"
TOKENIZER = "tokenizer.json"
SUBWORDS = "subwords.safetensors"


class AnyClassifier(Protocol):
    """Anything that gives probabilities."""

    def probabilities(self, inputs: Inputs) -> NDArray[np.float32]:
        """(N, L) in the order of the inputs."""

    def parameters(self) -> int:
        """Numbers that were learned."""

    def fp32_mb(self) -> float:
        """What all its numbers take at four bytes each, in MB."""

    def save(self, folder: Path) -> None:
        """Write weights and what they need into `folder`."""


class NetworkClassifier:
    """A network with its tokenizer."""

    def __init__(
        self, settings: NetworkSettings, net: Network, tokenizer: Tokenizer | None, subwords: Subwords | None = None
    ) -> None:
        """`net` is used where it is."""
        self.settings, self.tokenizer, self.subwords = settings, tokenizer, subwords
        self.net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def probabilities(self, inputs: Inputs) -> NDArray[np.float32]:
        """On the device and in the precision that training would use here."""
        device = accelerator(self.settings.prediction.precision)
        net, flip_average = self.net.to(device.device), self.settings.prediction.flip_average
        frozen = FrozenEncoders(net, self.settings, self.tokenizer_for(inputs.texts), device)
        prepare = ImagePreparation(self.settings.image, device.device)
        return sigmoid(predict(net, prepare, frozen.examples(inputs, mirrored=flip_average), device, flip_average))

    def examples(self, inputs: Inputs) -> Examples:
        """What the network reads of some records, from pixels and tokens on.

        With fastText vectors it learns the words that it does not know yet.
        """
        tokenizer = self.tokenizer_for(inputs.texts)
        return load_examples(self.settings.image, self.settings.text, inputs, tokenizer)

    def tokenizer_for(self, texts: Sequence[str]) -> Tokenizer | None:
        """The tokenizer with the words of some texts, which the network learns as well where it has vectors for pieces."""
        if self.tokenizer is None or self.subwords is None or self.settings.text is None:
            return self.tokenizer
        new = unknown_words(self.tokenizer, clean(texts, self.settings.text.clean))
        self.net.text.embedding.extend(torch.from_numpy(self.subwords.vectors(new)))  # type: ignore[union-attr,operator]
        return extended(self.tokenizer, new)

    def round_weights(self) -> None:
        """Round the weights to how they will be stored, so that what is scored is what is kept."""
        if self.settings.prediction.store == "fp16":
            rounded: dict[str, Tensor] = {}
            for name, value in self.net.state_dict().items():
                rounded[name] = value.half().float() if value.is_floating_point() else value
                if not torch.isfinite(rounded[name]).all():
                    raise UserError(f"train.store: {name!r} has values that fp16 cannot hold; write `store: fp32`")
            self.net.load_state_dict(rounded)

    def parameters(self) -> int:
        """Trainable or not."""
        return sum(p.numel() for p in self.net.parameters())

    def fp32_mb(self) -> float:
        """Weights and running statistics."""
        return sum(value.numel() for value in self.net.state_dict().values()) * 4 / MB

    def save(self, folder: Path) -> None:
        """Weights in the precision that `train.store` asks for; see `round_weights`."""
        dtype = torch.float16 if self.settings.prediction.store == "fp16" else torch.float32
        state = self.net.state_dict().items()
        save_file(
            {k: (v.to(dtype) if v.is_floating_point() else v).cpu().contiguous() for k, v in state}, folder / WEIGHTS
        )
        if self.tokenizer is not None:
            self.tokenizer.save(str(folder / TOKENIZER))
        if self.subwords is not None:
            save_arrays({"pieces": self.subwords.pieces}, folder / SUBWORDS)

    @classmethod
    def load(cls, folder: Path, settings: NetworkSettings, labels: int) -> "NetworkClassifier":
        """The inverse of `save`."""
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER)) if settings.text else None
        pieces = load_arrays(folder / SUBWORDS)["pieces"] if (folder / SUBWORDS).exists() else None
        vocabulary = tokenizer.get_vocab_size() if tokenizer else 0
        net = filled(settings, vocabulary, labels, load_file(folder / WEIGHTS))
        return cls(settings, net, tokenizer, None if pieces is None else Subwords(pieces))


class BaselineClassifier:
    """A baseline, which reads texts only."""

    def __init__(self, baseline: Baseline) -> None:
        """Wrap it."""
        self.baseline = baseline

    def probabilities(self, inputs: Inputs) -> NDArray[np.float32]:
        """From the texts."""
        return self.baseline.probabilities(inputs.texts)

    def parameters(self) -> int:
        """The baseline's own count."""
        return self.baseline.parameters()

    def fp32_mb(self) -> float:
        """Its parameters."""
        return self.parameters() * 4 / MB

    def save(self, folder: Path) -> None:
        """As the baseline does."""
        self.baseline.save(folder)

    @classmethod
    def load(cls, folder: Path, settings: BaselineSettings) -> "BaselineClassifier":
        """The inverse of `save`."""
        baseline = call_named(BASELINES, settings.baseline)
        baseline.load(folder)
        return cls(baseline)


class EnsembleClassifier:
    """What members say, each the mean over its folds, combined."""

    def __init__(self, members: Mapping[str, Sequence[AnyClassifier]], combination: Combination) -> None:
        """A member without a weight for any label is not kept."""
        self.combination = combination.used()
        self.members = {name: list(members[name]) for name in self.combination.weights}

    def probabilities(self, inputs: Inputs) -> NDArray[np.float32]:
        """Of all parts, one after the other."""
        return self.combination.probabilities(
            {name: np.mean([p.probabilities(inputs) for p in parts], axis=0) for name, parts in self.members.items()}
        )

    def parameters(self) -> int:
        """Of all parts."""
        return sum(part.parameters() for parts in self.members.values() for part in parts)

    def fp32_mb(self) -> float:
        """Of all parts."""
        return sum(part.fp32_mb() for parts in self.members.values() for part in parts)

    def save(self, folder: Path) -> None:
        """A folder for each part, and how they are combined."""
        numbers = {name: len(parts) for name, parts in self.members.items()}
        write_json(folder / "members.json", {"parts": numbers, "combination": to_json(self.combination)})
        for name, parts in self.members.items():
            for number, part in enumerate(parts):
                (folder / f"{name}_{number}").mkdir()
                part.save(folder / f"{name}_{number}")

    @classmethod
    def load(cls, folder: Path, settings: EnsembleSettings, labels: int) -> "EnsembleClassifier":
        """The inverse of `save`."""
        stored, members = read_json(folder / "members.json"), settings.members
        parts = {
            name: [load_classifier(folder / f"{name}_{i}", members[name], labels) for i in range(number)]
            for name, number in stored["parts"].items()
        }
        return cls(parts, from_json(Combination, stored["combination"]))


def load_classifier(folder: Path, settings: AnySettings, labels: int) -> AnyClassifier:
    """What `save` of any classifier wrote."""
    if isinstance(settings, EnsembleSettings):
        return EnsembleClassifier.load(folder, settings, labels)
    if isinstance(settings, BaselineSettings):
        return BaselineClassifier.load(folder, settings)
    return NetworkClassifier.load(folder, settings, labels)
