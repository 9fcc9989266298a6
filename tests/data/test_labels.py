from pathlib import Path

import numpy as np
import pytest

from multilabel.core.errors import UserError
from multilabel.data.duplicates import extra, groups, text_keys
from multilabel.data.labels import COCO, Labels, order
from multilabel.data.splits import SPLITS, SplitSettings, balance, folds, split


def test_round_trip_through_multi_hot_and_json(tmp_path: Path) -> None:
    sets = [["19", "1"], ["2"], []]
    labels = order(sets, "coco")
    assert (labels.ids, labels.names) == (["1", "2", "19"], ["person", "bicycle", "horse"])
    assert labels.label_sets(labels.multi_hot(sets)) == [["1", "19"], ["2"], []]
    labels.save(tmp_path / "labels.json")
    assert Labels.load(tmp_path / "labels.json") == labels


def test_names_sort_by_letter_and_unknown_labels_are_refused() -> None:
    labels = order([["b", "10"], ["a"]], "as_given")
    assert labels.ids == ["10", "a", "b"]
    with pytest.raises(UserError, match=r"label 'c' is not one of 10, a, b; run encode_labels again"):
        labels.multi_hot([["c"]])
    with pytest.raises(UserError, match=r"unknown label naming 'coca' .*did you mean 'coco'"):
        order([], "coca")


def test_the_competitions_eighteen_labels() -> None:
    assert [int(id) for id in COCO] == [*range(1, 12), *range(13, 20)]


def test_groups_join_whatever_shares_a_picture_or_a_text() -> None:
    pictures, texts = ["p", "q", "q", "r", "", ""], text_keys(["A cat.", "a  CAT", "x", "y", "!", "?"])
    assert texts == ["a cat", "a cat", "x", "y", "", ""]
    found = groups(pictures, texts)
    assert found[0] == found[1] == found[2]
    assert len(set(found)) == 4
    assert extra(pictures) == 1


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_split_keeps_groups_together_and_shares_alike(seed: int) -> None:
    random = np.random.default_rng(seed)
    targets = (random.random((1500, 8)) < np.linspace(0.02, 0.7, 8)).astype(np.uint8)
    together = random.integers(0, 1400, size=1500)
    _, together = np.unique(together, return_inverse=True)
    settings = SplitSettings(valid=0.1, test=0.2)
    assigned = split(targets, together, settings, seed)
    assert all(len(set(assigned[together == group])) == 1 for group in range(together.max() + 1))
    report = balance(targets, assigned)
    assert sum(report[name]["records"] for name in SPLITS) == 1500
    assert abs(report["test"]["records"] - 300) < 30
    assert max(report[name]["share_difference_max"] for name in SPLITS) < 0.06
    random_test = np.where(random.random(1500) < 0.2, "test", "train")
    assert (
        report["test"]["share_difference_mean"]
        < np.abs(targets[random_test == "test"].mean(0) - targets.mean(0)).mean()
    )
    assert (split(targets, together, settings, seed) == assigned).all()


def test_frequent_label_sets_are_shared_out_as_a_whole() -> None:
    random = np.random.default_rng(0)
    targets = np.zeros((6000, 6), np.uint8)
    targets[:, 0] = random.random(6000) < 0.75
    targets[:, 1:] = random.random((6000, 5)) < 0.08
    targets[targets.sum(axis=1) == 0, 1] = 1
    alone = (targets.sum(axis=1) == 1) & (targets[:, 0] == 1)
    assigned = split(targets, np.arange(6000), SplitSettings(valid=0.1, test=0.25), 0)
    for name in SPLITS:
        assert alone[assigned == name].mean() == pytest.approx(alone.mean(), abs=0.003)


@pytest.mark.parametrize("number", [2, 5])
def test_folds_are_disjoint_keep_groups_together_and_share_alike(number: int) -> None:
    random = np.random.default_rng(number)
    targets = (random.random((1500, 8)) < np.linspace(0.02, 0.7, 8)).astype(np.uint8)
    _, together = np.unique(random.integers(0, 1400, size=1500), return_inverse=True)
    fold = folds(targets, together, number, seed=0)
    assert sorted(set(fold)) == list(range(number))
    assert all(len(set(fold[together == group])) == 1 for group in range(together.max() + 1))
    for k in range(number):
        assert (fold == k).sum() == pytest.approx(1500 / number, rel=0.12)
        assert np.abs(targets[fold == k].mean(axis=0) - targets.mean(axis=0)).max() < 0.05
    assert (folds(targets, together, number, seed=0) == fold).all()
    with pytest.raises(UserError, match=r"ensemble.folds: 9 folds of only 4 different records; ask for fewer"):
        folds(targets[:8], np.arange(8) // 2, 9, seed=0)


def test_splits_that_cannot_be_made() -> None:
    targets = np.ones((20, 1), np.uint8)
    with pytest.raises(UserError, match="leave nothing for train; their sum must be below 1"):
        split(targets, np.arange(20), SplitSettings(valid=0.5, test=0.5), 0)
    with pytest.raises(UserError, match="only 1 different labelled records; at least 10 are needed"):
        split(targets, np.zeros(20, int), SplitSettings(valid=0.1, test=0.2), 0)
