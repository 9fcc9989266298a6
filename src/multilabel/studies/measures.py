"""Every average of precision, recall and F1 with a bootstrap interval, from counts per record."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from multilabel.metrics.scores import CONFIDENCE, Bits, Floats

AVERAGES = ("samples", "micro", "macro", "weighted")
SCORES = ("precision", "recall", "f1")


def intervals(targets: Bits, predicted: Bits, draws: int, seed: int) -> dict[str, tuple[float, float, float]]:
    """`f1_macro` and so on -> (value, low, high); intervals from `draws` resamples of the records.

    The weights of a resample turn every score into one matrix product, (draws, N) by (N, L). A macro average runs over
    the labels that occur in `targets`.
    """
    random = np.random.default_rng(seed)
    number = len(targets)
    weights = random.multinomial(number, np.full(number, 1 / number), size=draws).astype(np.float32)
    everyone = np.ones((1, number), np.float32)
    values, drawn = _all_scores(targets, predicted, everyone), _all_scores(targets, predicted, weights)
    tail = (1 - CONFIDENCE) / 2
    found = {}
    for name, value in values.items():
        low, high = np.quantile(drawn[name], [tail, 1 - tail])
        found[name] = (float(value[0]), float(low), float(high))
    return found


def _all_scores(targets: Bits, predicted: Bits, weights: NDArray[np.float32]) -> dict[str, Floats]:
    both = (targets & predicted).astype(np.float32)
    true, positive, claimed = (
        weights @ both,
        weights @ targets.astype(np.float32),
        weights @ predicted.astype(np.float32),
    )
    there = targets.any(axis=0)
    found = {}
    for score, function in FUNCTIONS.items():
        per_label = function(true, positive, claimed)
        per_record = function(both.sum(axis=1), targets.sum(axis=1), predicted.sum(axis=1))
        found[f"{score}_samples"] = weights @ per_record.astype(np.float32) / weights.sum(axis=1)
        found[f"{score}_micro"] = function(true.sum(axis=1), positive.sum(axis=1), claimed.sum(axis=1))
        found[f"{score}_macro"] = per_label[:, there].mean(axis=1)
        found[f"{score}_weighted"] = (per_label * positive).sum(axis=1) / positive.sum(axis=1)
    return found


def _ratio(part: Floats, whole: Floats) -> Floats:
    """0 where both are 0, as scikit-learn counts with zero_division=0."""
    return part / np.where(whole == 0, 1, whole)


FUNCTIONS: dict[str, Callable[[Floats, Floats, Floats], Floats]] = {  # of true positives, positives, predicted ones
    "precision": lambda true, positive, claimed: _ratio(true, claimed),
    "recall": lambda true, positive, claimed: _ratio(true, positive),
    "f1": lambda true, positive, claimed: _ratio(2 * true, positive + claimed),
}
