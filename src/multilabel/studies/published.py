"""What a report prints: tables of named rows, as transcribed in `published.yaml` of its study."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from multilabel.core.registry import choose
from multilabel.core.settings import read_yaml

PUBLISHED, CONTRADICTIONS = Path("published.yaml"), Path("contradictions.yaml")


@dataclass(frozen=True)
class PublishedTable:
    """One table or figure; the measures of a row are numbers, or texts and lists where the report prints such."""

    title: str
    kind: str
    rows: Mapping[str, Any] = field(default_factory=dict)
    split: str = "unstated"
    average: str = "unstated"
    metric: str = ""
    contradictions: tuple[str, ...] = ()
    content: Mapping[str, Any] = field(default_factory=dict)  # what has no rows: counts, a matrix


@dataclass(frozen=True)
class Report:
    """A report: its file, its title, how many labelled records it had, and its tables by id."""

    file: str
    title: str
    records: int
    tables: Mapping[str, PublishedTable]


def read_report(folder: Path = Path()) -> Report:
    """The published side of the study in `folder`."""
    content = read_yaml(folder / PUBLISHED)
    own = ("title", "kind", "rows", "split", "average", "metric")
    tables = {
        name: PublishedTable(
            **{key: table[key] for key in own if key in table},
            contradictions=tuple(table.get("contradictions", ())),
            content={key: value for key, value in table.items() if key not in (*own, "contradictions")},
        )
        for name, table in content["tables"].items()
    }
    return Report(content["file"], content["title"], content["records"], tables)


def read_contradictions(folder: Path = Path()) -> dict[str, str]:
    """Id -> what does not fit together."""
    return dict(read_yaml(folder / CONTRADICTIONS))


def published_table(report: Report, name: str, where: str) -> PublishedTable:
    """One table; raises `UserError` for an id that the report does not have."""
    return choose("published table", report.tables, name, where)
