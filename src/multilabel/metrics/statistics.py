"""How sure a score or a difference is: per record, by bootstrap, over seeds, and against a figure in print."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import hypot, sqrt

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


@dataclass(frozen=True)
class Variance:
    """An estimate of a variance, and on how many degrees of freedom it rests."""

    value: float
    freedom: float

    def __add__(self, other: "Variance") -> "Variance":
        """Of a sum, after Welch and Satterthwaite."""
        value, squares = self.value + other.value, self.value**2 / self.freedom + other.value**2 / other.freedom
        return Variance(value, value**2 / squares if squares else self.freedom + other.freedom)

    def half(self) -> float:
        """Half the width of the interval that it makes."""
        return student(self.freedom) * sqrt(self.value)


@dataclass(frozen=True)
class Seeds:
    """How many seeds a run was trained with, and what they do to its score.

    `deviation` is the standard deviation of the score between them, 0 where a procedure leaves nothing to chance.
    `interaction` is the mean square of what a seed does to single records and no other: `deviation` holds its share too.
    Left at 0 it widens the intervals of runs that differ in it a little.
    """

    number: int
    deviation: float
    interaction: float = 0.0

    @classmethod
    def of(cls, scores: Floats) -> "Seeds":
        """From the score of every seed for every record, (S, N)."""
        number, records = scores.shape
        if number < 2 or records < 2:
            return cls(number, 0.0)
        by_seed, by_record = scores.mean(axis=1, keepdims=True), scores.mean(axis=0, keepdims=True)
        left = scores - by_seed - by_record + scores.mean()
        square = float((left**2).sum()) / ((number - 1) * (records - 1))
        return cls(number, float(by_seed.std(ddof=1)), square)

    def variance(self, share: float) -> Variance:
        """`share` times that of one run; 0 for one seed, which shows none."""
        return Variance(share * self.deviation**2 if self.number > 1 else 0.0, max(1, self.number - 1))


ONE_SEED = Seeds(1, 0.0)


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


def difference_over_seeds(difference: Floats, first: Seeds, second: Seeds) -> Estimate | None:
    """(N,) differences of two runs on the same records, each the mean over its seeds -> their mean with an interval.

    The interval covers which records were drawn and which seeds. A run with one seed is taken to vary with it as much as
    the other does; where both have one, only the records count. None for fewer than two records.
    """
    number = len(difference)
    if number < 2:
        return None
    value, of_records = float(difference.mean()), float(difference.var(ddof=1)) / number
    if min(first.number, second.number) == 1:
        known = max(first, second, key=lambda seeds: seeds.number)
        sides = [(known, 1 / first.number + 1 / second.number)]
    else:
        sides = [(first, 1 / first.number), (second, 1 / second.number)]
    parts = [seeds.variance(share) for seeds, share in sides]
    interaction = sum(share * seeds.interaction for seeds, share in sides) / number
    half = _half_width(Variance(max(0.0, of_records - interaction), number - 1), sum(parts[1:], parts[0]))
    return Estimate(value, value - half, value + half)


def agrees_with_published(
    published: float, decimals: int, n_published: int, ours: Estimate, n_ours: int, seeds: Seeds = ONE_SEED
) -> bool:
    """Whether a figure in print, measured on records of its own, is what ours could have come out as.

    A figure in print has a sampling error as ours has: that of ours, scaled to its number of records, and it comes from
    one run, as each of our `seeds` does. It is rounded to `decimals`. The same procedure on fresh records lands inside 95 %
    of the time, as a simulation in the tests shows; with one seed only where seeds do nothing.
    """
    error = (ours.high - ours.low) / (2 * NORMAL)
    of_records = Variance(error**2 * (1 + n_ours / n_published), max(1, n_ours - 1))
    of_seeds = seeds.variance(1 + 1 / seeds.number)
    return abs(published - ours.value) <= _half_width(of_records, of_seeds) + 0.5 * 10**-decimals


def _half_width(of_records: Variance, of_seeds: Variance) -> float:
    """Half the interval of a mean whose variance is the sum of two.

    The mean of two answers: one quantile of Student's t for the sum, which is too short where few seeds count most, and
    one for each part (Graybill and Wang 1980), which is too long in between. The truth lies inside 93 to 97 % of such
    intervals, whichever part is larger, as a simulation in the tests shows.
    """
    return ((of_records + of_seeds).half() + hypot(of_records.half(), of_seeds.half())) / 2


def student(freedom: float) -> float:
    """The 97.5 % quantile of Student's t."""
    from scipy.special import stdtrit  # half a second that most callers need not wait for

    return float(stdtrit(freedom, 1 - TAIL))


def averages(targets: Bits, predicted: Bits, n_resamples: int, seed: int) -> dict[str, Estimate]:
    """`f1_macro` and so on: precision, recall and F1 in every average, with intervals from resampled records.

    The weights of a resample turn every score into one matrix product, (resamples, N) by (N, L). A macro average runs
    over the labels that occur in `targets`; where none does, it and the weighted average are left out. For fewer than two
    records nothing is found.
    """
    random, number = np.random.default_rng(seed), len(targets)
    if number < 2:
        return {}
    values = _averages(targets, predicted, np.ones((1, number), np.float32))
    drawn: list[dict[str, Floats]] = []
    for size in _chunks(n_resamples, max(1, CHUNK // (12 * number))):
        weights = random.multinomial(number, np.full(number, 1 / number), size=size).astype(np.float32)
        drawn.append(_averages(targets, predicted, weights))
    found = {}
    for name, value in values.items():
        low, high = np.quantile(np.concatenate([part[name] for part in drawn]), [TAIL, 1 - TAIL])
        found[name] = Estimate(float(value[0]), float(low), float(high))
    return found


def _averages(targets: Bits, predicted: Bits, weights: NDArray[np.float32]) -> dict[str, Floats]:
    both = (targets & predicted).astype(np.float32)
    true = weights @ both
    positive, claimed = weights @ targets.astype(np.float32), weights @ predicted.astype(np.float32)
    there = targets.any(axis=0)
    found: dict[str, Floats] = {}
    for score, function in RATIOS.items():
        per_label = function(true, positive, claimed)
        per_record = function(both.sum(axis=1), targets.sum(axis=1), predicted.sum(axis=1))
        found[f"{score}_samples"] = weights @ per_record.astype(np.float32) / weights.sum(axis=1)
        found[f"{score}_micro"] = function(true.sum(axis=1), positive.sum(axis=1), claimed.sum(axis=1))
        if there.any():
            found[f"{score}_macro"] = per_label[:, there].mean(axis=1)
            found[f"{score}_weighted"] = _ratio((per_label * positive).sum(axis=1), positive.sum(axis=1))
    return found


def _chunks(number: int, most: int) -> Sequence[int]:
    return [most] * (number // most) + ([number % most] if number % most else [])


def _ratio(part: Floats, whole: Floats) -> Floats:
    """0 where both are 0, as scikit-learn counts with zero_division=0."""
    return part / np.where(whole == 0, 1, whole)


RATIOS: dict[str, Callable[[Floats, Floats, Floats], Floats]] = {  # of true positives, positives, predicted ones
    "precision": lambda true, positive, claimed: _ratio(true, claimed),
    "recall": lambda true, positive, claimed: _ratio(true, positive),
    "f1": lambda true, positive, claimed: _ratio(2 * true, positive + claimed),
}
