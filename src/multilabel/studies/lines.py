"""The lines of a finished table, as JSON that pages render; and the words that a verdict may have.

A line whose `trial` is true shows only that its run works (smoke scale or generated data): its verdict is `RUNS`, and it has
neither scores nor differences. `same_rule` holds what becomes of a line when every run, baselines too, is decoded by the one
rule that needs nothing fitted (expected F1); what stands beside it is decoded as the report decodes.
"""

from collections.abc import Sequence
from typing import Any, TypedDict

HOLDS = "holds"
OTHER_SIZE = "right direction, other size"
FAILS = "does not hold"
NOISE = "not distinguishable from noise"
ONE_SEED = "one seed"  # tells a direction at most
JUDGED = (HOLDS, OTHER_SIZE, FAILS, NOISE)  # verdicts on a claim

UNDERTRAINED = "undertrained"  # at least one of the runs: no verdict
NO_VERDICT = "no verdict"  # the runs are not what the published rows were; `because` says what they are
CORRECTED = "about the corrected row"  # shown, and no verdict on the claim as published
CANNOT = "cannot be compared"
NOT_RUN = "not run"
RUNS = "runs"  # a trial
SET, OTHERWISE = "set as published", "set otherwise"  # of settings, which equal a transcription and are no finding


class Same(TypedDict):
    """A figure by the same rule for all."""

    ours: float
    low: float | None
    high: float | None


class FigureLine(TypedDict):
    """A published figure beside ours."""

    row: str
    measure: str  # as the report names it
    published: Any  # a number; a text or a list in tables of settings
    run: str
    variant: str  # "as published", with what stands in for what; "captions only"; "corrected, ..."
    evidence: str  # scale and data
    modality: str  # of the run: "image", "text" or "image+text"
    trial: bool
    seeds: int
    ours: Any
    low: float | None  # 95 % interval of ours
    high: float | None
    difference: float | None  # ours minus published
    same_rule: Same | None
    verdict: str
    because: str
    undertrained: str | None  # why, if so


class SameClaim(TypedDict):
    """A claim by the same rule for all."""

    ours: float
    low: float
    high: float
    p: float | None
    verdict: str
    because: str


class ClaimLine(TypedDict):
    """A row that the report prints above another, and what a pair of our runs says of it."""

    better: str  # published row
    worse: str
    runs: Sequence[str]  # ours of the better and of the worse row; empty where no pair was run
    variant: str
    evidence: str
    modality: str  # what either run reads
    trial: bool
    seeds: Sequence[int]  # of both runs
    measure: str  # ours, in which both are compared: that of the published table
    published: float  # difference
    ours: float | None  # paired difference, with its 95 % interval over records and seeds
    low: float | None
    high: float | None
    p: float | None  # two-sided, adjusted for `tested` of the table; what the verdict uses. None where nothing was tested
    same_rule: SameClaim | None
    verdict: str
    because: str
    caveats: Sequence[str]  # what a reader must know beside the verdict: scale, records, stand-ins, updates, seeds


class OtherLine(TypedDict):
    """A run without a published counterpart: a baseline, a row that the report lacks."""

    row: str
    run: str
    variant: str
    evidence: str
    trial: bool
    f1_samples: float | None
    low: float | None
    high: float | None
    sd: float | None  # between seeds
    seeds: int
    difference: Sequence[float] | None  # from the table's base, paired: value, low, high
    same_rule: Same | None
    undertrained: str | None


class CostLine(TypedDict):
    """What a run took."""

    run: str
    evidence: str
    trial: bool
    seeds: int
    train_seconds: float  # of one seed
    predict_seconds: float
    updates: int  # of the weights, of one seed
    published_updates: int | None  # that the report made, by its records, batch size and epochs
    device: str
