"""The page of a report and the page about all of them, from finished tables; right with any evidence, from none to all."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from multilabel.core.files import read_json
from multilabel.core.yaml_files import read_yaml
from multilabel.reporting import plots
from multilabel.reporting.markdown import Markdown, escape, heading_id, render
from multilabel.reporting.tables import explained
from multilabel.studies.coverage import Coverage, coverage
from multilabel.studies.evidence import Evidence, Fresh, gather
from multilabel.studies.finished import FinishedTable, exact
from multilabel.studies.openings import index_opening, report_opening
from multilabel.studies.rendering import (
    LONG,
    departures,
    fold,
    printed_grid,
    says_nothing,
    solid,
    table_markdown,
    trials,
)
from multilabel.studies.specification import (
    EXPLANATIONS,
    TABLES,
    Report,
    read_contradictions,
    read_report,
)
from multilabel.studies.tables import read_tables

SETTINGS = ("settings", "split")  # kinds of blocks whose tables hold no verdicts
VERDICTS = Markdown("[docs/studies.md](../../docs/studies.md#verdicts)")


@dataclass(frozen=True)
class ReportedStudy:
    """A study whose tables are finished."""

    name: str
    folder: Path

    @cached_property
    def params(self) -> dict[str, Any]:
        """Its parameters."""
        return read_yaml(self.folder / "params.yaml")

    @cached_property
    def report(self) -> Report:
        """What is compared with."""
        return read_report(self.folder)

    @cached_property
    def tables(self) -> list[FinishedTable]:
        """In the order of the parameters."""
        found = []
        for name, block in read_tables(self.params["tables"]).items():
            content = read_json(self.folder / TABLES / block.runs / f"{name}.json")
            printed = block.printed(self.report, f"tables.{name}")
            found.append(FinishedTable(self.name, name, content, printed))
        return found

    @cached_property
    def evidence(self) -> dict[str, list[Evidence]]:
        """What is known of each run."""
        return gather(self.params["runs"], self.folder)

    @property
    def coverage(self) -> Coverage:
        """How much of it has evidence."""
        return coverage(table.content for table in self.tables)

    @property
    def heading(self) -> str:
        """Of its page."""
        return f"Report {self.name}: {self.report.title}"

    @property
    def link(self) -> Markdown:
        """To its page."""
        return Markdown(f"[{escape(self.name)}]({self.name}.md#{heading_id(self.heading)})")

    def opening(self, page: str = "") -> list[tuple[str, list[Markdown]]]:
        """What stands of it; links lead to `page`."""
        return report_opening(self.report, self.tables, self.coverage, page)

    def page(self, figures: Path) -> Markdown:
        """As Markdown; its figures are drawn into the folder."""
        contradictions = read_contradictions(self.folder)
        by_kind: dict[str, list[Markdown]] = {"evidenced": [], "open": [], "declared": []}
        for table in sorted(self.tables, key=_order):
            kind = self._kind(table)
            drawn = self._figures(table, figures) if kind == "evidenced" else []
            by_kind[kind].append(_table(table, contradictions, drawn))
        cited = {key for table in self.tables for key in table.content["contradictions"]}
        ran = {line["run"]: line for table in self.tables for line in table.content["cost"] if line["trial"]}
        return render(
            "study.md.j2",
            name=self.name,
            heading=self.heading,
            opening=self.opening(),
            words=VERDICTS,
            **by_kind,
            explanations=self._explanations(figures),
            trials=Markdown(trials(list(ran.values()))),
            unavailable=[self._unavailable(*entry) for entry in (self.params.get("unavailable") or {}).items()],
            further=[_note(key, text) for key, text in contradictions.items() if key not in cited],
        )

    def _kind(self, table: FinishedTable) -> str:
        if self.params["tables"][table.name]["kind"] in SETTINGS:
            return "declared"
        content = table.content
        own = content["others"] if self.params["tables"][table.name]["published"] is None else []
        told = table.claims() or table.figures() or solid([*own, *content["examples"]])
        return "evidenced" if told else "open"

    def _unavailable(self, name: str, reason: str) -> Markdown:
        """A published table that nothing here can produce: why, what it prints, and what does not fit in it."""
        table, contradictions = self.report.tables[name], read_contradictions(self.folder)
        parts = [f"**{escape(table.title)}** is not produced: {escape(reason)}.", printed_grid(table.rows)]
        parts += [f"- {_note(key, contradictions[key])}" for key in table.contradictions]
        return Markdown("\n\n".join(part for part in parts if part))

    def _figures(self, table: FinishedTable, folder: Path) -> list[tuple[str, str]]:
        """Published figures beside ours, and the validation curves of the runs: paths, and what they show."""
        drawn = []
        lines = [line for line in table.figures() if line["measure"] in ("f1", "f1_macro")]
        if table.content["kind"] == "results" and len(lines) > 1:
            shown = [{"value": line["ours"], "low": line["low"], "high": line["high"]} for line in lines]
            labels = [_label(line) for line in lines]
            published = [line["published"] for line in lines]
            plots.beside(labels, published, shown, table.printed.title, folder / f"{table.name}.png")
            drawn.append((f"figures/{table.name}.png", "published and ours, 95 % intervals over test records"))
        curves = {line["run"]: self._curve(line["run"]) for line in solid(table.content["cost"])}
        found = {run: curve for run, curve in curves.items() if curve is not None and len(curve) > 1}
        if found:
            plots.curves(found, "valid/f1_samples", folder / f"{table.name}_curves.png")
            drawn.append((f"figures/{table.name}_curves.png", "samples-F1 on valid by epoch"))
        return drawn

    def _curve(self, run: str) -> Any:
        return self.evidence[run][0].source.curve("valid/f1_samples") if run in self.evidence else None

    def _explanations(self, folder: Path) -> list[dict[str, Any]]:
        found = []
        for name, block in (self.params.get("explanations") or {}).items():
            if not (self.folder / EXPLANATIONS / name).is_dir():
                continue
            figures = []
            for source, caption in explained(self.folder / EXPLANATIONS / name):
                shutil.copy(source, folder / f"{name}_{source.name}")
                figures.append((f"figures/{name}_{source.name}", caption))
            own = [known.label for known in self.evidence.get(block["of"], ()) if isinstance(known.source, Fresh)]
            found.append({"name": name, "of": block["of"], "evidence": ", ".join(own), "figures": figures})
        return found


def _label(line: Mapping[str, Any]) -> str:
    """A row with how ours departs, as far as the row does not say it."""
    row = str(line["row"])
    return "; ".join([row, *(part for part in departures(line["variant"]) if part not in row)])


def _order(table: FinishedTable) -> tuple[bool, bool]:
    """Results before counts of the data, short tables before long ones; else as in the report."""
    return table.content["kind"] != "results", len(table.figures()) > LONG


def _note(key: str, text: str) -> Markdown:
    """A contradiction with its sentence, wherever it is cited."""
    return Markdown(f"{escape(text)} ({escape(key)})")


def _table(table: FinishedTable, contradictions: Mapping[str, str], drawn: Sequence[tuple[str, str]]) -> Markdown:
    content = table.content
    notes = [escape(table.printed.note)] if table.printed.note else []
    notes += [_note(key, contradictions[key]) for key in content["contradictions"]]
    return render(
        "study_table.md.j2",
        stage=f"compare@{table.study}_{content['group']}",
        content=table_markdown(content, table.heading),
        figures=drawn,
        printed=_left(table),
        notes=notes,
    )


def _left(table: FinishedTable) -> Markdown:
    """The published figures that nothing stands beside, row by row, as the report prints them."""
    if table.content["kind"] in ("settings", "eda"):
        return Markdown("")
    shown = {(line["row"], line["measure"]) for line in table.content["figures"] if not says_nothing(line)}
    rows = {row for row, _ in shown}
    left = {}
    for row, values in table.printed.rows.items():
        if isinstance(values, Mapping):
            values = {measure: value for measure, value in values.items() if (row, measure) not in shown}
        if values and (isinstance(values, Mapping) or row not in rows):
            left[row] = values
    title = "Printed, and not tested here" if table.content["kind"] != "examples" else "As the report prints them"
    grid = printed_grid(left)
    return (
        Markdown(f"**{title}**\n\n{fold(f'{len(left)} rows', grid) if len(left) > LONG else grid}")
        if left
        else Markdown("")
    )


def index(studies: Sequence[ReportedStudy], *, alone: bool) -> Markdown:
    """The page about all reports; `alone` it says of each what the page of that report begins with."""
    found = {study.name: study.coverage for study in studies}
    links = {study.name: study.link for study in studies}
    topics = {study.name: Markdown(f"{study.link} ({escape(study.report.topic)})") for study in studies}
    return render(
        "studies.md.j2",
        opening=index_opening({study.name: study.tables for study in studies}, found, topics),
        coverage=found,
        total=sum(found.values(), Coverage()),
        openings={study.name: study.opening(f"{study.name}.md") for study in studies} if alone else {},
        exact={study.name: exact(study.tables) for study in studies},
        exact_total=exact([table for study in studies for table in study.tables]),
        links=links,
        titles={study.name: study.report.title for study in studies},
    )


def verdicts(studies: Sequence[ReportedStudy]) -> dict[str, Any]:
    """What tests and other pages read: coverage of each report, and every claim with evidence."""
    return {
        "coverage": {study.name: asdict(study.coverage) for study in studies},
        "claims": [
            {"study": study.name, "table": table.name, **line}
            for study in studies
            for table in study.tables
            for line in table.claims()
        ],
    }
