"""How sure a mean over records or a share is: by bootstrap, and by Wilson's interval."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Bits = NDArray[np.uint8]
CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2
NORMAL = 1.959964  # the 97.5 % quantile of the normal distribution
CHUNK = 64 * 2**20  # bytes of a resampling that are held at once


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


def f1_per_record(targets: Bits, predicted: Bits) -> Floats:
    """(N, L) twice -> (N,) F1 of each record's label set; its mean is the samples average. 0 where both sets are empty."""
    both = (targets & predicted).sum(axis=1)
    return 2 * both / np.maximum(1, targets.sum(axis=1) + predicted.sum(axis=1))


def f1_of_label_sets(true: Iterable[Iterable[str]], predicted: Iterable[Iterable[str]]) -> Floats:
    """The same of N label sets and N others."""
    pairs = [(set(t), set(p)) for t, p in zip(true, predicted, strict=True)]
    return np.array([2 * len(t & p) / max(1, len(t) + len(p)) for t, p in pairs], dtype=np.float64)


def bootstrap(per_record: Floats, n_resamples: int, seed: int) -> Estimate | None:
    """The mean of (N,) values with its percentile interval: records are drawn again `n_resamples` times.

    None for fewer than two records, of which nothing can be drawn.
    """
    random, number = np.random.default_rng(seed), len(per_record)
    if number < 2:
        return None
    sizes = _chunks(n_resamples, max(1, CHUNK // (16 * number)))
    means = [per_record[random.integers(number, size=(size, number))].mean(axis=1) for size in sizes]
    low, high = np.quantile(np.concatenate(means), [TAIL, 1 - TAIL])
    return Estimate(float(per_record.mean()), float(low), float(high))


def wilson(hits: int, number: int) -> Estimate | None:
    """The share of `hits` among `number` trials with the interval of Wilson 1927; None for no trial.

    Unlike the normal approximation it stays between 0 and 1, and has a width where all trials end alike.
    """
    if not number:
        return None
    share, square = hits / number, NORMAL**2
    middle = (share + square / (2 * number)) / (1 + square / number)
    half = NORMAL / (1 + square / number) * sqrt(share * (1 - share) / number + square / (4 * number**2))
    return Estimate(share, middle - half, middle + half)


def _chunks(number: int, most: int) -> Sequence[int]:
    return [most] * (number // most) + ([number % most] if number % most else [])
