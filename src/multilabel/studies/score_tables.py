"""The kinds of tables that runs fill: scores with what their rows claim, scores per label, losses, predictions of records."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from multilabel.studies.claims import Claim, claim_lines, claimed_pairs
from multilabel.studies.comparison import (
    Content,
    Figure,
    Study,
    figure_line,
    not_run,
    our_figure,
    our_measure,
    plain_line,
    same_rule,
    size_line,
)
from multilabel.studies.evidence import Evidence, paired
from multilabel.studies.lines import CANNOT, PUT_RIGHT, CostLine, FigureLine, OtherLine
from multilabel.studies.predicted_sets import AS_REPORTED
from multilabel.studies.specification import REFERENCE, PublishedTable, RunBlock, TableBlock

Names = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class ScoresTable(TableBlock):
    """Published scores, sizes and times beside those of runs; and what the rows claim."""

    measures: Names = field(default_factory=dict)  # published measure -> ours, where the names do not say it
    row_measures: Mapping[str, Names] = field(default_factory=dict)  # the same for single rows
    corrected: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # rows as they must have been
    also: Mapping[str, Sequence[str]] = field(default_factory=dict)  # row -> runs of the reference, or of several rows
    claims: Sequence[Sequence[str]] | None = None  # [better row, worse row]; null: the best row against each other one
    about_training: bool = False  # the rows differ in how a network is trained: rate, optimizer, batches, loss
    base: str | None = None  # the run that the others are compared with, in a table without published rows
    floor: str | None = None  # a published row that a constant answer is set beside

    def named(self) -> Iterator[str]:
        """The runs of `also`."""
        for runs in self.also.values():
            yield from runs

    def rows(self) -> Iterator[tuple[str, str]]:
        """All rows that it says something of."""
        if self.published is not None:
            yield from ((row, "also") for row in self.also)
        yield from ((row, "corrected") for row in self.corrected)
        yield from ((row, "row_measures") for row in self.row_measures)
        yield from ((row, "claims") for pair in self.claims or () for row in pair)

    def content(self, printed: PublishedTable, study: Study) -> Content:
        """Every published figure with every run of its row; what the rows claim; the references."""
        rows = self._runs_by_row(printed, study.declared)
        figures = [line for row, values in printed.rows.items() for line in self._row(row, row, values, rows, study)]
        for row, values in self.corrected.items():  # what it must have been, where it is known to be wrong
            figures += self._row(row + PUT_RIGHT, row, values, rows, study)
        claims, tested = claim_lines(self._claims(printed), rows, study, about_training=self.about_training)
        placed = [(row, run) for row, runs in rows.items() for run in runs] if self.published is None else []
        others = without_published(placed + self._unplaced(study), self.base, study)
        return Content(
            figures=figures,
            claims=claims,
            tested=tested,
            others=others + self._floor(study),
            cost=cost([run for runs in rows.values() for run in runs], study),
        )

    def _claims(self, printed: PublishedTable) -> list[Claim]:
        """What the rows claim of each other, in the measure of their table."""
        measure = "f1" if any("f1" in values for values in printed.rows.values()) else "f1_macro"
        if sum(measure in values for values in printed.rows.values()) < 2:
            return []
        return [
            self._claim(better, worse, measure, printed)
            for better, worse in claimed_pairs(printed, measure, self.claims)
        ]

    def _claim(self, better: str, worse: str, measure: str, printed: PublishedTable) -> Claim:
        """In the measure of both rows, or that of the table where the report mixes two."""
        published = printed.rows[better][measure] - printed.rows[worse][measure]
        own, its = (our_measure(self._names(row).get(measure, measure)) for row in (better, worse))
        if own == its:
            return Claim(better, worse, published, own)
        mixed = f"the report takes {own} of one row from {its} of the other"
        return Claim(better, worse, published, our_measure(self.measures.get(measure, measure)), (mixed,))

    def _names(self, row: str) -> Names:
        """Published measure -> ours, of a row."""
        return {**self.measures, **self.row_measures.get(row, {})}

    def _runs_by_row(self, printed: PublishedTable, runs: Mapping[str, RunBlock]) -> dict[str, list[str]]:
        """Row -> its runs: those of the group that name it, and those that the table names."""
        rows: dict[str, list[str]] = {row: [] for row in printed.rows}
        for name, run in runs.items():
            if run.group == self.runs and run.row is not None and (self.published is None or run.row in rows):
                rows.setdefault(run.row, []).append(name)
        for row, names in self.also.items():
            rows[row] = [*names, *rows.get(row, [])]
        return rows

    def _unplaced(self, study: Study) -> list[tuple[str, str]]:
        """Runs of the table's own group that stand in no published row."""
        if self.runs == REFERENCE:
            return []
        return [(name, name) for name, run in study.declared.items() if run.group == self.runs and run.row is None]

    def _row(
        self,
        label: str,
        row: str,
        values: Mapping[str, float],
        rows: Mapping[str, Sequence[str]],
        study: Study,
    ) -> list[FigureLine]:
        """The figures of one row; a row that nothing was run for says so."""
        names, lines = self._names(row), []
        for measure, figure in values.items():
            if measure == "size_mb":
                lines += [size_line(label, figure, study.declared[run]) for run in rows.get(row, ())]
                continue
            for run in rows.get(row, ()):
                for evidence in study.best(run):
                    ours = our_figure(names.get(measure, measure), evidence, study.declared[run].size_mb, study)
                    lines.append(figure_line(label, measure, figure, evidence, ours))
        filled = {line.measure for line in lines}
        return lines + [not_run(label, measure, figure) for measure, figure in values.items() if measure not in filled]

    def _floor(self, study: Study) -> list[OtherLine]:
        """What answering every record with the most frequent label scores."""
        if self.floor is None:
            return []
        for evidence in [found for run in study.baselines()[:1] for found in study.best(run)]:
            constant, names = evidence.scores["constant"], self.row_measures.get(self.floor, {})
            said = ", ".join(f"{measure} {constant[ours]:.3f}" for measure, ours in names.items())
            beside = f" (beside the row {self.floor}: {said})" if not evidence.trial else ""
            return [
                OtherLine(
                    row=f"always the most frequent label{beside}",
                    run="",
                    variant="no training",
                    evidence=evidence.label,
                    trial=evidence.trial,
                    f1_samples=None if evidence.trial else constant["f1_samples"],
                    seeds=0,
                )
            ]
        return []


