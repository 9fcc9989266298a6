"""Rules that make label sets of probabilities, against brute force."""

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
