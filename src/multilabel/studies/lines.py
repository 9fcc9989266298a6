"""The lines of a finished table, which pages render from JSON with the same fields; and the words of verdicts.

A line whose `trial` is true shows only that its run works (smoke scale or generated data): its verdict is `RUNS`, and it has
neither scores nor differences. `same_rule` holds what becomes of a line when every run, baselines too, is decoded by the one
rule that needs nothing fitted (expected F1); what stands beside it is decoded as the report decodes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

HOLDS = "holds"
OTHER_SIZE = "right direction, other size"
FAILS = "does not hold"
NOISE = "not distinguishable from noise"
ONE_SEED = "one seed"  # tells a direction at most
EXPOSED = "weights that have read COCO's captions"  # a caveat: the competition's captions are among them
NO_WEIGHTS = "no pretrained weights"  # a caveat, where the report has some
# Caveats: how a run is smaller than the report's.
RECORDS, PIXELS, UPDATES = " records instead of ", " px instead of ", " updates where the report made "
JUDGED = (HOLDS, OTHER_SIZE, FAILS, NOISE)  # verdicts on a claim

PUT_RIGHT = ", put right"  # after the row of a figure that a report misprints
UNDERTRAINED = "undertrained"  # at least one of the runs: no verdict
NO_VERDICT = "no verdict"  # the runs are not what the published rows were; `because` says what they are
CORRECTED = "about the corrected row"  # shown, and no verdict on the claim as published
CANNOT = "cannot be compared"
NOT_RUN = "not run"
RUNS = "runs"  # a trial
SET, OTHERWISE = "set as published", "set otherwise"  # of settings, which equal a transcription and are no finding


@dataclass(frozen=True, kw_only=True)
class Same:
    """A figure by the same rule for all."""

    ours: float
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class FigureLine:
    """A published figure beside ours."""

    row: str  # as published; with the kind of a variant that is not, "With Attention, captions only", a row of its own
    measure: str  # as the report names it
    published: Any  # a number; a text or a list in tables of settings
    run: str = ""
    variant: str = ""  # "as published", with what stands in for what; "captions only"; "corrected, ..."
    evidence: str = ""  # scale and data
    modality: str = ""  # of the run: "image", "text" or "image+text"
    network: str = (
        ""  # what was trained, and how: rows with the same one are of one run; empty of what leaves nothing to chance
    )
    trial: bool = False
    seeds: int = 1
    ours: Any = None
    low: float | None = None  # 95 % interval of ours
    high: float | None = None
    difference: float | None = None  # ours minus published
    same_rule: Same | None = None
    verdict: str
    because: str = ""
    caveats: Sequence[str] = ()  # how the run departs from the report: scale, records, stand-ins, updates
    undertrained: str | None = None  # why, if so


@dataclass(frozen=True, kw_only=True)
class SameClaim:
    """A claim by the same rule for all."""

    ours: float
    low: float
    high: float
    p: float | None
    verdict: str
    because: str


@dataclass(frozen=True, kw_only=True)
class ClaimLine:
    """A row that the report prints above another, and what a pair of our runs says of it."""

    better: str  # published row
    worse: str
    published: float  # difference
    measure: str  # ours, in which both are compared: that of the published table
    runs: Sequence[str] = ()  # ours of the better and of the worse row; empty where no pair was run
    variant: str = ""
    evidence: str = ""
    modality: str = ""  # what either run reads
    trial: bool = False
    seeds: Sequence[int] = ()  # of both runs
    networks: Sequence[str] = ()  # of both, as that of a figure: claims with the same two are one comparison
    ours: float | None = None  # paired difference, with its 95 % interval over records and seeds
    low: float | None = None
    high: float | None = None
    p: float | None = None  # two-sided, adjusted for `tested` of the table; what the verdict uses. None if not tested
    same_rule: SameClaim | None = None
    verdict: str
    because: str = ""
    caveats: Sequence[str] = ()  # as of a figure, and what else a reader must know beside the verdict


@dataclass(frozen=True, kw_only=True)
class OtherLine:
    """A run without a published counterpart: a baseline, a row that the report lacks."""

    row: str
    run: str
    variant: str
    evidence: str
    network: str = ""  # as that of a figure
    trial: bool
    f1_samples: float | None = None
    low: float | None = None
    high: float | None = None
    sd: float | None = None  # between seeds
    seeds: int
    difference: Sequence[float] | None = None  # from the table's base, paired: value, low, high
    same_rule: Same | None = None
    undertrained: str | None = None


@dataclass(frozen=True, kw_only=True)
class CostLine:
    """What a run took."""

    run: str
    evidence: str
    network: str  # as that of a figure: stand-ins may make two runs one training
    trial: bool
    seeds: int
    train_seconds: float  # of one seed
    predict_seconds: float
    updates: int  # of the weights, of one seed
    published_updates: int | None  # that the report made, by its records, batch size and epochs
    device: str
