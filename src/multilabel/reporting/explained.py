"""Why a network gives the labels that it does, record by record: where it looked for each, and which words counted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from multilabel.core.errors import UserError
from multilabel.inputs.examples import Batch
from multilabel.inputs.features import Features
from multilabel.models.classifiers import NetworkClassifier
from multilabel.models.prediction import ImagePreparation, centre_crop
from multilabel.reporting.explanations import grad_cam, word_weights

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Explained:
    """Of one record K labels; what the network does not read, or what it has no maps of, is None."""

    labels: NDArray[np.int_]  # (K,) places in the order of the labels
    probabilities: Floats  # (K,)
    seen: Floats | None  # (H, W, 3) in 0..1: what the network reads of the image
    heat: Floats | None  # (K, H, W) in 0..1: how much each place speaks for a label
    words: list[str] | None  # T tokens
    weights: Floats | None  # (K, T): what each adds to the logit of a label
    note: str = ""  # why there is no heat for an image


def explained(
    classifier: NetworkClassifier, batch: Batch, tokenizer: Tokenizer | None, number: int, labels: Sequence[int] = ()
) -> list[Explained]:
    """The `number` most probable labels of each record of a batch, or the same `labels` for all of them."""
    net = classifier.net.eval()
    device = next(net.parameters()).device
    batch = batch.to(device)
    tokens, mask = batch.tokens, batch.mask
    images = ImagePreparation(classifier.settings.image, device)(batch.images)
    with torch.no_grad():
        said = net(images, tokens, mask, batch.lengths).sigmoid().cpu().numpy()
    chosen = np.tile(labels, (len(said), 1)) if labels else np.argsort(-said, axis=1, kind="stable")[:, :number]
    heat, note, weights = None, "", None
    if isinstance(images, Tensor):
        try:
            heat = _per_label(chosen, lambda label: grad_cam(net, images, tokens, mask, label))  # type: ignore[arg-type]
        except UserError as error:  # of an image without maps; its words are explained all the same
            note = str(error)
    if isinstance(tokens, Tensor) and mask is not None:
        weights = _per_label(chosen, lambda label: word_weights(net, images, tokens, mask, label))  # type: ignore[arg-type]
    seen, words = _seen(classifier, batch), _words(batch, tokenizer)
    return [
        Explained(
            chosen[row],
            said[row, chosen[row]],
            None if seen is None else seen[row],
            None if heat is None else heat[row],
            None if words is None else words[row],
            None if words is None or weights is None else weights[row][:, : len(words[row])],
            note,
        )
        for row in range(len(said))
    ]


def _per_label(labels: NDArray[np.int_], of: Callable[[int], Tensor]) -> Floats:
    """(N, K, ...): for each record what is said of its labels; every label is computed once for all records."""
    found = {int(label): of(int(label)).cpu().numpy() for label in np.unique(labels)}
    return np.stack([np.stack([found[int(label)][row] for label in own]) for row, own in enumerate(labels)])


def _seen(classifier: NetworkClassifier, batch: Batch) -> Floats | None:
    """The images as the network gets them before normalisation, (N, H, W, 3) in 0..1."""
    settings = classifier.settings.image
    if settings is None or batch.images is None or isinstance(batch.images, Features):
        return None
    return centre_crop(batch.images.float().div(255), settings.size).permute(0, 2, 3, 1).cpu().numpy()


def _words(batch: Batch, tokenizer: Tokenizer | None) -> list[list[str]] | None:
    if tokenizer is None or batch.mask is None or not isinstance(batch.tokens, Tensor):
        return None
    return [
        [str(tokenizer.id_to_token(id)) for id, kept in zip(ids, keep, strict=True) if kept]
        for ids, keep in zip(batch.tokens.tolist(), batch.mask.tolist(), strict=True)
    ]
