"""Several models as one: whose word counts how much."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le, Len
from numpy.typing import NDArray

from multilabel.core.registry import Registry
from multilabel.metrics.decoding import fixed
from multilabel.metrics.statistics import f1_per_record

Floats = NDArray[np.floating]
Bits = NDArray[np.uint8]
ROUNDS = 25  # of greedy selection


@dataclass(frozen=True, kw_only=True)
class EnsembleBlock:
    """An `ensemble:` block: each member is trained anew, once, or once for each fold of train and valid together."""

    members: Annotated[list[str], Len(1, 100)]  # architectures; one of them with `folds` is cross-validation
    folds: Annotated[int, Ge(2), Le(50)] | None = None
    weights: str = "mean"  # a key of WEIGHTINGS
    decoding: str | dict[str, Any] = "expected_f1"


def mean(probabilities: Sequence[Floats], targets: Bits) -> list[float]:
    """All members alike."""
    return [1 / len(probabilities)] * len(probabilities)


def greedy(probabilities: Sequence[Floats], targets: Bits) -> list[float]:
    """Again and again the member that helps the mean most, in samples-F1 (Caruana 2004, ensemble selection).

    `probabilities` of each member (N, L) on records that it was not trained on. A member may be chosen repeatedly.
    """
    counts = np.zeros(len(probabilities))
    total = np.zeros_like(probabilities[0], dtype=np.float64)
    best_score, best_counts = -1.0, counts
    for chosen in range(ROUNDS):
        tried = [_score((total + member) / (chosen + 1), targets) for member in probabilities]
        winner = int(np.argmax(tried))
        counts, total = counts + np.eye(len(counts))[winner], total + probabilities[winner]
        if tried[winner] > best_score:
            best_score, best_counts = tried[winner], counts
    return [float(weight) for weight in best_counts / best_counts.sum()]


WEIGHTINGS: Registry[Callable[[Sequence[Floats], Bits], list[float]]] = Registry({"mean": mean, "greedy": greedy})


def _score(probabilities: Floats, targets: Bits) -> float:
    return float(f1_per_record(targets, fixed(probabilities, targets).decode(probabilities)).mean())
