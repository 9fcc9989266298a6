import tracemalloc
from itertools import product

import numpy as np
import pytest

from multilabel.metrics import expected_f1
from multilabel.metrics.expected_f1 import expected_f1_sets

RANDOM = np.random.default_rng(3)


@pytest.mark.parametrize("labels", [1, 2, 5, 7])
def test_expected_f1_against_all_label_sets(labels: int) -> None:
    probabilities = RANDOM.random((20, labels)).astype(np.float32) ** 2
    sets = np.array(list(product([0, 1], repeat=labels)), dtype=np.int64)  # (2^L, L)
    sizes = sets.sum(axis=1)
    f1 = 2 * (sets @ sets.T) / np.maximum(1, sizes[:, None] + sizes[None])  # (predicted, true)
    found = expected_f1_sets(probabilities)
    for row, p in zip(found, probabilities.astype(np.float64), strict=True):
        chance = np.prod(np.where(sets == 1, p, 1 - p), axis=1)
        expected = f1 @ chance
        mine = expected[(sets == row).all(axis=1)][0]
        assert mine == pytest.approx(expected[1:].max(), abs=1e-12)


@pytest.mark.parametrize("power", [1, 4, 30])  # the best set has nearly all labels, some, few
def test_expected_f1_of_many_labels_by_its_definition(power: int) -> None:
    probabilities = -np.sort(-(RANDOM.random((5, 60)) ** power))
    found = expected_f1_sets(probabilities)
    for row, p in zip(found, probabilities, strict=True):
        expected = []
        for k in range(1, 61):
            inside, outside = np.ones(1), np.ones(1)
            for chance in p[:k]:
                inside = np.convolve(inside, [1 - chance, chance])
            for chance in p[k:]:
                outside = np.convolve(outside, [1 - chance, chance])
            i, j = np.arange(k + 1)[:, None], np.arange(60 - k + 1)
            expected.append(inside @ (2 * i / (k + i + j)) @ outside)
        assert row.sum() == np.argmax(expected) + 1
        assert row[: row.sum()].all()


def test_memory_of_expected_f1_is_bounded_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    probabilities = RANDOM.random((600, 80)).astype(np.float32) ** 3
    whole = expected_f1_sets(probabilities)
    monkeypatch.setattr(expected_f1, "MEMORY", 4 * 2**20)
    tracemalloc.start()
    parts = expected_f1_sets(probabilities)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (parts == whole).all()
    assert peak < 6 * 2**20  # all at once, 107 kB for each record
    assert expected_f1_sets(probabilities[:0]).shape == (0, 80)


@pytest.mark.parametrize("labels", [1, 2, 18, 300])
def test_the_set_of_a_record_does_not_depend_on_others(labels: int) -> None:
    ties = RANDOM.integers(0, 5, (40, labels)) / 4
    probabilities = np.concatenate([RANDOM.random((40, labels)) ** 5, ties, np.zeros((1, labels))]).astype(np.float32)
    together = expected_f1_sets(probabilities)
    assert (together == np.concatenate([expected_f1_sets(row[None]) for row in probabilities])).all()
    assert together.any(axis=1).all()


def test_bounds_leave_out_what_cannot_be_the_best() -> None:
    probabilities = -np.sort(-(RANDOM.random((200, 400)) ** 40))
    largest = expected_f1._largest(probabilities)
    assert (expected_f1_sets(probabilities).sum(axis=1) <= largest).all()
    assert np.median(largest) < 64
    for p, size, counted in zip(probabilities, largest, expected_f1._counted(probabilities, largest), strict=True):
        true = (RANDOM.random((1_000, 400 - size)) < p[size:]).sum(axis=1)
        assert true.max() < counted
