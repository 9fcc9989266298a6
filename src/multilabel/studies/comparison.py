"""Ours beside theirs: single figures, and what a table claims of its rows; each with a verdict in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from multilabel.metrics.differences import agrees_with_published
from multilabel.metrics.statistics import Estimate
from multilabel.studies.evidence import NO_WEIGHTS, Evidence, paired
from multilabel.studies.predicted_sets import AS_REPORTED
from multilabel.studies.specification import GENERATED, DeclaredRun, PublishedTable, Report

Line = dict[str, Any]  # of a table, as JSON
Lines = list[Line]
HOLDS, FAILS, NOISE, CANNOT = "holds", "does not hold", "not distinguishable from noise", "cannot be compared"
SIZE_TOLERANCE = 0.035  # frameworks count buffers and metadata differently
SCORES = {
    "f1": "f1_samples",
    "f1_test": "f1_samples",
    "accuracy": "exact_match",
}  # published name -> ours, if it differs
SECONDS = {
    "train_minutes": ("train_seconds", 60),
    "predict_minutes": ("predict_seconds", 60),
    "predict_seconds": ("predict_seconds", 1),
    "hours": ("train_seconds", 3600),
}
RATIOS = {  # score, and per what
    "f1_macro_per_hour": ("f1_macro", "hours"),
    "f1_test_per_hour": ("f1_samples", "hours"),
    "f1_macro_per_100_mb": ("f1_macro", "size_mb"),
    "f1_test_per_100_mb": ("f1_samples", "size_mb"),
}
MACHINE = "another machine"


@dataclass(frozen=True)
class Study:
    """What a table is made of: the report, the runs that it looks at as declared, and what is known of them."""

    report: Report
    declared: Mapping[str, DeclaredRun]
    known: Mapping[str, Sequence[Evidence]]

    def best(self, run: str) -> Sequence[Evidence]:
        """The best evidence of a run, if there is any."""
        return self.known.get(run, ())[:1]


@dataclass(frozen=True)
class Content:
    """What fills a table; its lines are JSON."""

    figures: Lines = field(default_factory=list)  # row, measure, published, ours, verdict, because
    claims: Lines = field(default_factory=list)
    others: Lines = field(default_factory=list)  # references, runs without a published counterpart, a constant answer
    cost: Lines = field(default_factory=list)
    examples: Lines = field(default_factory=list)


@dataclass(frozen=True)
class Figure:
    """Our value of a published measure, its 95 % interval if there is one, and why it cannot be compared, if so."""

    value: float | None
    low: float | None = None
    high: float | None = None
    caveats: tuple[str, ...] = ()
    tolerance: float | None = None  # relative
    records: tuple[int, int] = (1, 1)  # test records of ours, and of the published figure
    seeds: int = 1
    deviation: float = 0.0  # of the measure, between seeds


def our_figure(measure: str, evidence: Evidence, size_mb: float | None, published_records: int) -> Figure:
    """What a run says of a measure that a report prints; a report is taken to test on the same share of its records."""
    scores, caveats = evidence.scores["scores"], tuple(evidence.caveats(published_records))
    if measure == "size_mb":
        return Figure(size_mb, tolerance=SIZE_TOLERANCE)
    if measure in SECONDS:
        key, unit = SECONDS[measure]
        return Figure(scores[key] / unit, caveats=(*caveats, MACHINE))
    if measure in RATIOS:
        score, cost = RATIOS[measure]
        if cost == "size_mb":
            return Figure(scores[score] / size_mb * 100 if size_mb else None, caveats=caveats)
        return Figure(scores[score] / (scores["train_seconds"] / 3600), caveats=(*caveats, MACHINE))
    key = SCORES.get(measure, measure)
    low, high = evidence.scores["intervals"].get(key, (None, None))
    tested = evidence.scores["test_records"]
    records = tested, round(published_records * tested / evidence.scores["records"])
    return Figure(
        scores.get(key),
        low,
        high,
        caveats,
        records=records,
        seeds=evidence.seeds,
        deviation=evidence.scores["spread"].get(key, 0.0),
    )


def verdict(published: float, ours: Figure) -> tuple[str, str]:
    """In words, and why."""
    if ours.value is None:
        return CANNOT, "this run has no such figure"
    if ours.caveats:
        return CANNOT, "; ".join(ours.caveats)
    if ours.tolerance is not None:
        near = abs(ours.value - published) <= ours.tolerance * abs(published)
        return (HOLDS if near else FAILS), f"tolerance {ours.tolerance:.1%}"
    if ours.low is None or ours.high is None:
        return CANNOT, "no interval for this measure"
    estimate, (own, theirs) = Estimate(ours.value, ours.low, ours.high), ours.records
    agrees = agrees_with_published(
        published, max(2, digits(published)), theirs, estimate, own, ours.seeds, ours.deviation
    )
    return (HOLDS, "within the error of both") if agrees else (FAILS, "outside the error of both")


def figure_line(row: str, measure: str, published: float, run: str, evidence: Evidence, ours: Figure) -> dict[str, Any]:
    """One line of a table, as JSON."""
    said, because = verdict(published, ours)
    difference = None if ours.value is None else ours.value - published
    return {
        "row": row,
        "measure": measure,
        "published": published,
        "run": run,
        "variant": evidence.scores["variant"],
        "evidence": evidence.label,
        "trial": evidence.trial,
        "seeds": len(evidence.scores["seeds"]),
        "ours": ours.value,
        "low": ours.low,
        "high": ours.high,
        "difference": difference,
        "verdict": said,
        "because": because,
    }


def claimed_pairs(table: PublishedTable, measure: str, claims: Sequence[Sequence[str]] | None) -> list[tuple[str, str]]:
    """(better row, worse row): those given, or the best published row against each other one."""
    if claims is not None:
        return [(better, worse) for better, worse in claims]
    scored = {row: values[measure] for row, values in table.rows.items() if measure in values}
    if len(scored) < 2:
        return []
    best = max(scored, key=lambda row: scored[row])
    return [(best, row) for row in scored if row != best and scored[row] < scored[best]]


def claim_lines(
    pairs: Sequence[tuple[str, str]],
    table: PublishedTable,
    measure: str,
    rows: Mapping[str, Sequence[str]],
    known: Mapping[str, Sequence[Evidence]],
) -> list[dict[str, Any]]:
    """For each claim and each variant of which both rows were run: the paired difference in samples-F1, and a verdict."""
    lines = []
    for better, worse in pairs:
        published = table.rows[better].get(measure, 0) - table.rows[worse].get(measure, 0)
        for first, second in _same_variant(rows.get(better, ()), rows.get(worse, ()), known):
            found = paired(first, second, "f1_samples", AS_REPORTED)
            if found is None:
                continue
            difference = found.interval()
            said, because = claim_verdict(published, difference, first, second)
            lines.append(
                {
                    "better": better,
                    "worse": worse,
                    "variant": _variant(first, second),
                    "evidence": first.label,
                    "published": published,
                    "ours": difference.value,
                    "low": difference.low,
                    "high": difference.high,
                    "verdict": said,
                    "because": because,
                }
            )
    return lines


def claim_verdict(published: float, ours: Estimate, first: Evidence, second: Evidence) -> tuple[str, str]:
    """Whether the row that is said to be better is, by an interval that excludes 0 and at least half the published difference."""
    for evidence in (first, second):
        if evidence.trial:
            return CANNOT, f"{evidence.label}: shows only that the row runs"
    value, low, high = ours.value, ours.low, ours.high
    seeds = [len(evidence.scores["seeds"]) for evidence in (first, second)]
    scratch = first.lacks_weights or second.lacks_weights
    over = f"{seeds[0]} against {seeds[1]} seeds" if max(seeds) > 1 else "one seed"
    over = f" ({over}, {NO_WEIGHTS})" if scratch else f" ({over})"
    if low > 0:
        if low <= published <= high:
            return HOLDS, "right direction and size" + over
        because = "right direction" + (f", {value / published:.0%} of the size" if published > 0 else "") + over
        return HOLDS if value >= published / 2 else FAILS, because
    if high < 0:
        return FAILS, "reversed" + over
    if published > high:
        return FAILS, "no difference of that size" + over
    return NOISE, "the interval includes 0" + over


def _same_variant(
    better: Sequence[str], worse: Sequence[str], known: Mapping[str, Sequence[Evidence]]
) -> list[tuple[Evidence, Evidence]]:
    """Pairs of runs that differ in nothing but the claim, each by the best evidence that both have at one scale and data."""
    pairs = []
    for one, other in product(better, worse):
        both = product(known.get(one, ()), known.get(other, ()))
        same = [(own, its) for own, its in both if own.label == its.label and _comparable(own, its)]
        pairs += same[:1]
    return pairs


def _comparable(first: Evidence, second: Evidence) -> bool:
    """Variants of one kind, whatever stands in for published weights; or a row against another that was put right."""
    own, other = (str(evidence.scores["variant"]).partition(",")[0] for evidence in (first, second))
    return own == other or other == "corrected"


def _variant(first: Evidence, second: Evidence) -> str:
    own, other = first.scores["variant"], second.scores["variant"]
    return own if own == other else f"{own}; {other}"


def plain_line(
    row: str, measure: str, figure: Any, ours: Any, said: str, because: str, evidence: str = "", trial: bool = False
) -> dict[str, Any]:
    """A line whose figures have no interval."""
    exact = isinstance(ours, int | float) and isinstance(figure, int | float)
    return {
        "row": row, "measure": measure, "published": figure, "run": "", "variant": "", "evidence": evidence, "trial": trial,
        "seeds": 1, "ours": ours,
        "low": None, "high": None, "difference": ours - figure if exact else None, "verdict": said, "because": because,
    }  # fmt: skip


def counted(
    row: str, measure: str, figure: Any, ours: Any, counts: Mapping[str, Any], note: str = ""
) -> dict[str, Any]:
    """A count must be the same; on generated data it says nothing."""
    if counts["data"] == GENERATED:
        return plain_line(row, measure, figure, ours, CANNOT, "generated data", trial=True)
    return plain_line(row, measure, figure, ours, HOLDS if ours == figure else FAILS, note, counts["data"])


def digits(figure: float) -> int:
    """Decimals with which a figure is printed."""
    return len(f"{figure:g}".partition(".")[2])
