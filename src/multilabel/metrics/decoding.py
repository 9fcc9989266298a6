"""Probabilities (N, L) -> predicted label sets (N, L) of 0/1: rules fitted on valid and stored with the model."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from multilabel.core.ranges import Part
from multilabel.core.settings import Choice, call_named
from multilabel.metrics.expected_f1 import expected_f1_sets
from multilabel.metrics.statistics import f1_per_record

Floats = NDArray[np.floating]
Bits = NDArray[np.uint8]
Counts = NDArray[np.integer]
GRID = np.round(np.arange(0.05, 0.96, 0.05), 2)  # thresholds tried
MIDDLE = 0.5
ROUNDS = 10  # over all labels, of a search that ends after two or three
CERTAIN = 1e-6  # nearer to 0 and 1 no probability counts as known
STIFFNESS = 10.0  # of a calibration: 1 / variance of its logarithmic slope and of its shifts before valid is seen


@dataclass(frozen=True)
class Decoding:
    """Thresholds per label, or None for the set with the highest expected F1.

    Before that, logits are multiplied by `slope` and each label's is moved by its shift.
    """

    rule: str
    thresholds: list[float] | None
    fallback: bool = True  # a record none of whose labels passes gets its most probable one
    slope: float = 1.0
    shifts: list[float] | None = None  # None for probabilities as they are

    def decode(self, probabilities: Floats) -> Bits:
        """(N, L) -> (N, L); no row is empty unless `fallback` is off."""
        if self.thresholds is None:
            return expected_f1_sets(self._calibrated(probabilities))
        chosen = (probabilities >= np.array(self.thresholds)).astype(np.uint8)
        if self.fallback:
            empty = ~chosen.any(axis=1)
            chosen[empty, probabilities[empty].argmax(axis=1)] = 1
        return chosen

    def _calibrated(self, probabilities: Floats) -> Floats:
        if self.shifts is None:
            return probabilities
        return _sigmoid(self.slope * _logits(probabilities) + np.array(self.shifts))

    def as_json(self) -> dict[str, Any]:
        """For storage; `Decoding(**it)` is the inverse."""
        return asdict(self)


def fixed(probabilities: Floats, targets: Bits, *, threshold: Part = MIDDLE, fallback: bool = True) -> Decoding:
    """One given threshold for every label; nothing is fitted."""
    return Decoding("fixed", [threshold] * targets.shape[1], fallback)


def fitted_global(probabilities: Floats, targets: Bits, *, fallback: bool = True) -> Decoding:
    """The one threshold with the best samples-F1; ties go to the one nearest 0.5."""
    labels = targets.shape[1]
    scores = [_f1_samples(Decoding("global", [t] * labels, fallback).decode(probabilities), targets) for t in GRID]
    best = max(zip(scores, -abs(GRID - MIDDLE), GRID, strict=True))
    return Decoding("global", [float(best[2])] * labels, fallback)


def per_label(
    probabilities: Floats,
    targets: Bits,
    *,
    score: Literal["f1_macro", "f1_micro", "f1_samples"] = "f1_macro",
    fallback: bool = True,
) -> Decoding:
    """A threshold per label for the best `score`; labels without a positive keep 0.5.

    For macro-F1 the best threshold of each label by itself; for the others, which couple labels, every label in turn is
    set to its best while the others stand, from the best global threshold on, until nothing changes or ROUNDS are over.
    """
    if score == "f1_macro":
        return Decoding("per_label", _best_by_itself(probabilities, targets), fallback)
    start = fitted_global(probabilities, targets).thresholds or []
    search = _Coupled(probabilities, targets, start, fallback, mean_of_records=score == "f1_samples")
    reached = search.score()
    for _ in range(ROUNDS):
        before = reached
        for label in np.flatnonzero(targets.any(axis=0)):
            reached = search.improve(int(label), reached)
        if reached == before:
            break
    return Decoding("per_label", search.thresholds, fallback)


class _Coupled:
    """Thresholds whose labels share records: of each record, how many labels pass and how many of those are true.

    With these counts a threshold is tried by a look at its own label.
    """

    def __init__(
        self, probabilities: Floats, targets: Bits, thresholds: list[float], fallback: bool, mean_of_records: bool
    ) -> None:
        self.probabilities, self.targets = probabilities, targets
        self.thresholds, self.fallback, self.mean_of_records = list(thresholds), fallback, mean_of_records
        passed = probabilities >= np.array(thresholds)
        self.passed, self.hits = passed.sum(axis=1), (passed & (targets == 1)).sum(axis=1)
        self.true = targets.sum(axis=1, dtype=np.int64)
        self.top_is_true = targets[np.arange(len(targets)), probabilities.argmax(axis=1)].astype(np.int64)

    def improve(self, label: int, reached: float) -> float:
        """Set the threshold of one label to the best; returns the score that it reaches."""
        probability, true = self.probabilities[:, label], self.targets[:, label] == 1
        now = probability >= np.float64(self.thresholds[label])  # in double precision, as all labels at once
        others, other_hits = self.passed - now, self.hits - (now & true)
        for threshold in GRID:
            passes = probability >= threshold
            passed, hits = others + passes, other_hits + (passes & true)
            value = self.score(passed, hits)
            if value > reached + 1e-12:
                self.thresholds[label], self.passed, self.hits, reached = float(threshold), passed, hits, value
        return reached

    def score(self, passed: Counts | None = None, hits: Counts | None = None) -> float:
        """Samples-F1, or micro-F1, of these counts or of those of the thresholds as they are."""
        passed, hits = self.passed if passed is None else passed, self.hits if hits is None else hits
        if self.fallback:
            empty = passed == 0
            passed, hits = passed + empty, hits + empty * self.top_is_true
        if self.mean_of_records:
            return float((2 * hits / np.maximum(1, passed + self.true)).mean())
        return float(2 * hits.sum() / max(1, int(passed.sum()) + int(self.true.sum())))


def expected_f1(probabilities: Floats, targets: Bits, *, calibrate: bool = False) -> Decoding:
    """For each record the set with the highest expected F1, taking labels as independent.

    Nothing is fitted unless `calibrate`: a slope for all logits and a shift for each label (Platt 1999) that make the
    targets most probable, held near 1 and 0 by STIFFNESS, so that few records move little without need.
    """
    if not (calibrate and len(targets)):
        return Decoding("expected_f1", None)
    slope, shifts = _calibration(_logits(probabilities), targets)
    return Decoding("expected_f1", None, slope=slope, shifts=shifts)


DECODINGS: dict[str, Callable[..., Decoding]] = {
    "fixed": fixed,
    "global": fitted_global,
    "per_label": per_label,
    "expected_f1": expected_f1,
}


def fit_all(chosen: Choice, probabilities: Floats, targets: Bits) -> dict[str, Decoding]:
    """Every rule fitted on valid: the chosen one with its options, the others as they are by default."""
    choices = {name: Choice(name) for name in DECODINGS} | {chosen.name: chosen}
    return {name: call_named(DECODINGS, choice, probabilities, targets) for name, choice in choices.items()}


def _calibration(logits: Floats, targets: Bits) -> tuple[float, list[float]]:
    """The slope and the shifts of the highest posterior, by L-BFGS with the gradient of the cross-entropy."""
    from scipy.optimize import minimize  # half a second that whoever fits nothing need not wait for

    def loss(parameters: Floats) -> tuple[float, Floats]:
        slope, shifts = np.exp(parameters[0]), parameters[1:]
        moved = slope * logits + shifts
        error = _sigmoid(moved) - targets
        entropy = float((np.logaddexp(0, moved) - targets * moved).sum())
        gradient = np.concatenate([[slope * (error * logits).sum()], error.sum(axis=0)])
        return entropy + STIFFNESS / 2 * float(parameters @ parameters), gradient + STIFFNESS * parameters

    found = minimize(loss, np.zeros(1 + targets.shape[1]), jac=True, method="L-BFGS-B").x
    return float(np.exp(found[0])), [float(shift) for shift in found[1:]]


def _logits(probabilities: Floats) -> Floats:
    p = np.clip(probabilities.astype(np.float64), CERTAIN, 1 - CERTAIN)
    return np.log(p / (1 - p))


def _sigmoid(logits: Floats) -> Floats:
    return np.exp(-np.logaddexp(0, -logits))


def _best_by_itself(probabilities: Floats, targets: Bits) -> list[float]:
    true, positives = targets == 1, targets.sum(axis=0)
    f1 = np.empty((len(GRID), targets.shape[1]))
    for row, threshold in zip(f1, GRID, strict=True):
        chosen = probabilities >= threshold
        row[:] = 2 * (chosen & true).sum(axis=0) / np.maximum(1, chosen.sum(axis=0) + positives)
    nearest = -abs(GRID - MIDDLE)[:, None] * 1e-9
    best = GRID[(f1 + nearest).argmax(axis=0)]
    return [float(t) for t in np.where(targets.any(axis=0), best, MIDDLE)]


def _f1_samples(predicted: Bits, targets: Bits) -> float:
    return float(f1_per_record(targets, predicted).mean())
