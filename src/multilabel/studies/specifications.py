"""The blocks of `tables:`: which runs stand in which row of which published table, and in which measure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from multilabel.core.errors import UserError
from multilabel.core.registry import choose
from multilabel.core.settings import parsed
from multilabel.studies.published import PublishedTable, Report, published_table

Names = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class TableSpecification:
    """What a study says of one table; of the last keys at most one is given, and without any it is a table of scores."""

    study: str
    runs: str  # a group, the folder of metrics/runs that the table waits for beside `reference`
    published: str | None  # id in published.yaml, or null for a table that the report ought to have
    title: str = ""
    average: str = ""  # of the figures below; what the report used, or probably used
    measures: Names | None = None  # published measure -> ours, where the names do not say it
    row_measures: Mapping[str, Names] | None = None  # the same for single rows
    corrected: Mapping[str, Mapping[str, float]] | None = None  # published rows as they must have been
    also: Mapping[str, Sequence[str]] | None = None  # row -> runs of other groups, or of several tables
    claims: Sequence[Sequence[str]] | None = None  # [better row, worse row]; null: the best row against each other one
    base: str | None = None  # the run that the others are compared with, in a table without published rows
    floor: str | None = None  # a published row that a constant answer is set beside
    settings: Mapping[str, Mapping[str, Sequence[str]]] | None = None  # published name -> {path in the settings: runs}
    examples: Names | None = None  # published column -> run
    log: Names | None = None  # run and curve
    eda: str | None = None  # a key of EDA
    weights: Names | None = None  # row -> network of torchvision
    per_label: Sequence[str] | None = None  # runs
    split: bool = False
    notes: Sequence[str] = ()  # what a reader must know beside the contradictions


def read_tables(params: Mapping[str, Any]) -> dict[str, TableSpecification]:
    """All tables of a study's parameters; raises `UserError` for a mistake in a block."""
    return {name: parsed(TableSpecification, block, f"tables.{name}") for name, block in params["tables"].items()}


def rows_of(
    table: TableSpecification, published: PublishedTable | None, runs: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[str]]:
    """Row -> its runs: those of the group that name it, and those that the table names."""
    rows: dict[str, list[str]] = {row: [] for row in (published.rows if published else {})}
    for name, run in runs.items():
        if run["group"] == table.runs and run["row"] is not None and (published is None or run["row"] in rows):
            rows.setdefault(run["row"], []).append(name)
    for row, names in (table.also or {}).items():
        rows[row] = [*names, *rows.get(row, [])]
    return rows


def involved(table: TableSpecification, runs: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The runs that a table looks at: its group, the reference, and those that it names."""
    named = {run for names in (table.also or {}).values() for run in names}
    named |= {run for paths in (table.settings or {}).values() for names in paths.values() for run in names}
    named |= {*(table.examples or {}).values(), (table.log or {}).get("run", ""), *(table.per_label or ())}
    return {name: run for name, run in runs.items() if run["group"] in (table.runs, "reference") or name in named}


def without_counterpart(table: TableSpecification, runs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Runs of the table's own group that stand in no published row."""
    return [name for name, run in runs.items() if run["group"] == table.runs != "reference" and run["row"] is None]


def check_tables(
    study: str, params: Mapping[str, Any], runs: Mapping[str, Mapping[str, Any]], report: Report
) -> dict[str, TableSpecification]:
    """All tables; raises `UserError` for one, or a run, whose names lead nowhere: a row, a run, a group, a published table."""
    tables = read_tables(params)
    groups = {run["group"] for run in runs.values()}
    for name, table in tables.items():
        where = f"tables.{name}"
        choose("group", dict.fromkeys(groups), table.runs, f"{where}.runs")
        published = None
        if table.published is not None:
            published = published_table(report, table.published, f"{where}.published")
        for row in table.corrected or ():
            choose("row", published.rows if published else {}, row, f"{where}.corrected")
        for row, names in (table.also or {}).items():
            if published is not None:
                choose("row", published.rows, row, f"{where}.also")
            for run in names:
                choose("run", runs, run, f"{where}.also.{row}")
        for pair in table.claims or ():
            for row in pair:
                choose("row", published.rows if published else {}, row, f"{where}.claims")
    for name, own in runs.items():
        if own["row"] is not None:
            _check_row(study, name, own, tables, report)
    return tables


def _check_row(
    study: str, name: str, run: Mapping[str, Any], tables: Mapping[str, TableSpecification], report: Report
) -> None:
    """The run's row must be one of a table that its group fills; a table without published rows takes any."""
    own = [table for table in tables.values() if table.runs == run["group"]]
    if any(table.published is None for table in own):
        return
    rows = [row for table in own for row in report.tables[str(table.published)].rows]
    if run["row"] not in rows:
        raise UserError(
            f"studies/{study}/params.yaml runs.{name}.row: no published table of group {run['group']!r} has a row "
            f"{run['row']!r}; take `row:` out to list the run without a counterpart, or choose one of: "
            f"{', '.join(map(str, rows))}"
        )
