"""Tables of what a report says of its runs in prose: a share of time saved, a score that another one promises."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from multilabel.studies.comparison import MACHINE, Content, Figure, Study, figure_line, not_run, plain_line
from multilabel.studies.evidence import Evidence
from multilabel.studies.lines import CANNOT, FigureLine
from multilabel.studies.specification import PublishedTable, TableBlock

HURDLE = 0.70  # of macro-F1, in report r3
Said = tuple[float | None, tuple[str, ...]]  # ours, and why it cannot be held against the published figure, if so


@dataclass(frozen=True, kw_only=True)
class StatementsTable(TableBlock):
    """Published statements beside what the same runs say here."""

    statements: Mapping[str, Mapping[str, Sequence[str]]]  # row -> {measure: runs}

    def named(self) -> Iterator[str]:
        """All runs that a statement is about."""
        for measures in self.statements.values():
            for runs in measures.values():
                yield from runs

    def rows(self) -> Iterator[tuple[str, str]]:
        """Of the statements."""
        yield from ((row, "statements") for row in self.statements)

    def content(self, printed: PublishedTable, study: Study) -> Content:
        """A line for each measure of each statement."""
        return Content(figures=[line for row in printed.rows for line in self._row(row, printed, study)])

    def _row(self, row: str, printed: PublishedTable, study: Study) -> list[FigureLine]:
        lines = []
        for measure, figure in printed.rows[row].items():
            known = self._known(self.statements[row][measure], measure in OF_A_GROUP, study)
            if not known:
                lines.append(not_run(row, measure, figure))
                continue
            value, reasons = (None, ()) if known[0].trial else STATED[measure](known)
            if value is None and reasons:
                lines.append(plain_line(row, measure, figure, None, CANNOT, "; ".join(reasons), known[0].label))
                continue
            caveats = tuple(dict.fromkeys((*study.caveats(known[0]), *reasons)))
            short = next(filter(None, map(study.undertrained, known)), None)
            ours = Figure(value, caveats=caveats, undertrained=short)
            lines.append(figure_line(row, measure, figure, known[0], ours))
        return lines

    def _known(self, named: Sequence[str], of_a_group: bool, study: Study) -> list[Evidence]:
        """The best evidence of each run, all at one scale and of one data set; empty where a statement lacks a run."""
        group = [name for name, run in study.declared.items() if run.group == self.runs] if of_a_group else []
        runs = list(dict.fromkeys((*named, *group)))
        found = [evidence for run in runs for evidence in study.best(run)]
        if not found:
            return []
        best = next((evidence for evidence in found if not evidence.trial), found[0])
        alike = [evidence for evidence in found if evidence.label == best.label]
        return alike if of_a_group or len(alike) == len(runs) else []


def _time_saved(known: Sequence[Evidence]) -> Said:
    """The share of the second run's training time that the first does without."""
    first, second = known
    if first.scores["device"] != second.scores["device"]:
        return None, ("its two runs are of different devices",)
    share = 1 - first.scores["scores"]["train_seconds"] / second.scores["scores"]["train_seconds"]
    return share, (MACHINE, f"both on {first.scores['device']}")


def _f1_macro_lost(known: Sequence[Evidence]) -> Said:
    """Macro-F1 of the second run minus that of the first."""
    first, second = (evidence.scores["scores"]["f1_macro"] for evidence in known)
    return second - first, ("no interval for this measure",)


def _f1_test_at_least(known: Sequence[Evidence]) -> Said:
    """The lowest samples-F1 of the runs that reach `HURDLE`."""
    above = [evidence.scores["scores"] for evidence in known if evidence.scores["scores"]["f1_macro"] >= HURDLE]
    if not above:
        return None, (f"none of {len(known)} networks reaches {HURDLE:.2f}",)
    lowest = min(scores["f1_samples"] for scores in above)
    return lowest, (f"the lowest of {len(above)} of {len(known)} networks", "no interval for this measure")


STATED: dict[str, Callable[[Sequence[Evidence]], Said]] = {
    "time_saved": _time_saved,
    "f1_macro_lost": _f1_macro_lost,
    "f1_test_at_least": _f1_test_at_least,
}
OF_A_GROUP = ("f1_test_at_least",)  # statements about all runs of the table's group
