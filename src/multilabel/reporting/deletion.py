"""Whether a network needs the part of an image that its Grad-CAM shows: hide it, and see what the label loses."""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from multilabel.data.dataset import Split, subset
from multilabel.metrics.statistics import bootstrap
from multilabel.models.classifiers import NetworkClassifier
from multilabel.models.network import Network
from multilabel.reporting.explanations import grad_cam
from multilabel.reporting.reading import Reading, read_by

Floats = NDArray[np.floating]
HIDDEN = 0.2  # of the pixels that the network reads
MOST = 512  # records, evenly over the split
BATCH = 32  # images: a gradient of each is held
RESAMPLES = 1000


class Drop(NamedTuple):
    """By how much the probabilities of N records' most probable labels drop where a part of the image is hidden, (N,) each."""

    own: Floats  # the part that the record's own map shows
    other: Floats  # the part that the map of another record of that label shows


def score_deletion(classifier: NetworkClassifier, split: Split, seed: int) -> dict[str, Any]:
    """Deletion (Petsiuk et al. 2018) at one share of the image. It needs no boxes; a caption stays as it is.

    Maps of other records of the same label are as large, and lie where such things usually are: `deletion_difference` is
    what a record's own map is worth beyond them. Left out are records whose map is zero everywhere, and a record that is
    alone with its label; `deletion_left_out` counts both.
    """
    number = len(split.ids) if classifier.settings.image else 0
    rows = np.unique(np.linspace(0, number - 1, min(MOST, number)).astype(int))
    drop = _drop(classifier, subset(split, rows))
    difference = bootstrap(drop.own - drop.other, RESAMPLES, seed)
    return {
        "deletion_records": len(drop.own),
        "deletion_left_out": len(rows) - len(drop.own),
        "deletion": difference and float(drop.own.mean()),
        "deletion_by_other_map": difference and float(drop.other.mean()),
        "deletion_difference": difference and difference.value,
        "deletion_difference_ci_low": difference and difference.low,
        "deletion_difference_ci_high": difference and difference.high,
    }


def hide(images: Tensor, maps: Tensor) -> Tensor:
    """(B, 3, H, W) normalised, (B, H, W) -> the images with the mean colour where their maps are largest."""
    number = round(HIDDEN * maps[0].numel())
    largest = maps.flatten(1).topk(number).indices
    kept = torch.ones_like(maps).flatten(1).scatter(1, largest, 0).view_as(maps)
    return images * kept[:, None]


def _drop(classifier: NetworkClassifier, split: Split) -> Drop:
    labels = _most_probable(classifier, split)
    found = [Drop(np.empty(0), np.empty(0))]
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        for part in np.array_split(rows, -(-len(rows) // BATCH)):
            found.append(_drop_of(classifier, read_by(classifier, subset(split, part)), int(label)))
    return Drop(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _most_probable(classifier: NetworkClassifier, split: Split) -> NDArray[np.int_]:
    found = [np.empty(0, dtype=int)]
    for start in range(0, len(split.ids), BATCH):
        part = subset(split, np.arange(start, min(start + BATCH, len(split.ids))))
        found.append(_probabilities(classifier.net, read_by(classifier, part)).argmax(dim=1).numpy())
    return np.concatenate(found)


def _drop_of(classifier: NetworkClassifier, reading: Reading, label: int) -> Drop:
    maps = grad_cam(classifier.net, *reading, label)
    there = maps.amax(dim=(1, 2)) > 0
    maps, reading = maps[there], reading.subset(there)
    if len(maps) < 2:
        return Drop(np.empty(0), np.empty(0))
    before = _probabilities(classifier.net, reading)[:, label]
    after = [
        _probabilities(classifier.net, reading._replace(images=hide(reading.images, shown)))[:, label]
        for shown in (maps, maps.roll(1, dims=0))
    ]
    return Drop(*((before - less).numpy().astype(float) for less in after))


@torch.no_grad()
def _probabilities(net: Network, reading: Reading) -> Tensor:
    return net(*reading).sigmoid()
