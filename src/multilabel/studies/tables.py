"""The tables that a study declares, each a block of `tables:` of some kind; and a finished table, as JSON that pages render."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from multilabel.core.errors import UserError
from multilabel.core.registry import choose
from multilabel.core.settings import as_block, named, parsed
from multilabel.studies.comparison import Content, Study
from multilabel.studies.exact_tables import CountsTable, SettingsTable, SplitTable, WeightsTable
from multilabel.studies.score_tables import ExamplesTable, LogTable, PerLabelTable, ScoresTable
from multilabel.studies.specification import REFERENCE, DeclaredRun, Report, RunBlock
from multilabel.studies.statement_tables import StatementsTable

AnyTable = (
    ScoresTable
    | PerLabelTable
    | LogTable
    | ExamplesTable
    | StatementsTable
    | SettingsTable
    | WeightsTable
    | SplitTable
    | CountsTable
)
KINDS: dict[str, Callable[..., AnyTable]] = {  # `kind:` of a block
    "scores": ScoresTable,
    "per_label": PerLabelTable,
    "log": LogTable,
    "examples": ExamplesTable,
    "statements": StatementsTable,
    "settings": SettingsTable,
    "weights": WeightsTable,
    "split": SplitTable,
    "counts": CountsTable,
}


@dataclass(frozen=True)
class Table:
    """A finished table."""

    name: str
    group: str
    title: str
    kind: str  # of the published table
    split: str
    average: str
    contradictions: Sequence[str]
    notes: Sequence[str]
    content: Content

    def as_json(self) -> dict[str, Any]:
        """As a file keeps it; the content stands among the rest."""
        about = asdict(self)
        content: dict[str, Any] = about.pop("content")
        return about | content


def read_tables(blocks: Mapping[str, Any]) -> dict[str, AnyTable]:
    """Blocks of a study's `tables:`; raises `UserError` for a mistake in one."""
    return {name: _table(block, f"tables.{name}") for name, block in blocks.items()}


def _table(block: object, where: str) -> AnyTable:
    kind, rest = named(as_block(block, where), "kind", where)
    return parsed(choose("kind of table", KINDS, kind, f"{where}.kind"), rest, where)


def check_tables(
    study: str, groups: Sequence[str], tables: Mapping[str, AnyTable], runs: Mapping[str, RunBlock], report: Report
) -> None:
    """Raises `UserError` for a table, a run or a group whose names lead nowhere: to no row, run, group, published table."""
    known = dict.fromkeys(groups)
    for name, run in runs.items():
        choose("group", known, run.group, f"runs.{name}.group")
    named = {run.group for run in runs.values()}
    for group in groups:
        if group not in named:
            raise UserError(f"studies/{study}/params.yaml groups.{study}_{group}: no run names it; take it out")
    for name, table in tables.items():
        where = f"tables.{name}"
        choose("group", known, table.runs, f"{where}.runs")
        printed = table.printed(report, where)
        for named_run in table.named():
            group = choose("run", runs, named_run, where).group
            if group not in (table.runs, REFERENCE) and not isinstance(table, SettingsTable):
                raise UserError(
                    f"studies/{study}/params.yaml {where}: run {named_run!r} is of group {group!r}, for which the stage that "
                    f"fills this table does not wait; name runs of {table.runs!r} and {REFERENCE!r}"
                )
        for row, key in table.rows():
            choose("row", printed.rows, row, f"{where}.{key}")
    for name, own in runs.items():
        if own.row is not None:
            _check_row(study, name, own, tables, report)


def _check_row(study: str, name: str, run: RunBlock, tables: Mapping[str, AnyTable], report: Report) -> None:
    """The run's row must be one of a table that its group fills; a table without published rows takes any."""
    own = [table for table in tables.values() if table.runs == run.group]
    if any(table.published is None for table in own):
        return
    rows = [row for table in own for row in report.tables[str(table.published)].rows]
    if run.row not in rows:
        raise UserError(
            f"studies/{study}/params.yaml runs.{name}.row: no published table of group {run.group!r} has a row "
            f"{run.row!r}; take `row:` out to list the run without a counterpart, or choose one of: "
            f"{', '.join(map(str, rows))}"
        )


def involved(table: AnyTable, runs: Mapping[str, DeclaredRun]) -> dict[str, DeclaredRun]:
    """The runs that a table looks at: its group, the reference, and those that it names."""
    wanted = set(table.named())
    return {name: run for name, run in runs.items() if run.group in (table.runs, REFERENCE) or name in wanted}


def compare(name: str, table: AnyTable, study: Study) -> Table:
    """One table from what is known of its runs."""
    printed = table.printed(study.report, f"tables.{name}")
    return Table(
        name=name,
        group=table.runs,
        title=printed.title,
        kind=printed.kind,
        split=printed.split,
        average=table.average or printed.average,
        contradictions=printed.contradictions,
        notes=table.notes,
        content=table.content(printed, study),
    )