@dataclass(frozen=True, kw_only=True)
class PerLabelTable(TableBlock):
    """Published scores per label beside those of runs."""

    of: Sequence[str]  # runs

    def named(self) -> Iterator[str]:
        """The runs."""
        yield from self.of

    def content(self, printed: PublishedTable, study: Study) -> Content:
        """Every published figure with every run; without any, that nothing stands for it."""
        known = [evidence for run in self.of for evidence in study.best(run)]
        lines = []
        if not known:
            lines = [
                not_run(row, measure, figure) for row, own in printed.rows.items() for measure, figure in own.items()
            ]
        for evidence in known:
            found = evidence.per_label()
            caveats, short = (*study.caveats(evidence), "no interval per label"), study.undertrained(evidence)
            for row, values in printed.rows.items():
                label = row.rpartition(" ")[2]
                for measure, figure in values.items():
                    if label not in found.index:
                        because = "no record has this label"
                        lines.append(plain_line(row, measure, figure, None, CANNOT, because, evidence.label))
                        continue
                    ours = Figure(float(found.loc[label, measure]), caveats=caveats, undertrained=short)
                    lines.append(figure_line(row, measure, figure, evidence, ours))
        return Content(figures=lines, others=without_published([], None, study), cost=cost(self.of, study))


@dataclass(frozen=True, kw_only=True)
class LogTable(TableBlock):
    """The mean of the losses that are printed of an epoch against the epoch's mean."""

    run: str
    curve: str

    def named(self) -> Iterator[str]:
        """The run."""
        yield self.run

    def content(self, printed: PublishedTable, study: Study) -> Content:
        """A line for each printed epoch."""
        lines = []
        for evidence in study.best(self.run):
            curve = evidence.source.curve(self.curve)
            values = [] if curve is None else curve["value"].tolist()
            caveats, short = (*study.caveats(evidence), "no interval for one run"), study.undertrained(evidence)
            for number, (row, losses) in enumerate(printed.rows.items()):
                ours = Figure(values[number] if number < len(values) else None, caveats=caveats, undertrained=short)
                lines.append(figure_line(row, "loss", statistics.fmean(losses["loss"]), evidence, ours))
        return Content(figures=lines)


