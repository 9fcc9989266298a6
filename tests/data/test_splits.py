import numpy as np
import pytest
from numpy.typing import NDArray

from multilabel.core.errors import UserError
from multilabel.data.splits import SPLITS, SplitSettings, balance, folds, split

Targets = NDArray[np.uint8]


def settings(valid: float = 0.1, test: float = 0.25, seed: int = 0) -> SplitSettings:
    return SplitSettings(valid=valid, test=test, seed=seed)


def sizes(assigned: NDArray[np.str_]) -> list[int]:
    """Records of train, valid, test."""
    return [int((assigned == name).sum()) for name in SPLITS]


def grouped(random: np.random.Generator) -> tuple[Targets, NDArray[np.int_]]:
    """1,500 records of eight labels, some in groups."""
    targets = (random.random((1500, 8)) < np.linspace(0.02, 0.7, 8)).astype(np.uint8)
    return targets, np.unique(random.integers(0, 1400, size=1500), return_inverse=True)[1]


def one_label_each(labels: int, records: int) -> Targets:
    """So many records of each label, and of no other."""
    return np.repeat(np.eye(labels, dtype=np.uint8), records, axis=0)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_split_keeps_groups_together_and_shares_alike(seed: int) -> None:
    random = np.random.default_rng(seed)
    targets, together = grouped(random)
    assigned = split(targets, together, settings(0.1, 0.2, seed))
    assert all(len(set(assigned[together == group])) == 1 for group in range(together.max() + 1))
    report = balance(targets, assigned)
    assert sum(report[name]["records"] for name in SPLITS) == 1500
    assert report["test"]["records"] == pytest.approx(300, rel=0.02)
    assert report["valid"]["records"] == pytest.approx(150, rel=0.02)
    assert max(report[name]["share_difference_max"] for name in SPLITS) < 0.06
    random_test = np.where(random.random(1500) < 0.2, "test", "train")
    assert (
        report["test"]["share_difference_mean"]
        < np.abs(targets[random_test == "test"].mean(0) - targets.mean(0)).mean()
    )
    assert (split(targets, together, settings(0.1, 0.2, seed)) == assigned).all()


def test_another_seed_is_another_split() -> None:
    targets, together = grouped(np.random.default_rng(0))
    assert (split(targets, together, settings(seed=1)) != split(targets, together, settings(seed=2))).any()


def test_frequent_label_sets_are_shared_out_as_a_whole() -> None:
    random = np.random.default_rng(0)
    targets = np.zeros((6000, 6), np.uint8)
    targets[:, 0] = random.random(6000) < 0.75
    targets[:, 1:] = random.random((6000, 5)) < 0.08
    targets[targets.sum(axis=1) == 0, 1] = 1
    alone = (targets.sum(axis=1) == 1) & (targets[:, 0] == 1)
    assigned = split(targets, np.arange(6000), settings())
    for name in SPLITS:
        assert alone[assigned == name].mean() == pytest.approx(alone.mean(), abs=0.003)


@pytest.mark.parametrize(
    "targets",
    [
        one_label_each(200, 3),
        one_label_each(600, 1),
        one_label_each(120, 5),
        one_label_each(1, 600),
        np.vstack([np.ones((1, 3)), np.zeros((599, 3))]).astype(np.uint8),
    ],
    ids=["three records a label", "a record a label", "five records a label", "one label", "one labelled record"],
)
def test_shares_hold_however_rare_the_labels(targets: Targets) -> None:
    shuffled = targets[np.random.default_rng(0).permutation(600)]
    assigned = split(shuffled, np.arange(600), settings())
    assert sizes(assigned) == [390, 60, 150]
    assert (split(shuffled, np.arange(600), settings()) == assigned).all()
    fold = folds(shuffled, np.arange(600), 5, seed=0)
    assert np.bincount(fold).tolist() == [120] * 5


def test_rare_labels_stay_in_train_where_the_shares_allow_it() -> None:
    targets = one_label_each(200, 3)
    assigned = split(targets, np.arange(600), settings())
    assert targets[assigned == "train"].any(axis=0).all()


@pytest.mark.parametrize(
    ("group_sizes", "asked", "expected"),
    [
        ([40, *[1] * 60], (0.1, 0.25), [65, 10, 25]),  # what is too large for a part stands in train
        ([20, *[1] * 80], (0.1, 0.25), [65, 10, 25]),
        ([1000, *[1] * 9], (0.1, 0.25), [1006, 1, 2]),  # and if too little else is there, parts are shares of the rest
        ([10] * 10, (0.05, 0.05), [80, 10, 10]),  # no part is empty
        ([1] * 10, (0.01, 0.98), [1, 1, 8]),
        ([1] * 10, (0.98, 0.01), [1, 8, 1]),
        ([1] * 10, (0.001, 0.001), [8, 1, 1]),
        ([1, *[100] * 9], (0.05, 0.05), [800, 100, 1]),
    ],
)
def test_groups_of_any_size_are_shared_out_whole(
    group_sizes: list[int], asked: tuple[float, float], expected: list[int]
) -> None:
    together = np.repeat(np.arange(len(group_sizes)), group_sizes)
    targets = np.ones((len(together), 2), np.uint8)
    assigned = split(targets, together, settings(*asked))
    assert sizes(assigned) == expected
    assert all(len(set(assigned[together == group])) == 1 for group in range(len(group_sizes)))
    fold = folds(targets, together, 5, seed=0)
    assert (np.bincount(fold, minlength=5) > 0).all()


@pytest.mark.parametrize("number", [2, 5])
def test_folds_are_disjoint_keep_groups_together_and_share_alike(number: int) -> None:
    targets, together = grouped(np.random.default_rng(number))
    fold = folds(targets, together, number, seed=0)
    assert sorted(set(fold)) == list(range(number))
    assert all(len(set(fold[together == group])) == 1 for group in range(together.max() + 1))
    for k in range(number):
        assert (fold == k).sum() == pytest.approx(1500 / number, rel=0.03)
        assert np.abs(targets[fold == k].mean(axis=0) - targets.mean(axis=0)).max() < 0.05
    assert (folds(targets, together, number, seed=0) == fold).all()
    with pytest.raises(UserError, match=r"ensemble.folds: 9 folds of only 4 different records; ask for fewer"):
        folds(targets[:8], np.arange(8) // 2, 9, seed=0)


def test_a_group_larger_than_a_fold_is_one_and_the_others_are_alike() -> None:
    together = np.repeat(np.arange(61), [40, *[1] * 60])
    fold = folds(np.ones((100, 2), np.uint8), together, 5, seed=0)
    assert sorted(np.bincount(fold)) == [15, 15, 15, 15, 40]


def test_splits_that_cannot_be_made() -> None:
    targets = np.ones((20, 1), np.uint8)
    with pytest.raises(UserError, match="leave nothing for train; their sum must be below 1"):
        settings(0.5, 0.5)
    with pytest.raises(UserError, match="only 1 different labelled records; at least 10 are needed"):
        split(targets, np.zeros(20, int), settings())
    for unlabelled in (np.zeros((20, 3), np.uint8), np.zeros((20, 0), np.uint8)):
        with pytest.raises(UserError, match=r"no record has a label.* at least one label is needed"):
            split(unlabelled, np.arange(20), settings())
