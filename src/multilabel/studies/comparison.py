"""A published figure beside ours, and whether they agree."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from multilabel.metrics.differences import agrees_with_published
from multilabel.metrics.statistics import Estimate
from multilabel.studies.evidence import Evidence
from multilabel.studies.lines import (
    CANNOT,
    EXPOSED,
    FAILS,
    HOLDS,
    NO_VERDICT,
    NOT_RUN,
    PIXELS,
    RUNS,
    UNDERTRAINED,
    UPDATES,
    ClaimLine,
    CostLine,
    FigureLine,
    OtherLine,
    Same,
)
from multilabel.studies.specification import AS_PUBLISHED, GENERATED, DeclaredRun, Report, kind
from multilabel.studies.undertraining import undertrained

SIZE_MB, SIZE_SHARE = 0.5, 0.01  # whichever is more: frameworks count buffers and metadata differently
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
COCO = "captions"  # the studies' name of the competition, whose images and captions are COCO's
TFIDF = "tfidf_logreg"


@dataclass(frozen=True)
class Study:
    """What a table is made of: the report, the runs that it looks at as declared, and what is known of them."""

    report: Report
    declared: Mapping[str, DeclaredRun]
    known: Mapping[str, Sequence[Evidence]]

    def best(self, run: str) -> Sequence[Evidence]:
        """The best evidence of a run, if there is any."""
        return self.known.get(run, ())[:1]

    def baselines(self) -> list[str]:
        """The runs without a network."""
        return [name for name, run in self.declared.items() if run.architecture["kind"] == "baseline"]

    def undertrained(self, evidence: Evidence) -> str | None:
        """Why a run may carry no verdict, if so; a text that it reads is held against TF-IDF of the same texts."""
        names = [
            name for name in self.baselines() if self.declared[name].architecture["model"]["baseline"]["name"] == TFIDF
        ]
        return undertrained(evidence, [found for name in names for found in self.known.get(name, ())])

    def caveats(self, evidence: Evidence) -> list[str]:
        """Where a run differs from the published one in more than chance."""
        found = evidence.caveats(self.report.records)
        own, size = self.declared.get(evidence.run), evidence.scores["image_size"]
        if own is None:
            return found
        if evidence.scores["coco_exposed"] == "yes" and own.architecture["model"]["dataset"] == COCO:
            found.append(EXPOSED)
        image = own.architecture["model"].get("image")
        if image and size and size != image["size"]:
            found.append(f"{size}{PIXELS}{image['size']}")
        made, wanted = evidence.scores["planned_updates"], self.published_updates(evidence)
        if wanted and made < 0.9 * wanted:
            found.append(f"{made:,}{UPDATES}{'at most ' if self.report.early_stopping else ''}{wanted:,}")
        epochs = own.architecture["train"]["epochs"] if wanted else None
        if epochs and max(evidence.scores["epochs"]) > epochs:
            found.append(f"{max(evidence.scores['epochs'])} epochs instead of {epochs}, of fewer records")
        return found

    def published_updates(self, evidence: Evidence) -> int | None:
        """How often the report changed its weights, by its records, epochs and batches; None where nothing is trained so."""
        own = self.declared.get(evidence.run)
        train = own and own.architecture.get("train")
        return train["epochs"] * math.ceil(self.report.train_records / train["batch_size"]) if train else None


@dataclass(frozen=True)
class Content:
    """What fills a table; its lines are JSON."""

    figures: list[FigureLine] = field(default_factory=list)
    claims: list[ClaimLine] = field(default_factory=list)
    tested: int = 0  # claims that were held against chance at once
    others: list[OtherLine] = field(default_factory=list)
    cost: list[CostLine] = field(default_factory=list)
    examples: list[dict[str, Any]] = field(
        default_factory=list
    )  # record, evidence, trial, true, and a column for each run


@dataclass(frozen=True)
class Figure:
    """Our value of a published measure, its 95 % interval if there is one, and why it cannot be compared, if so."""

    value: float | None
    low: float | None = None
    high: float | None = None
    same_rule: Same | None = None
    caveats: tuple[str, ...] = ()
    undertrained: str | None = None
    records: tuple[int, int] = (1, 1)  # test records of ours, and of the published figure
    seeds: int = 1
    deviation: float = 0.0  # between seeds


def our_figure(measure: str, evidence: Evidence, size_mb: float | None, study: Study) -> Figure:
    """What a run says of a measure that a report prints; a report is taken to test on the same share of its records."""
    scores, caveats = evidence.scores["scores"], tuple(study.caveats(evidence))
    if measure in SECONDS:
        key, unit = SECONDS[measure]
        return Figure(scores[key] / unit, caveats=(*caveats, MACHINE))
    if measure in RATIOS:
        score, cost = RATIOS[measure]
        if cost == "size_mb":
            return Figure(scores[score] / size_mb * 100 if size_mb else None, caveats=caveats)
        return Figure(scores[score] / (scores["train_seconds"] / 3600), caveats=(*caveats, MACHINE))
    key = our_measure(measure)
    low, high = evidence.scores["intervals"].get(key, (None, None))
    tested, published = evidence.scores["test_records"], study.report.records
    return Figure(
        scores.get(key),
        low,
        high,
        same_rule=same_rule(evidence, key),
        caveats=caveats,
        undertrained=study.undertrained(evidence),
        records=(tested, round(published * tested / evidence.scores["records"])),
        seeds=evidence.seeds,
        deviation=evidence.scores["spread"].get(key, 0.0),
    )


def our_measure(published: str) -> str:
    """What we call a measure."""
    return SCORES.get(published, published)


def same_rule(evidence: Evidence, measure: str) -> Same | None:
    """A score of label sets by the rule that is the same for all."""
    common = evidence.scores["common"]
    if measure not in common["scores"]:
        return None
    low, high = common["intervals"][measure]
    return Same(ours=common["scores"][measure], low=low, high=high)


def verdict(published: float, ours: Figure) -> tuple[str, str]:
    """In words, and why."""
    if ours.value is None:
        return CANNOT, "this run has no such figure"
    if ours.caveats:  # the line tells them
        return CANNOT, ""
    if ours.undertrained:
        return UNDERTRAINED, ours.undertrained
    if ours.low is None or ours.high is None:
        return CANNOT, "no interval for this measure"
    estimate, (own, theirs) = Estimate(ours.value, ours.low, ours.high), ours.records
    decimals = max(2, digits(published))
    agrees = agrees_with_published(published, decimals, theirs, estimate, own, ours.seeds, ours.deviation)
    return (HOLDS, "within the error of both") if agrees else (FAILS, "outside the error of both")


def figure_line(row: str, measure: str, published: float, evidence: Evidence, ours: Figure) -> FigureLine:
    """One line of a table; of a trial it says no more than that it runs."""
    line = FigureLine(
        row=row_of(row, evidence.variant),
        measure=measure,
        published=published,
        run=evidence.run,
        variant=evidence.variant,
        evidence=evidence.label,
        modality=evidence.scores["modality"],
        network=evidence.trained,
        trial=evidence.trial,
        seeds=evidence.seeds,
        verdict=RUNS,
    )
    if evidence.trial:
        return line
    line = replace(
        line,
        ours=ours.value,
        low=ours.low,
        high=ours.high,
        same_rule=ours.same_rule,
        caveats=ours.caveats,
        undertrained=ours.undertrained,
    )
    if evidence.kind != AS_PUBLISHED:
        return replace(line, verdict=NO_VERDICT, because=evidence.variant)
    said, because = verdict(published, ours)
    difference = None if ours.value is None else ours.value - published
    return replace(line, difference=difference, verdict=said, because=because)


def row_of(row: str, variant: str) -> str:
    """The published row, or one of its own for what is not the published network."""
    return row if kind(variant) == AS_PUBLISHED else f"{row}, {kind(variant)}"


def size_line(row: str, published: float, run: DeclaredRun) -> FigureLine:
    """The size of the network as declared, which needs no training; only of a network that is the published one."""
    line = FigureLine(
        row=row_of(row, run.variant),
        measure="size_mb",
        published=published,
        run=run.run,
        variant=run.variant,
        verdict=CANNOT,
    )
    if run.variant != AS_PUBLISHED:
        return replace(line, because="not as published")
    if run.size_mb is None:
        return replace(line, because="no network")
    near = abs(run.size_mb - published) <= max(SIZE_MB, SIZE_SHARE * abs(published))
    said = HOLDS if near else FAILS
    difference = run.size_mb - published
    return replace(line, ours=run.size_mb, difference=difference, verdict=said, because="tolerance 0.5 MB or 1 %")


def plain_line(
    row: str, measure: str, figure: Any, ours: Any, said: str, because: str, evidence: str = ""
) -> FigureLine:
    """A line whose figures have no interval."""
    exact = isinstance(ours, int | float) and isinstance(figure, int | float)
    difference = ours - figure if exact else None
    return FigureLine(
        row=row, measure=measure, published=figure, ours=ours, difference=difference, evidence=evidence, verdict=said,
        because=because,
    )  # fmt: skip


def not_run(row: str, measure: str, figure: Any) -> FigureLine:
    """A row that nothing stands for."""
    return FigureLine(row=row, measure=measure, published=figure, verdict=NOT_RUN)


def counted(row: str, measure: str, figure: Any, ours: Any, counts: Mapping[str, Any], note: str = "") -> FigureLine:
    """A count must be the same; on generated data it says nothing."""
    if counts["data"] == GENERATED:
        return FigureLine(row=row, measure=measure, published=figure, evidence=GENERATED, trial=True, verdict=RUNS)
    return plain_line(row, measure, figure, ours, HOLDS if ours == figure else FAILS, note, counts["data"])


def digits(figure: float) -> int:
    """Decimals with which a figure is printed."""
    return len(f"{figure:g}".partition(".")[2])
