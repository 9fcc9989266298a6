"""How sure a difference is: between two runs over records and seeds, among several claims, and against a figure in print."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, sqrt

import numpy as np

from multilabel.metrics.resampling import Replicates
from multilabel.metrics.statistics import CONFIDENCE, NORMAL, Estimate

LEVEL = 1 - CONFIDENCE  # how often an interval may miss the truth


@dataclass(frozen=True)
class Variance:
    """An estimate of a variance, and on how many degrees of freedom it rests."""

    value: float
    freedom: float

    def __add__(self, other: "Variance") -> "Variance":
        """Of a sum, after Welch and Satterthwaite."""
        value, squares = self.value + other.value, self.value**2 / self.freedom + other.value**2 / other.freedom
        return Variance(value, value**2 / squares if squares else self.freedom + other.freedom)

    def half(self, level: float) -> float:
        """Half the width of the interval that it makes."""
        return student(self.freedom, level) * sqrt(self.value)


NOTHING = Variance(0.0, 1.0)


@dataclass(frozen=True)
class Difference:
    """Of a score between two runs on the same records, each the mean over its seeds."""

    value: float
    of_records: Variance
    of_seeds: Variance

    def interval(self, level: float = LEVEL) -> Estimate:
        """It misses the truth in a share `level` of all draws of records and seeds."""
        half = half_width(self.of_records, self.of_seeds, level)
        return Estimate(self.value, self.value - half, self.value + half)

    @property
    def p(self) -> float:
        """The level at which the interval ends at 0: two-sided, in 0..1."""
        if not self.value:
            return 1.0
        low, high = 0.0, 1.0
        for _ in range(50):  # halvings, beyond the digits that a double has of a probability near 1
            middle = (low + high) / 2
            wide = half_width(self.of_records, self.of_seeds, middle) > abs(self.value)
            low, high = (middle, high) if wide else (low, middle)
        return high


def paired_difference(first: Replicates, second: Replicates) -> Difference:
    """Of two runs on the same records.

    It covers which records were drawn and which seeds. A run with one seed is taken to vary with it as much as the other
    does; where both have one, or leave nothing to chance, only the records count.
    """
    drawn = first.resampled.mean(axis=1) - second.resampled.mean(axis=1)
    varying = [run for run in (first, second) if run.chance]
    shares = [(run, 1 / run.seeds) for run in varying if run.seeds > 1]
    if len(shares) == 1 and len(varying) == 2:
        shares = [(shares[0][0], 1 / first.seeds + 1 / second.seeds)]
    interaction = sum(share * run.interaction for run, share in shares)
    of_records = Variance(max(0.0, float(drawn.var(ddof=1)) - interaction), max(1, first.records - 1))
    of_seeds = NOTHING
    for number, (run, share) in enumerate(shares):
        own = Variance(share * run.deviation**2, run.seeds - 1)
        of_seeds = of_seeds + own if number else own
    return Difference(float(first.values.mean() - second.values.mean()), of_records, of_seeds)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm 1979: held against `LEVEL`, these call any of the differences wrongly in at most that share, in the order given."""
    found, largest = [1.0] * len(p_values), 0.0
    for place, claim in enumerate(sorted(range(len(p_values)), key=lambda claim: p_values[claim])):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[claim]))
        found[claim] = largest
    return found


def agrees_with_published(
    published: float, decimals: int, n_published: int, ours: Estimate, n_ours: int, seeds: int = 1, deviation: float = 0
) -> bool:
    """Whether a figure in print, measured on records of its own, is what ours could have come out as.

    A figure in print has a sampling error as ours has: that of ours, scaled to its number of records, and it comes from
    one run, as each of our `seeds` does, between which scores have this standard `deviation`. It is rounded to `decimals`.
    The same procedure on fresh records lands inside 95 % of the time, as a simulation in the tests shows; with one seed
    only where seeds do nothing.
    """
    error = (ours.high - ours.low) / (2 * NORMAL)
    of_records = Variance(error**2 * (1 + n_ours / n_published), max(1, n_ours - 1))
    of_seeds = Variance((1 + 1 / seeds) * deviation**2, max(1, seeds - 1))
    return abs(published - ours.value) <= half_width(of_records, of_seeds, LEVEL) + 0.5 * 10**-decimals


def half_width(of_records: Variance, of_seeds: Variance, level: float) -> float:
    """Half the interval of a mean whose variance is the sum of two.

    The mean of two answers: one quantile of Student's t for the sum, which is too short where few seeds count most, and
    one for each part (Graybill and Wang 1980), which is too long in between. The truth lies inside 93 to 97 % of such
    intervals, whichever part is larger, as a simulation in the tests shows.
    """
    return ((of_records + of_seeds).half(level) + hypot(of_records.half(level), of_seeds.half(level))) / 2


def student(freedom: float, level: float = LEVEL) -> float:
    """The two-sided quantile of Student's t."""
    from scipy.special import stdtrit  # half a second that most callers need not wait for

    return float(-stdtrit(freedom, np.maximum(level / 2, 1e-300)))
