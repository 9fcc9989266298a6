"""Learning-rate schedules as a factor of the peak rate, a pure function of how far training is and of its validations so far.

Nothing is kept between steps, so a resumed run goes on exactly where it was.
"""

import math
from collections.abc import Callable, Sequence
from typing import Annotated, Literal, NamedTuple

from annotated_types import Ge, Le

from multilabel.core.ranges import Part
from multilabel.core.registry import Registry


class Validated(NamedTuple):
    """What validation said after an epoch."""

    score: float  # of `train.monitor`; more is better
    loss: float


Schedule = Callable[[float, Sequence[Validated]], float]  # share of the steps done (0..1), validation by epoch


def constant() -> Schedule:
    """The peak rate throughout."""
    return lambda done, validated: 1.0


def linear() -> Schedule:
    """Straight from 1 to 0."""
    return lambda done, validated: 1.0 - done


def cosine() -> Schedule:
    """Half a cosine from 1 to 0."""
    return lambda done, validated: _half_cosine(1.0, 0.0, done)


def one_cycle(*, rise: Part = 0.3, start: Part = 0.04, end: Part = 4e-6) -> Schedule:
    """From `start` to 1 over the share `rise` of the steps, then down to `end`, both along half a cosine.

    Smith 2018, arXiv 1708.07120, with the defaults of PyTorch's OneCycleLR. It is its own warm-up: use `warmup: 0`.
    """

    def factor(done: float, validated: Sequence[Validated]) -> float:
        if done < rise:
            return _half_cosine(start, 1.0, done / rise)
        return _half_cosine(1.0, end, (done - rise) / (1 - rise))

    return factor


def plateau(
    *,
    factor: Part = 0.1,
    patience: Annotated[int, Ge(0), Le(10_000)] = 2,
    least: Annotated[float, Ge(0), Le(1)] = 0.0,
    watch: Literal["score", "loss"] = "score",
    every: Annotated[int, Ge(1), Le(1_000)] = 1,
) -> Schedule:
    """Times `factor`, down to `least`, whenever more than `patience` validations in a row bring nothing better.

    Validations are those of every `every`-th epoch; better is a higher score of `train.monitor`, or a lower loss.
    """

    def reduced(done: float, validated: Sequence[Validated]) -> float:
        rate, best, waited = 1.0, float("-inf"), 0
        for epoch in validated[every - 1 :: every]:
            value = epoch.score if watch == "score" else -epoch.loss
            waited = 0 if value > best else waited + 1
            best = max(best, value)
            if waited > patience:
                rate, waited = max(least, rate * factor), 0
        return rate

    return reduced


SCHEDULES: Registry[Callable[..., Schedule]] = Registry(
    {
        "constant": constant,
        "linear": linear,
        "cosine": cosine,
        "one_cycle": one_cycle,
        "plateau": plateau,
    }
)


def rate_factor(schedule: Schedule, step: int, steps: int, warmup: float, validated: Sequence[Validated]) -> float:
    """The factor of one step: linear rise over the first `warmup` share of the steps, then the schedule."""
    rise = round(warmup * steps)
    if step < rise:
        return (step + 1) / (rise + 1)
    return schedule((step - rise) / max(1, steps - rise), validated)


def _half_cosine(start: float, end: float, done: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * done))