@dataclass(frozen=True, kw_only=True)
class ExamplesTable(TableBlock):
    """The same test records as each of some runs sees them."""

    of: Names  # published column -> run

    def named(self) -> Iterator[str]:
        """The runs."""
        yield from self.of.values()

    def content(self, printed: PublishedTable, study: Study) -> Content:
        """A line for each record."""
        lines: dict[str, dict[str, Any]] = {}
        for column, run in self.of.items():
            for evidence in study.best(run):
                for example in evidence.source.examples():
                    about = {
                        "record": example["id"],
                        "evidence": evidence.label,
                        "trial": evidence.trial,
                        "true": ", ".join(example["true"]),
                    }
                    line = lines.setdefault(f"{example['id']} {evidence.label}", about)
                    line[column] = ", ".join(example["predicted"]) or "nothing"
        return Content(examples=list(lines.values()))


def without_published(placed: Sequence[tuple[str, str]], base: str | None, study: Study) -> list[OtherLine]:
    """Samples-F1 of what has no published figure: baselines first, then rows with their runs."""
    lines = []
    against = study.best(base or "")
    for label, run in [*((name, name) for name in study.baselines()), *placed]:
        for evidence in study.best(run):
            line = _other_line(label, evidence, study)
            if against and run != base and not evidence.trial:
                found = paired(evidence, against[0], "f1_samples", AS_REPORTED)
                change = found.interval() if found else None
                line = replace(line, difference=(change.value, change.low, change.high) if change else None)
            lines.append(line)
    return lines


def _other_line(label: str, evidence: Evidence, study: Study) -> OtherLine:
    """Samples-F1 of a run, unless it is a trial."""
    scores = evidence.scores
    line = OtherLine(
        row=label,
        run=evidence.run,
        variant=evidence.variant,
        evidence=evidence.label,
        network=evidence.trained,
        trial=evidence.trial,
        seeds=evidence.seeds,
    )
    if evidence.trial:
        return line
    low, high = scores["intervals"].get("f1_samples", (None, None))
    return replace(
        line,
        f1_samples=scores["scores"]["f1_samples"],
        low=low,
        high=high,
        sd=scores["spread"].get("f1_samples"),
        same_rule=same_rule(evidence, "f1_samples"),
        undertrained=study.undertrained(evidence),
    )


def cost(runs: Sequence[str], study: Study) -> list[CostLine]:
    """Seconds, updates and devices of some runs."""
    return [
        CostLine(
            run=run,
            evidence=evidence.label,
            network=evidence.trained,
            trial=evidence.trial,
            seeds=evidence.seeds,
            train_seconds=evidence.scores["scores"]["train_seconds"],
            predict_seconds=evidence.scores["scores"]["predict_seconds"],
            updates=evidence.scores["updates"],
            published_updates=study.published_updates(evidence),
            device=evidence.scores["device"],
        )
        for run in dict.fromkeys(runs)
        for evidence in study.best(run)
    ]
