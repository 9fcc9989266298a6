"""Scores of label sets on the records as they are and on resamples of them: what intervals and paired differences are made of."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multilabel.metrics.statistics import CHUNK, TAIL, Estimate

Floats = NDArray[np.floating]
Bits = NDArray[np.uint8]


@dataclass(frozen=True)
class Replicates:
    """One score of one run: of each seed, and of each seed in every resample of the records.

    Two runs on as many records are resampled alike, so that their difference is paired by record. `chance` is false where
    a procedure leaves nothing to chance, so that more seeds would give the same.
    """

    values: Floats  # (S,)
    resampled: Floats  # (B, S)
    records: int
    chance: bool = True

    @property
    def seeds(self) -> int:
        """How many."""
        return len(self.values)

    @property
    def deviation(self) -> float:
        """The standard deviation of the score between seeds; 0 for one, which shows none."""
        return float(self.values.std(ddof=1)) if self.seeds > 1 else 0.0

    @property
    def interaction(self) -> float:
        """The variance of what one seed does to the records at hand and to no others; `deviation` holds its share too."""
        if self.seeds < 2:
            return 0.0
        moved = self.resampled - self.values
        left = moved - moved.mean(axis=1, keepdims=True)
        return float((left**2).sum() / (len(left) * (self.seeds - 1)))

    def estimate(self) -> Estimate:
        """The mean over seeds with its percentile interval over records."""
        low, high = np.quantile(self.resampled.mean(axis=1), [TAIL, 1 - TAIL])
        return Estimate(float(self.values.mean()), float(low), float(high))


def replicates(
    targets: Bits, by_seed: Bits, n_resamples: int, seed: int, *, chance: bool = True
) -> dict[str, Replicates]:
    """(N, L) and (S, N, L) -> `f1_macro` and so on: precision, recall and F1 in every average, and `exact_match`.

    The weights of a resample turn every score into one matrix product, (resamples, N) by (N, L). A macro average runs
    over the labels that occur in `targets`; where none does, it and the weighted average are left out. For fewer than two
    records, and without a seed, nothing is found.
    """
    random, number = np.random.default_rng(seed), len(targets)
    if number < 2 or not len(by_seed):
        return {}
    values = _of_seeds(targets, by_seed, np.ones((1, number), np.float32))
    drawn: list[dict[str, Floats]] = []
    at_once = max(1, CHUNK // (12 * number))
    for done in range(0, n_resamples, at_once):
        size = min(at_once, n_resamples - done)
        weights = random.multinomial(number, np.full(number, 1 / number), size=size).astype(np.float32)
        drawn.append(_of_seeds(targets, by_seed, weights))
    resampled = {name: np.concatenate([part[name] for part in drawn]) for name in values}
    return {name: Replicates(found[0], resampled[name], number, chance) for name, found in values.items()}


def of_means(by_seed: Floats, n_resamples: int, seed: int, *, chance: bool = True) -> Replicates:
    """The mean over records of (S, N) values, two records at least, by seed and by resample."""
    random, number = np.random.default_rng(seed), by_seed.shape[1]
    at_once = max(1, CHUNK // (12 * number))
    sizes = [min(at_once, n_resamples - done) for done in range(0, n_resamples, at_once)]
    parts = [random.multinomial(number, np.full(number, 1 / number), size=size) @ by_seed.T / number for size in sizes]
    return Replicates(by_seed.mean(axis=1), np.concatenate(parts), number, chance)


def constant_answer(targets: Bits) -> Bits:
    """(N, L): the most frequent label of the targets for every record."""
    predicted = np.zeros_like(targets)
    predicted[:, targets.sum(axis=0).argmax()] = 1
    return predicted


def _of_seeds(targets: Bits, by_seed: Bits, weights: NDArray[np.float32]) -> dict[str, Floats]:
    """Score -> (resamples, S)."""
    positive = weights @ targets.astype(np.float32)
    every = [_scores(targets, predicted, weights, positive) for predicted in by_seed]
    return {name: np.stack([found[name] for found in every], axis=1).astype(np.float64) for name in every[0]}


def _scores(targets: Bits, predicted: Bits, weights: NDArray[np.float32], positive: Floats) -> dict[str, Floats]:
    both = (targets & predicted).astype(np.float32)
    true, claimed = weights @ both, weights @ predicted.astype(np.float32)
    records, seen = weights.sum(axis=1), positive > 0  # labels that a resample has no record of tell nothing there
    found: dict[str, Floats] = {}
    for score, function in RATIOS.items():
        per_label = function(true, positive, claimed)
        per_record = function(both.sum(axis=1), targets.sum(axis=1), predicted.sum(axis=1))
        found[f"{score}_samples"] = weights @ per_record.astype(np.float32) / records
        found[f"{score}_micro"] = function(true.sum(axis=1), positive.sum(axis=1), claimed.sum(axis=1))
        if targets.any():
            found[f"{score}_macro"] = _ratio((per_label * seen).sum(axis=1), seen.sum(axis=1))
            found[f"{score}_weighted"] = _ratio((per_label * positive).sum(axis=1), positive.sum(axis=1))
    found["exact_match"] = weights @ (targets == predicted).all(axis=1).astype(np.float32) / records
    return found


def _ratio(part: Floats, whole: Floats) -> Floats:
    """0 where both are 0, as scikit-learn counts with zero_division=0."""
    return part / np.where(whole == 0, 1, whole)


RATIOS: dict[str, Callable[[Floats, Floats, Floats], Floats]] = {  # of true positives, positives, predicted ones
    "precision": lambda true, positive, claimed: _ratio(true, claimed),
    "recall": lambda true, positive, claimed: _ratio(true, positive),
    "f1": lambda true, positive, claimed: _ratio(2 * true, positive + claimed),
}
