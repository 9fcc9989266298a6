"""The pointing game of a network: over which records it is played, and where in the whole image its maps point."""

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import TRAIN
from torch import Tensor

from multilabel.core.paths import labels_file
from multilabel.data.boxes import COLUMNS
from multilabel.data.dataset import Split, load_split
from multilabel.data.labels import Labels
from multilabel.models.classifiers import NetworkClassifier
from multilabel.models.network import build
from multilabel.models.settings import NetworkSettings
from multilabel.reporting import pointing
from multilabel.reporting.pointing import score_pointing
from multilabel.training.architectures import resolve

LEFT = (0.0, 0.0, 0.5, 1.0)


def network(dataset: str, **parts: object) -> NetworkClassifier:
    """As it starts: what it says is of no interest."""
    settings = resolve("net", {"net": {"dataset": dataset, **parts}}, TRAIN, 0).model
    assert isinstance(settings, NetworkSettings)
    torch.manual_seed(0)
    return NetworkClassifier(settings, build(settings, 9, 3).eval(), None)


def boxed(split: Split, labels: Labels, place: tuple[float, ...] = LEFT) -> pd.DataFrame:
    """A box for each label of each record."""
    rows = [(id, labels.ids[label], *place) for id, target in zip(split.ids, split.targets, strict=True)
            for label in np.flatnonzero(target)]  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


@pytest.fixture
def split(tiny_dataset: str) -> Split:
    """Test records of the tiny project, of one to three labels."""
    return load_split(tiny_dataset, "test")


@pytest.fixture
def labels(split: Split, tiny_dataset: str) -> Labels:
    """Theirs."""
    return Labels.load(labels_file(tiny_dataset))


def looking_at(row: int, column: int, seen: list[tuple[int, int]]):
    """Instead of Grad-CAM: every map is strongest in one pixel; `seen` are label and number of images of each call."""

    def maps(net: object, images: Tensor, tokens: object, mask: object, label: int) -> Tensor:
        seen.append((label, len(images)))
        found = torch.zeros(len(images), *images.shape[-2:])
        found[:, row, column] = 1
        return found

    return maps


def test_it_is_played_over_records_of_one_label_and_one_box(
    split: Split, labels: Labels, tiny_dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(pointing, "grad_cam", looking_at(3, 2, seen))
    monkeypatch.setattr(pointing, "BATCH", 2)
    classifier = network(tiny_dataset, image={"encoder": "timm/resnet10t", "size": 16})
    boxes = boxed(split, labels)
    alone = split.targets.sum(axis=1) == 1
    assert 3 < alone.sum() < len(alone)
    found = score_pointing(classifier, split, labels, boxes)
    assert found["records"] == found["hits"] == alone.sum()
    counts = split.targets[alone].sum(axis=0)
    assert {label: sum(n for own, n in seen if own == label) for label, _ in seen} == {
        label: count for label, count in enumerate(counts) if count
    }
    assert max(number for _, number in seen) == 2

    first = split.ids[int(np.flatnonzero(alone)[0])]
    twice = pd.concat([boxes, boxes[boxes["id"] == first]])  # two things of one label
    assert score_pointing(classifier, split, labels, twice)["records"] == alone.sum() - 1
    assert score_pointing(classifier, split, labels, boxes[:0])["records"] == 0


@pytest.mark.parametrize(("column", "hit"), [(0, False), (1, True), (2, False)])
def test_points_are_those_of_the_whole_image_where_the_network_sees_its_middle(
    column: int, hit: bool, split: Split, labels: Labels, tiny_dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 32 pixels the network sees 16; the middle of its pixel 1 is 9.5 pixels from the edge of the image."""
    monkeypatch.setattr(pointing, "grad_cam", looking_at(8, column, []))
    classifier = network(tiny_dataset, image={"encoder": "timm/resnet10t", "size": 16, "resize": 32})
    boxes = boxed(split, labels, (9.4 / 32, 0, 0.2 / 32, 1))
    assert score_pointing(classifier, split, labels, boxes)["pointing"] == hit


def test_a_network_of_texts_points_nowhere(split: Split, labels: Labels, tiny_dataset: str) -> None:
    classifier = network(tiny_dataset, text={"encoder": "gru", "embedding": 4, "hidden": 4})
    found = score_pointing(classifier, split, labels, boxed(split, labels))
    assert (found["records"], found["pointing"]) == (0, None)


def test_real_maps_are_scored_as_they_are(split: Split, labels: Labels, tiny_dataset: str) -> None:
    classifier = network(tiny_dataset, image={"encoder": "timm/resnet10t", "size": 32, "output_stride": 8})
    boxes = boxed(split, labels)
    left = score_pointing(classifier, split, labels, boxes)
    right = score_pointing(classifier, split, labels, boxes.assign(x=0.5))
    nowhere = left["records"] - left["hits"] - right["hits"]
    assert left["hits"] + right["hits"] > 0
    assert nowhere >= 0  # maps of zeros
