"""A network's examples with what its frozen encoders say of them, which is computed once for all runs."""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn

from multilabel.core.files import sha256_of_file
from multilabel.core.versions import versions
from multilabel.data.dataset import Inputs
from multilabel.data.records import read_records
from multilabel.inputs.cleaning import clean
from multilabel.inputs.examples import Examples, StoredFeatures, load_examples
from multilabel.inputs.feature_cache import Arrays, kept_features
from multilabel.inputs.features import Features, Reads
from multilabel.inputs.image_cache import image_digests, pixel_array
from multilabel.inputs.image_input import ImageInput
from multilabel.inputs.tokenization import tokenize
from multilabel.models.fusions import FUSIONS
from multilabel.models.heads import HEADS
from multilabel.models.network import Network
from multilabel.models.prediction import ImagePreparation, prediction_batch
from multilabel.models.settings import EncoderSettings, ImageSettings, NetworkSettings, TextSettings


class FrozenEncoders:
    """Those of a network, and what their features depend on besides the records."""

    def __init__(
        self, net: Network, settings: NetworkSettings, tokenizer: Tokenizer | None, accelerator: Accelerator
    ) -> None:
        """`net` is used where `accelerator` is, in its precision."""
        self.net, self.settings, self.tokenizer, self.accelerator = net, settings, tokenizer, accelerator
        self.prepare = ImagePreparation(settings.image, accelerator.device)
        self.reads = _read_parts(settings)

    def examples(
        self,
        inputs: Inputs,
        targets: NDArray[np.uint8] | None = None,
        *,
        image: bool = True,
        text: bool = True,
        mirrored: bool = False,
    ) -> Examples:
        """What the network reads of some records: features in place of what frozen encoders would read.

        `image` and `text` say whether those may be kept, which is not so where training changes what an encoder sees;
        `mirrored` adds the features of mirror images.
        """
        kept_image = self.settings.image if image and self.settings.image and self.settings.image.frozen else None
        kept_text = self.settings.text if text and self.settings.text and self.settings.text.frozen else None
        seen = None if kept_image else self.settings.image
        examples = load_examples(seen, self.settings.text, inputs, self.tokenizer, targets)
        if kept_image:
            views = [self._of_images(kept_image, inputs, flipped) for flipped in [False, True][: 1 + mirrored]]
            examples = replace(examples, image_features=StoredFeatures(inputs.rows, tuple(views)))
        if kept_text:
            examples = replace(
                examples, text_features=StoredFeatures(inputs.rows, (self._of_texts(kept_text, inputs),))
            )
        return examples

    def _of_images(self, settings: ImageSettings, inputs: Inputs, flipped: bool) -> Arrays:
        def compute(rows: NDArray[np.int_]) -> Arrays:
            pixels = pixel_array(inputs.records, settings.resize or settings.size, settings.interpolation)
            batch = prediction_batch(settings.size, self.accelerator.device)
            parts = [read(pixels[rows[start : start + batch]]) for start in range(0, len(rows), batch)]
            return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

        def read(pixels: NDArray[np.uint8]) -> Arrays:
            prepared = self.prepare(torch.from_numpy(pixels).permute(0, 3, 1, 2).to(self.accelerator.device))
            assert isinstance(prepared, Tensor)
            return self._say(self.net.image, prepared.flip(3) if flipped else prepared)

        digests = image_digests(inputs.records)
        seen = {name: value for name, value in asdict(settings).items() if name in asdict(ImageInput())}
        of = self._of(self.net.image, settings, digests) | {"input": seen, "flipped": flipped}
        title = f"features of {settings.encoder} at {settings.size} px{', mirrored' * flipped}"
        return kept_features(of, len(digests), inputs.rows, compute, title)

    def _of_texts(self, settings: TextSettings, inputs: Inputs) -> Arrays:
        texts = read_records(inputs.records, ["text"])["text"]
        assert self.tokenizer is not None
        tokenizer = self.tokenizer

        def compute(rows: NDArray[np.int_]) -> Arrays:
            tokens = tokenize(tokenizer, clean(texts.iloc[rows].tolist(), settings.clean), settings.max_length)
            ids, lengths = torch.from_numpy(tokens.ids).long(), torch.from_numpy(tokens.lengths)
            mask = torch.arange(ids.shape[1])[None, :] < lengths[:, None]
            device = self.accelerator.device
            found = self._say(self.net.text, ids.to(device), mask.to(device), tuple(lengths.tolist()))
            if "states" in found:  # rows of one length
                room = ((0, 0), (0, settings.max_length - ids.shape[1]), (0, 0))
                found["states"] = np.pad(found["states"], room)
            return found

        seen = {"clean": list(settings.clean), "max_length": settings.max_length, "tokenizer": tokenizer.to_str()}
        of = self._of(self.net.text, settings, texts.fillna("").tolist()) | {"input": _digest([str(seen)])}
        return kept_features(of, len(texts), inputs.rows, compute, f"features of {settings.encoder}")

    def _of(self, encoder: nn.Module | None, settings: EncoderSettings, records: Iterable[str]) -> dict[str, Any]:
        """What features depend on: contents and not names, so that whatever has the same ones shares them."""
        return {
            "encoder": settings.encoder,
            "options": {name: value for name, value in settings.options.items() if name != "weights"},
            "weights": self._weights[id(encoder)],
            "records": _digest(records),
            "parts": self.reads,
            "precision": self._precision,
            "device": self.accelerator.device.type,
            "libraries": versions(),
            "code": _code(),
        }

    @property
    def _precision(self) -> str:
        """Of autocast, and where there is none, that of products on a GPU."""
        mixed = str(self.accelerator.mixed_precision)
        return "tf32" if mixed == "no" and torch.backends.cuda.matmul.allow_tf32 else mixed

    @cached_property
    def _weights(self) -> dict[int, str]:
        """A digest of the weights of each encoder."""
        return {id(part): _digest_of_weights(part) for part in (self.net.image, self.net.text) if part is not None}

    def _say(self, encoder: nn.Module | None, *inputs: Any) -> Arrays:
        """What is read of an encoder's features: the pooled one, the states, or both."""
        assert encoder is not None
        encoder.to(self.accelerator.device).eval()
        with torch.inference_mode(), self.accelerator.autocast():
            found: Features = encoder(*inputs)
        # A state takes half the room where the encoder computes in half precision anyway.
        narrow = torch.float32 if self.accelerator.mixed_precision == "no" else torch.float16
        kept = {"pooled": (found.pooled, torch.float32), "states": (found.states, narrow)}
        return {
            name: part.to(dtype).cpu().numpy()
            for name, (part, dtype) in kept.items()
            if name == self.reads and part is not None
        }


def _read_parts(settings: NetworkSettings) -> Reads:
    """Which part of the features of its encoders a network reads."""
    fusion = FUSIONS[settings.fusion.choice.name] if settings.fusion else None
    reader: Any = fusion if fusion is not None and fusion.joins == "features" else HEADS[settings.head.name]  # type: ignore[attr-defined]
    return reader.reads


def _digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


@cache
def _code() -> str:
    """A digest of all that encoders are built of here."""
    return _digest(sha256_of_file(path) for path in sorted(Path(__file__).parent.rglob("*.py")))


def _digest_of_weights(encoder: nn.Module) -> str:
    """Of names and values; an average of weights turns -0 into 0, which says nothing else."""
    whole = hashlib.sha256()
    for name, value in encoder.state_dict().items():
        whole.update(name.encode())
        whole.update((value.detach().cpu() + 0).contiguous().numpy().tobytes())
    return whole.hexdigest()
