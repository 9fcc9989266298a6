"""Rules that make label sets of probabilities, against brute force."""

from itertools import product

import numpy as np
import pytest
from sklearn.metrics import f1_score

from multilabel.core.settings import call_named
from multilabel.metrics.decoding import DECODINGS, GRID, Decoding, expected_f1_sets, fit_all, per_label

RANDOM = np.random.default_rng(3)
TARGETS = (RANDOM.random((60, 3)) < [0.5, 0.3, 0.2]).astype(np.uint8)
PROBABILITIES = np.clip(TARGETS * 0.35 + RANDOM.random((60, 3)) * [0.6, 0.5, 0.7], 0, 1).astype(np.float32)


def score(decoding: Decoding, average: str) -> float:
    return f1_score(TARGETS, decoding.decode(PROBABILITIES), average=average, zero_division=0)


@pytest.mark.parametrize("name", DECODINGS)
def test_every_rule_fills_every_row_and_survives_storage(name: str) -> None:
    rule = call_named(DECODINGS, {"name": name}, PROBABILITIES, TARGETS)
    assert rule.decode(PROBABILITIES).any(axis=1).all()
    low = np.full((2, 3), 1e-4, np.float32)
    low[1, 2] = 1e-3
    assert rule.decode(low)[1].tolist() == [0, 0, 1]  # nothing passes: the most probable label
    again = Decoding(**rule.as_json())
    assert (again.decode(PROBABILITIES) == rule.decode(PROBABILITIES)).all()


@pytest.mark.parametrize("name", sorted(set(DECODINGS) - {"expected_f1"}))
def test_without_fallback_rows_may_be_empty(name: str) -> None:
    rule = call_named(DECODINGS, {"name": name, "fallback": False}, PROBABILITIES, TARGETS)
    assert not rule.decode(np.full((1, 3), 1e-4, np.float32)).any()


def test_the_global_threshold_against_every_threshold() -> None:
    rule = call_named(DECODINGS, {"name": "global"}, PROBABILITIES, TARGETS)
    every = [score(Decoding("fixed", [t] * 3), "samples") for t in GRID]
    assert score(rule, "samples") == pytest.approx(max(every))


def test_thresholds_of_single_labels_against_every_threshold() -> None:
    rule = per_label(PROBABILITIES, TARGETS, fallback=False)
    every = [
        [f1_score(TARGETS[:, label], PROBABILITIES[:, label] >= t, zero_division=0) for t in GRID] for label in range(3)
    ]
    assert score(rule, "macro") == pytest.approx(np.max(every, axis=1).mean())


@pytest.mark.parametrize("average", ["micro", "samples"])
def test_coupled_thresholds_against_every_combination(average: str) -> None:
    rule = per_label(PROBABILITIES, TARGETS, score=f"f1_{average}")
    reached = score(rule, average)
    assert reached >= score(call_named(DECODINGS, {"name": "global"}, PROBABILITIES, TARGETS), average)
    every = [score(Decoding("per_label", list(t)), average) for t in product(GRID[::2], repeat=3)]
    assert reached >= max(every) - 0.01  # one label at a time may miss the last bit
    for label in range(3):  # but no single threshold can be improved
        for threshold in GRID:
            changed = list(rule.thresholds)
            changed[label] = float(threshold)
            assert score(Decoding("per_label", changed), average) <= reached + 1e-12


def test_a_label_without_a_positive_keeps_one_half() -> None:
    targets = TARGETS.copy()
    targets[:, 1] = 0
    assert per_label(PROBABILITIES, targets).thresholds[1] == 0.5


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


def test_all_rules_are_fitted_and_the_chosen_one_keeps_its_options() -> None:
    rules = fit_all({"name": "fixed", "threshold": 0.65, "fallback": False}, PROBABILITIES, TARGETS)
    assert set(rules) == set(DECODINGS)
    assert rules["fixed"] == Decoding("fixed", [0.65] * 3, fallback=False)
