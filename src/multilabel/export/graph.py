"""A network with all that happens around it (crop, normalisation, mirror image, sigmoid) as one ONNX graph."""

import warnings
from copy import deepcopy
from pathlib import Path

import torch
from torch import Tensor, nn

from multilabel.core.errors import UserError
from multilabel.export.recurrent import RecurrentNodes
from multilabel.inference.examples import spares_a_modality
from multilabel.inference.images import View
from multilabel.inference.onnx_network import IMAGE_GIVEN, IMAGES, LENGTHS, TEXT_GIVEN, TOKENS
from multilabel.inputs.features import Features
from multilabel.models.classifiers import NetworkClassifier
from multilabel.models.prediction import ImagePreparation
from multilabel.models.text_encoders import RecurrentEncoder

OPSET = 20
BATCH, LENGTH = 3, 5  # of the inputs that the graph is traced with; neither is kept


class Whole(nn.Module):
    """uint8 images (B, side, side, 3), tokens (B, T) and their numbers (B,) -> probabilities (B, L).

    Where training dropped modalities, two more inputs (B,) are 0 for a record that lacks its image, or its text, and else 1.
    """

    def __init__(self, classifier: NetworkClassifier) -> None:
        """Of a copy of its network."""
        super().__init__()
        self.net = deepcopy(classifier.net).cpu().eval()
        self.settings = classifier.settings
        if isinstance(self.net.text, RecurrentEncoder):
            self.net.text = RecurrentNodes(self.net.text)
        self.prepare = ImagePreparation(self.settings.image, torch.device("cpu"))

    def forward(
        self,
        images: Tensor | None,
        tokens: Tensor | None,
        lengths: Tensor | None,
        image_given: Tensor | None,
        text_given: Tensor | None,
    ) -> Tensor:
        """Those that the network reads; None in place of others."""
        seen = self.prepare(None if images is None else images.permute(0, 3, 1, 2))
        logits = self._logits(seen, tokens, lengths, image_given, text_given)
        if self.settings.prediction.flip_average and isinstance(seen, Tensor):
            logits = (logits + self._logits(seen.flip(3), tokens, lengths, image_given, text_given)) / 2
        return logits.sigmoid()

    def _logits(
        self,
        images: Tensor | Features | None,
        tokens: Tensor | None,
        lengths: Tensor | None,
        image_given: Tensor | None,
        text_given: Tensor | None,
    ) -> Tensor:
        mask = None
        if tokens is not None and lengths is not None:
            mask = torch.arange(tokens.shape[1])[None, :] < lengths[:, None]
        if image_given is None or text_given is None:
            return self.net(images, tokens, mask)
        image, text = self.net.image(images), self.net.text(tokens, mask)  # type: ignore[misc]
        return self.net(_times(image, image_given), _times(text, text_given), None)


def _times(features: Features, given: Tensor) -> Features:
    """Features of 0 where a modality is not given, as in training."""

    def times(part: Tensor | None) -> Tensor | None:
        return None if part is None else part * given.view(-1, *[1] * (part.ndim - 1))

    return Features(times(features.pooled), times(features.states), features.mask)


def write_graph(classifier: NetworkClassifier, path: Path) -> None:
    """The graph of a network with dynamic batch and length; raises `UserError` where there can be none."""
    settings = classifier.settings
    if classifier.subwords is not None:
        raise UserError(f"{settings.name}: makes vectors of words that it never saw from their pieces (fastText), which a fixed "
                        f"graph cannot; train with word_vectors: word2vec_skip_gram to export it")  # fmt: skip
    given = example_inputs(classifier)
    dynamic = torch.export.Dim.DYNAMIC
    shapes = [None if part is None else {axis: dynamic for axis in range(min(part.ndim, 2))} for part in given.values()]
    if given[IMAGES] is not None:
        shapes[0] = {0: dynamic}
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # an operator of torch's own, which ONNX lacks
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                Whole(classifier),
                tuple(given.values()),
                input_names=[name for name, part in given.items() if part is not None],
                output_names=["probabilities"],
                dynamic_shapes=tuple(shapes),
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
        assert program is not None
        program.save(str(path))
    except Exception as error:  # noqa: BLE001 (each operator that cannot be exported has its own way to say so)
        reason = " ".join(str(error).split())[:160]
        raise UserError(f"{settings.name}: cannot be written as an ONNX graph ({type(error).__name__}: {reason}); choose other "
                        f"encoders, or hand the folder on as it is with --format folder") from None  # fmt: skip
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def example_inputs(classifier: NetworkClassifier, batch: int = BATCH, length: int = LENGTH) -> dict[str, Tensor | None]:
    """Inputs of the graph, drawn at random, by name; None where there is no such input."""
    settings = classifier.settings
    draws = torch.Generator().manual_seed(0)
    given: dict[str, Tensor | None] = dict.fromkeys((IMAGES, TOKENS, LENGTHS, IMAGE_GIVEN, TEXT_GIVEN))
    if settings.image is not None:
        side = View.of(settings.image).side
        given[IMAGES] = torch.randint(0, 256, (batch, side, side, 3), generator=draws, dtype=torch.uint8)
    if settings.text is not None and classifier.tokenizer is not None:
        length = min(length, settings.text.max_length)
        lengths = torch.randint(1, length + 1, (batch,), generator=draws)
        lengths[0] = length
        tokens = torch.randint(1, classifier.tokenizer.get_vocab_size(), (batch, length), generator=draws)
        given[LENGTHS], given[TOKENS] = lengths, tokens.masked_fill(torch.arange(length) >= lengths[:, None], 0)
    if spares_a_modality(settings):
        lacks = torch.arange(batch) % 3  # every third lacks its image, every third its text
        given[IMAGE_GIVEN], given[TEXT_GIVEN] = (lacks != 1).float(), (lacks != 2).float()
    return given
