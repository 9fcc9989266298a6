"""Probabilities (N, L) -> predicted label sets (N, L) of 0/1: rules fitted on valid and stored with the model."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from multilabel.core.ranges import Part
from multilabel.core.settings import call_named

Floats = NDArray[np.floating]
Bits = NDArray[np.uint8]
GRID = np.round(np.arange(0.05, 0.96, 0.05), 2)  # thresholds tried
MIDDLE = 0.5


@dataclass(frozen=True)
class Decoding:
    """Thresholds per label, or None for the set with the highest expected F1."""

    rule: str
    thresholds: list[float] | None
    fallback: bool = True  # a record none of whose labels passes gets its most probable one

    def decode(self, probabilities: Floats) -> Bits:
        """(N, L) -> (N, L); no row is empty unless `fallback` is off."""
        if self.thresholds is None:
            return expected_f1_sets(probabilities)
        chosen = (probabilities >= np.array(self.thresholds)).astype(np.uint8)
        if self.fallback:
            empty = ~chosen.any(axis=1)
            chosen[empty, probabilities[empty].argmax(axis=1)] = 1
        return chosen

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
    set to its best while the others stand, from the best global threshold on, until nothing changes.
    """
    if score == "f1_macro":
        return Decoding("per_label", _best_by_itself(probabilities, targets), fallback)
    measure = _f1_micro if score == "f1_micro" else _f1_samples
    best = Decoding("per_label", fitted_global(probabilities, targets).thresholds, fallback)
    reached, improved = measure(best.decode(probabilities), targets), True
    while improved:
        improved = False
        for label in np.flatnonzero(targets.any(axis=0)):
            for threshold in GRID:
                tried = list(best.thresholds or [])
                tried[label] = float(threshold)
                decoding = Decoding("per_label", tried, fallback)
                value = measure(decoding.decode(probabilities), targets)
                if value > reached + 1e-12:
                    best, reached, improved = decoding, value, True
    return best


def expected_f1(probabilities: Floats, targets: Bits) -> Decoding:
    """For each record the set with the highest expected F1, taking labels as independent; nothing is fitted."""
    return Decoding("expected_f1", None)


DECODINGS: dict[str, Callable[..., Decoding]] = {
    "fixed": fixed,
    "global": fitted_global,
    "per_label": per_label,
    "expected_f1": expected_f1,
}


def fit_all(chosen: Mapping[str, Any], probabilities: Floats, targets: Bits) -> dict[str, Decoding]:
    """Every rule fitted on valid: the chosen one with its options, the others as they are by default."""
    blocks = {name: {"name": name} for name in DECODINGS} | {chosen["name"]: dict(chosen)}
    return {name: call_named(DECODINGS, block, probabilities, targets) for name, block in blocks.items()}


def expected_f1_sets(probabilities: Floats) -> Bits:
    """(N, L): for each record the non-empty set that maximises the expectation of F1 under independent labels.

    Among sets of k labels the k most probable ones are best (Lewis 1995), so only L sets compete. With i of the chosen k
    labels and j of the others true, F1 is 2i / (k + i + j); both counts are sums of independent coins.
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ranked = np.take_along_axis(probabilities, order, axis=1).astype(np.float64)
    labels = ranked.shape[1]
    inside, outside = _counts(ranked), _counts(ranked[:, ::-1])
    expected = np.empty((len(ranked), labels))
    for k in range(1, labels + 1):
        true_inside, true_outside = np.arange(k + 1)[:, None], np.arange(labels - k + 1)[None]
        f1 = 2 * true_inside / (k + true_inside + true_outside)
        expected[:, k - 1] = np.einsum(
            "ni,ij,nj->n", inside[k][:, : k + 1], f1, outside[labels - k][:, : labels - k + 1]
        )
    size = expected.argmax(axis=1) + 1
    chosen = np.zeros(probabilities.shape, np.uint8)
    np.put_along_axis(chosen, order, (np.arange(labels) < size[:, None]).astype(np.uint8), axis=1)
    return chosen


def _counts(ranked: Floats) -> list[Floats]:
    """For k = 0..L the distribution (N, L + 1) of how many of the first k labels are true."""
    number, labels = ranked.shape
    current: Floats = np.zeros((number, labels + 1))
    current[:, 0] = 1
    distributions = [current]
    for k in range(labels):
        p = ranked[:, k : k + 1]
        following: Floats = current * (1 - p)
        following[:, 1:] += current[:, :-1] * p
        distributions.append(following)
        current = following
    return distributions


def _best_by_itself(probabilities: Floats, targets: Bits) -> list[float]:
    chosen = probabilities[None] >= GRID[:, None, None]  # (thresholds, N, L)
    hits = (chosen & (targets == 1)).sum(axis=1)
    f1 = 2 * hits / np.maximum(1, chosen.sum(axis=1) + targets.sum(axis=0))
    nearest = -abs(GRID - MIDDLE)[:, None] * 1e-9
    best = GRID[(f1 + nearest).argmax(axis=0)]
    return [float(t) for t in np.where(targets.any(axis=0), best, MIDDLE)]


def _f1_samples(predicted: Bits, targets: Bits) -> float:
    hits = (predicted & targets).sum(axis=1)
    return float((2 * hits / np.maximum(1, predicted.sum(axis=1) + targets.sum(axis=1))).mean())


def _f1_micro(predicted: Bits, targets: Bits) -> float:
    return float(2 * (predicted & targets).sum() / max(1, int(predicted.sum()) + int(targets.sum())))
