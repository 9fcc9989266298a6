"""Deletion: what is hidden, of which records a label's loss is taken, and that it tells maps that matter from maps that do not."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from conftest import TRAIN
from torch import Tensor, nn

from multilabel.data.dataset import Split, load_split, subset
from multilabel.inputs.tokenization import fit_words
from multilabel.models.classifiers import NetworkClassifier
from multilabel.models.network import build
from multilabel.models.settings import NetworkSettings
from multilabel.reporting import deletion
from multilabel.reporting.deletion import hide, score_deletion
from multilabel.reporting.reading import read_by
from multilabel.training.architectures import resolve

IMAGE = {"encoder": "timm/resnet10t", "size": 16}
TEXT = {"encoder": "gru", "embedding": 4, "hidden": 4}
SIZE = 16


class Brightness(nn.Module):
    """Says label 1 by the left half of an image, or label 0 by the right one, whichever is further from the mean colour."""

    def forward(self, images: Tensor, tokens: object, mask: object) -> Tensor:
        halves = images.abs().mean(dim=1).unflatten(2, (2, SIZE // 2)).mean(dim=(1, 3))
        return torch.stack([halves[:, 1], halves[:, 0], torch.full((len(images),), -9.0)], dim=1)


@pytest.fixture
def split(tiny_dataset: str) -> Split:
    """Test records of the tiny project."""
    return load_split(tiny_dataset, "test")


def classifier(dataset: str, net: nn.Module | None = None, **parts: object) -> NetworkClassifier:
    settings = resolve("net", {"net": {"dataset": dataset, **parts}}, TRAIN, 0).model
    assert isinstance(settings, NetworkSettings)
    torch.manual_seed(0)
    tokenizer = fit_words(["red car", "blue horse"], 9) if settings.text else None
    return NetworkClassifier(settings, net or build(settings, 9, 3).eval(), tokenizer)  # type: ignore[arg-type]


def of_side(side: Callable[[int], int]) -> Callable[..., Tensor]:
    """Instead of Grad-CAM: maps show one half of the image, by label."""

    def maps(net: object, images: Tensor, tokens: object, mask: object, label: int) -> Tensor:
        found = torch.zeros(len(images), SIZE, SIZE)
        start = side(label) * SIZE // 2
        found[:, :, start : start + SIZE // 2] = torch.rand(len(images), SIZE, SIZE // 2) + 0.1
        return found

    return maps


def test_a_fifth_of_the_pixels_is_hidden_where_the_map_is_largest() -> None:
    images, maps = torch.ones(2, 3, 5, 4), torch.rand(2, 5, 4)
    hidden = hide(images, maps)
    assert torch.equal(hidden.eq(0).sum(dim=(2, 3)), torch.full((2, 3), 4))
    for number in range(2):
        lost = hidden[number, 0] == 0
        assert maps[number][lost].min() > maps[number][~lost].max()
    assert images.eq(1).all()


def test_a_drop_is_that_of_the_most_probable_label_by_hand(
    split: Split, tiny_dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "grad_cam", of_side(lambda label: 0 if label == 1 else 1))
    monkeypatch.setattr(deletion, "BATCH", 4)
    torch.manual_seed(1)
    looking = classifier(tiny_dataset, Brightness(), image=IMAGE)
    found = score_deletion(looking, split, 0)

    images = read_by(looking, split).images
    labels = Brightness()(images, None, None).argmax(dim=1)
    by_label = labels.bincount(minlength=2)
    assert found["deletion_records"] == by_label[by_label > 1].sum()
    assert by_label[:2].gt(0).all()
    # What is hidden lies on the side that is looked at, so something is lost; no more than all of that side.
    said = Brightness()(images, None, None).amax(dim=1).sigmoid()
    assert 0 < found["deletion"] < (said - 0.5).mean()


def test_maps_that_do_not_matter_lose_nothing_and_ones_own_map_is_told_from_others(
    split: Split, tiny_dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = classifier(tiny_dataset, Brightness(), image=IMAGE)
    monkeypatch.setattr(deletion, "grad_cam", of_side(lambda label: 1 if label == 1 else 0))
    beside = score_deletion(looking, split, 0)
    assert (beside["deletion"], beside["deletion_difference"]) == (0, 0)

    def brightest(net: object, images: Tensor, tokens: object, mask: object, label: int) -> Tensor:
        found = images.abs().mean(dim=1)
        found[:, :, SIZE // 2 :] *= label != 1  # of the half that is looked at, where nothing else takes as much
        found[:, :, : SIZE // 2] *= label == 1
        return found

    monkeypatch.setattr(deletion, "grad_cam", brightest)
    own = score_deletion(looking, split, 0)
    assert own["deletion"] > own["deletion_by_other_map"]
    assert own["deletion_difference_ci_low"] > 0
    assert own["deletion_difference"] == pytest.approx(own["deletion"] - own["deletion_by_other_map"])


def test_records_without_a_map_and_those_alone_with_their_label_are_left_out(
    split: Split, tiny_dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = classifier(tiny_dataset, Brightness(), image=IMAGE)
    labels = Brightness()(read_by(looking, split).images, None, None).argmax(dim=1).numpy()
    rare, common = sorted((np.flatnonzero(labels == label) for label in (0, 1)), key=len)
    assert len(rare) > 0

    def none_of_the_first(net: object, images: Tensor, tokens: object, mask: object, label: int) -> Tensor:
        found = torch.rand(len(images), SIZE, SIZE)
        found[0] = 0
        return found

    monkeypatch.setattr(deletion, "grad_cam", none_of_the_first)
    some = subset(split, np.sort(np.concatenate([common[:3], rare[:1]])))
    assert counts(score_deletion(looking, some, 0)) == (2, 2)
    alone = score_deletion(looking, subset(split, common[:1]), 0)
    assert (alone["deletion"], *counts(alone)) == (None, 0, 1)
    assert counts(score_deletion(looking, subset(split, common[:0]), 0)) == (0, 0)


def counts(found: dict[str, Any]) -> tuple[int, int]:
    """How many records were taken, and how many left out."""
    return found["deletion_records"], found["deletion_left_out"]


def test_records_are_taken_evenly_over_a_large_split(
    split: Split, tiny_dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Split] = []
    monkeypatch.setattr(deletion, "MOST", 4)
    monkeypatch.setattr(
        deletion, "_drop", lambda classifier, part: seen.append(part) or deletion.Drop(*[np.zeros(4)] * 2)
    )
    assert counts(score_deletion(classifier(tiny_dataset, image=IMAGE), split, 0)) == (4, 0)
    last = len(split.ids) - 1
    assert seen[0].ids == [split.ids[row] for row in (0, last // 3, 2 * last // 3, last)]


@pytest.mark.parametrize("parts", [{}, {"text": TEXT, "fusion": {"name": "late"}}])
def test_real_maps_are_scored(parts: dict[str, object], split: Split, tiny_dataset: str) -> None:
    image = {"encoder": "timm/resnet10t", "size": 32, "output_stride": 8}
    found = score_deletion(classifier(tiny_dataset, image=image, **parts), split, 0)
    assert found["deletion_records"] > 1
    assert found["deletion_difference_ci_low"] <= found["deletion_difference"] <= found["deletion_difference_ci_high"]


def test_a_network_of_texts_hides_nothing(split: Split, tiny_dataset: str) -> None:
    found = score_deletion(classifier(tiny_dataset, text=TEXT), split, 0)
    assert (found["deletion"], *counts(found)) == (None, 0, 0)
