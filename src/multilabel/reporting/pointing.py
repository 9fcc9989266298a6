"""Whether the Grad-CAMs of a network point at what they are of, on the records of a split that have one box."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from multilabel.data.dataset import Split, subset
from multilabel.data.labels import Labels
from multilabel.metrics.pointing import CENTRE, peaks, pointing_game
from multilabel.models.classifiers import NetworkClassifier
from multilabel.reporting.explanations import grad_cam
from multilabel.reporting.reading import read_by

BATCH = 32  # images: a gradient of each is held


def score_pointing(classifier: NetworkClassifier, split: Split, labels: Labels, boxes: pd.DataFrame) -> dict[str, Any]:
    """The pointing game over all records of one label and one box: the map is that of the true label.

    `boxes` are those of data/boxes.py; a network that reads no image, and a dataset without boxes, play it over no record.
    """
    image = classifier.settings.image
    alone = boxes[~boxes["id"].duplicated(keep=False)].set_index("id")
    rows = np.flatnonzero((split.targets.sum(axis=1) == 1) & np.isin(split.ids, alone.index))
    if image is None:
        rows = rows[:0]
    chosen = subset(split, rows)
    true = chosen.targets.argmax(axis=1) if len(rows) else rows
    points = np.full((len(rows), 2), np.nan)
    for label in np.unique(true):
        own = np.flatnonzero(true == label)
        for start in range(0, len(own), BATCH):
            part = own[start : start + BATCH]
            points[part] = _points(classifier, subset(chosen, part), int(label))
    boxed = alone.loc[chosen.ids]
    assert boxed["label"].tolist() == [labels.ids[label] for label in true]  # ingest refuses boxes of other labels
    return pointing_game(points, boxed[["x", "y", "width", "height"]].to_numpy(float))


def _points(classifier: NetworkClassifier, split: Split, label: int) -> NDArray[np.floating]:
    """(N, 2) where the maps of a label are strongest, in shares of the whole image."""
    image = classifier.settings.image
    assert image is not None
    found = peaks(grad_cam(classifier.net, *read_by(classifier, split), label).numpy())
    return CENTRE + (found - CENTRE) * image.size / (image.resize or image.size)  # the network sees a central window
