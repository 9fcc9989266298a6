"""Every metric against scikit-learn and against counting by hand, also where there is little to count."""

import json
import math
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from sklearn import metrics

from multilabel.metrics.scores import METRICS, as_text, missing, per_label, scores

RANDOM = np.random.default_rng(7)
TARGETS = (RANDOM.random((200, 6)) < [0.7, 0.3, 0.2, 0.1, 0.05, 0.0]).astype(np.uint8)
PROBABILITIES = np.clip(0.4 * TARGETS + RANDOM.random((200, 6)) * 0.6, 0, 1).astype(np.float32)
PREDICTED = (PROBABILITIES > 0.5).astype(np.uint8)
THERE = slice(0, 5)  # the sixth label does not occur

REFERENCES: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], float]] = {
    "f1_samples": lambda t, p, q: np.mean([f1(a, b) for a, b in zip(t, p, strict=True)]),
    "f1_micro": lambda t, p, q: f1(t.ravel(), p.ravel()),
    "f1_macro": lambda t, p, q: np.mean([f1(a, b) for a, b in occurring(t, p)]),
    "f1_weighted": lambda t, p, q: np.average(
        [f1(a, b) for a, b in occurring(t, p)], weights=[a.sum() for a, _ in occurring(t, p)]
    ),
    "map": lambda t, p, q: np.mean([average_precision(a, b) for a, b in occurring(t, q)]),
    "exact_match": lambda t, p, q: np.mean([(a == b).all() for a, b in zip(t, p, strict=True)]),
    "hamming": lambda t, p, q: np.mean(t != p),
}
SCIKIT = {
    **{
        f"f1_{average}": lambda t, p, q, average=average: metrics.f1_score(t, p, average=average, zero_division=0)
        for average in ("samples", "micro", "weighted")
    },
    "f1_macro": lambda t, p, q: metrics.f1_score(t[:, THERE], p[:, THERE], average="macro", zero_division=0),
    "map": lambda t, p, q: metrics.average_precision_score(t[:, THERE], q[:, THERE], average="macro"),
    "exact_match": lambda t, p, q: metrics.accuracy_score(t, p),
    "hamming": lambda t, p, q: metrics.hamming_loss(t, p),
}


def f1(true: np.ndarray, predicted: np.ndarray) -> float:
    hits, both = int((true & predicted).sum()), int(true.sum()) + int(predicted.sum())
    return 2 * hits / both if both else 0.0


def occurring(targets: np.ndarray, others: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(t, o) for t, o in zip(targets.T, others.T, strict=True) if t.any()]


def average_precision(true: np.ndarray, probabilities: np.ndarray) -> float:
    """Over the thresholds that occur, from high to low: precision times the recall that each adds."""
    area, recall = 0.0, 0.0
    for threshold in sorted(set(probabilities.tolist()), reverse=True):
        chosen = probabilities >= threshold
        hits = int(true[chosen].sum())
        area, recall = area + hits / chosen.sum() * (hits / true.sum() - recall), hits / true.sum()
    return area


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_that_of_scikit_learn(name: str) -> None:
    found = METRICS[name].score(TARGETS, PREDICTED, PROBABILITIES)
    assert type(found) is float
    assert found == pytest.approx(SCIKIT[name](TARGETS, PREDICTED, PROBABILITIES))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("shape", list(product([1, 2, 9], [1, 2, 5])))
def test_every_metric_against_counting_by_hand(name: str, shape: tuple[int, int]) -> None:
    for share in (0.0, 0.4, 1.0):
        targets = (RANDOM.random(shape) < 0.5).astype(np.uint8)
        targets[0, 0] = 1
        probabilities = RANDOM.random(shape).round(1).astype(np.float32)
        predicted = (probabilities < share).astype(np.uint8)  # none, some, nearly all
        expected = REFERENCES[name](targets, predicted, probabilities)
        assert METRICS[name].score(targets, predicted, probabilities) == pytest.approx(expected), share


@pytest.mark.parametrize("name", METRICS)
def test_the_best_prediction_is_the_best_in_the_direction_of_the_metric(name: str) -> None:
    metric = METRICS[name]
    some = TARGETS[TARGETS.any(axis=1)]
    perfect = metric.score(some, some, some.astype(np.float32))
    wrong = metric.score(some, 1 - some, 1 - some.astype(np.float32))
    assert perfect == pytest.approx(1 if metric.higher_is_better else 0)
    assert metric.better(perfect) > metric.better(wrong) > metric.better(None)


@pytest.mark.parametrize("name", METRICS)
def test_only_what_says_so_is_free_of_decoding(name: str) -> None:
    same = METRICS[name].score(TARGETS, 1 - PREDICTED, PROBABILITIES) == METRICS[name].score(
        TARGETS, PREDICTED, PROBABILITIES
    )
    assert same == METRICS[name].of_probabilities


@pytest.mark.filterwarnings("error")
def test_what_cannot_be_computed_is_none_with_a_note() -> None:
    nothing = np.zeros((4, 3), np.uint8)
    found = scores(nothing, nothing, nothing.astype(np.float32))
    assert {name for name, value in found.items() if value is None} == {"f1_macro", "f1_weighted", "map"}
    assert missing(found) == "f1_macro, f1_weighted, map: no record has a label"
    empty = scores(TARGETS[:0], PREDICTED[:0], PROBABILITIES[:0])
    assert set(empty.values()) == {None}
    assert missing(empty).endswith("hamming: there is no record")
    assert json.dumps(empty | found, allow_nan=False)
    assert missing(scores(TARGETS, PREDICTED, PROBABILITIES)) == ""
    assert (as_text(None), as_text(0.5), as_text(0.5, "+.1f")) == ("n/a", "0.5000", "+0.5")


@pytest.mark.filterwarnings("error")
def test_scores_of_single_labels_against_scikit_learn() -> None:
    ids, names = list("abcdef"), [f"label {c}" for c in "abcdef"]
    table = per_label(TARGETS, PREDICTED, PROBABILITIES, ids, names)
    assert table["label"].tolist() == ids
    assert table["name"].tolist() == names
    assert table["support"].tolist() == TARGETS.sum(axis=0).tolist()
    assert table["ap"].isna().tolist() == [False] * 5 + [True]
    np.testing.assert_allclose(table["f1"], metrics.f1_score(TARGETS, PREDICTED, average=None, zero_division=0))
    one = per_label(TARGETS[:, :1], PREDICTED[:, :1], PROBABILITIES[:, :1], ["a"], ["label a"])
    assert one.iloc[0].to_dict() == pytest.approx(table.iloc[0].to_dict())


def test_none_is_never_better_than_a_score() -> None:
    assert METRICS["hamming"].better(0.9) > METRICS["hamming"].better(None) == -math.inf
