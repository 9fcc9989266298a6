"""Rules that make label sets of probabilities, against brute force."""

import tracemalloc
from itertools import product

import numpy as np
import pytest
from sklearn.metrics import f1_score

from multilabel.core.settings import Choice, call_named
from multilabel.metrics import decoding
from multilabel.metrics.decoding import (
    DECODINGS,
    GRID,
    Decoding,
    expected_f1,
    expected_f1_sets,
    fit_all,
    fitted_global,
    per_label,
)
from multilabel.metrics.statistics import f1_per_record

RANDOM = np.random.default_rng(3)
TARGETS = (RANDOM.random((60, 3)) < [0.5, 0.3, 0.2]).astype(np.uint8)
PROBABILITIES = np.clip(TARGETS * 0.35 + RANDOM.random((60, 3)) * [0.6, 0.5, 0.7], 0, 1).astype(np.float32)


def score(decoding: Decoding, average: str) -> float:
    return f1_score(TARGETS, decoding.decode(PROBABILITIES), average=average, zero_division=0)


@pytest.mark.parametrize("name", DECODINGS)
def test_every_rule_fills_every_row_and_survives_storage(name: str) -> None:
    rule = call_named(DECODINGS, Choice(name), PROBABILITIES, TARGETS)
    assert rule.decode(PROBABILITIES).any(axis=1).all()
    low = np.full((2, 3), 1e-4, np.float32)
    low[1, 2] = 1e-3
    assert rule.decode(low)[1].tolist() == [0, 0, 1]  # nothing passes: the most probable label
    again = Decoding(**rule.as_json())
    assert (again.decode(PROBABILITIES) == rule.decode(PROBABILITIES)).all()


@pytest.mark.parametrize("name", sorted(set(DECODINGS) - {"expected_f1"}))
def test_without_fallback_rows_may_be_empty(name: str) -> None:
    rule = call_named(DECODINGS, Choice(name, {"fallback": False}), PROBABILITIES, TARGETS)
    assert not rule.decode(np.full((1, 3), 1e-4, np.float32)).any()


def test_the_global_threshold_against_every_threshold() -> None:
    rule = call_named(DECODINGS, Choice("global"), PROBABILITIES, TARGETS)
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
    assert reached >= score(call_named(DECODINGS, Choice("global"), PROBABILITIES, TARGETS), average)
    every = [score(Decoding("per_label", list(t)), average) for t in product(GRID[::4], repeat=3)]
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


def test_expected_f1_of_many_labels_by_its_definition() -> None:
    probabilities = -np.sort(-(RANDOM.random((3, 60)) ** 4))
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


def test_calibration_mends_probabilities_that_know_the_order_alone() -> None:
    """Those of a network that few records trained lie around one half for all labels, so that all are predicted."""
    random = np.random.default_rng(5)
    frequency = np.array([0.7, 0.15, 0.1, 0.08, 0.05, 0.05, 0.04, 0.03])
    targets = (random.random((230, 8)) < frequency).astype(np.uint8)
    said = np.clip(0.42 + 0.1 * (frequency - 0.15) + 0.02 * targets + 0.01 * random.standard_normal((230, 8)), 0, 1)
    valid, test = np.split(said.astype(np.float32), [30])
    raw, calibrated = (expected_f1(valid, targets[:30], calibrate=calibrate) for calibrate in (False, True))
    best = fitted_global(valid, targets[:30])
    raw_score, score, reference = (
        f1_per_record(targets[30:], rule.decode(test)).mean() for rule in (raw, calibrated, best)
    )
    assert raw.decode(test).all()
    assert score > raw_score + 0.3
    assert score > reference - 0.02
    assert Decoding(**calibrated.as_json()) == calibrated


def test_calibration_leaves_what_is_calibrated() -> None:
    random = np.random.default_rng(7)
    truth = random.random((3000, 5)) ** 2
    rule = expected_f1(truth.astype(np.float32), (random.random((3000, 5)) < truth).astype(np.uint8), calibrate=True)
    assert rule.slope == pytest.approx(1, abs=0.05)
    assert rule.shifts == pytest.approx([0] * 5, abs=0.15)


@pytest.mark.parametrize(
    "targets", [np.zeros((0, 3), np.uint8), np.ones((1, 3), np.uint8), np.zeros((40, 3), np.uint8)]
)
def test_calibration_of_next_to_nothing(targets: np.ndarray) -> None:
    said = np.tile(np.array([0, 0.5, 1], np.float32), (len(targets), 1))
    rule = expected_f1(said, targets, calibrate=True)
    assert rule.decode(np.array([[0, 0.5, 1], [1, 1, 1]], np.float32)).any(axis=1).all()


def test_memory_of_expected_f1_is_bounded_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    probabilities = RANDOM.random((600, 80)).astype(np.float32) ** 3
    whole = expected_f1_sets(probabilities)
    monkeypatch.setattr(decoding, "MEMORY", 4 * 2**20)
    tracemalloc.start()
    parts = expected_f1_sets(probabilities)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (parts == whole).all()
    assert peak < 6 * 2**20  # all at once, 107 kB for each record
    assert expected_f1_sets(probabilities[:0]).shape == (0, 80)


@pytest.mark.parametrize("score", ["f1_macro", "f1_micro", "f1_samples"])
@pytest.mark.parametrize("fallback", [True, False])
def test_thresholds_of_500_labels_are_searched_one_label_at_a_time(
    score: str, fallback: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "ROUNDS", 2)
    targets = (RANDOM.random((50, 500)) < 0.01).astype(np.uint8)
    probabilities = np.clip(targets * 0.3 + RANDOM.random((50, 500)) * 0.5, 0, 1).astype(np.float32)
    average = score.removeprefix("f1_")
    start = call_named(DECODINGS, Choice("global", {"fallback": fallback}), probabilities, targets)
    rule = per_label(probabilities, targets, score=score, fallback=fallback)
    there = targets.any(axis=0)
    assert (np.array(rule.thresholds)[~there] == (0.5 if score == "f1_macro" else start.thresholds[0])).all()
    before, after = (
        f1_score(targets[:, there], each.decode(probabilities)[:, there], average=average, zero_division=0)
        for each in (start, rule)
    )
    assert after >= before


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", DECODINGS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (5, 1)])
def test_one_record_and_one_label_can_be_decoded(name: str, shape: tuple[int, int]) -> None:
    for targets in (np.zeros(shape, np.uint8), np.ones(shape, np.uint8)):
        probabilities = RANDOM.random(shape).astype(np.float32)
        rule = call_named(DECODINGS, Choice(name), probabilities, targets)
        assert rule.decode(probabilities).any(axis=1).all()
        assert rule.decode(probabilities[:0]).shape == (0, shape[1])


def test_all_rules_are_fitted_and_the_chosen_one_keeps_its_options() -> None:
    rules = fit_all(Choice("fixed", {"threshold": 0.65, "fallback": False}), PROBABILITIES, TARGETS)
    assert set(rules) == set(DECODINGS)
    assert rules["fixed"] == Decoding("fixed", [0.65] * 3, fallback=False)
