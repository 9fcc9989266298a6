"""How often a training record is drawn: targets (N, L) -> probabilities (N,), or None for every record once an epoch."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from multilabel.core.registry import Registry

Weights = NDArray[np.float64] | None


def uniform(targets: NDArray[np.uint8]) -> Weights:
    """Every record once an epoch."""
    return None


def inverse_frequency(
    targets: NDArray[np.uint8], *, aggregate: Literal["mean", "rarest", "commonest"] = "mean"
) -> Weights:
    """With replacement, by 1 / frequency of a record's labels; a record without labels counts as the commonest.

    Of several labels `mean` takes the mean weight, `rarest` the largest, `commonest` the smallest.
    """
    weights = len(targets) / np.maximum(1, targets.sum(axis=0, dtype=np.float64))
    present = targets.astype(bool)
    aggregates = {
        "mean": lambda: (present * weights).sum(axis=1) / np.maximum(1, present.sum(axis=1)),
        "rarest": lambda: np.where(present, weights, 0).max(axis=1),
        "commonest": lambda: np.where(present, weights, np.inf).min(axis=1),
    }
    drawn = aggregates[aggregate]()
    drawn[~present.any(axis=1)] = weights.min()
    return drawn / drawn.sum()


SAMPLERS: Registry[Callable[..., Weights]] = Registry({"uniform": uniform, "inverse_frequency": inverse_frequency})
