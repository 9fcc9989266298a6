"""What a study declares: where it keeps things, what its report prints, and what every block of `tables:` says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from multilabel.core.errors import UserError
from multilabel.core.files import read_json
from multilabel.core.paths import PARAMS
from multilabel.core.registry import choose
from multilabel.core.settings import as_block, from_json, parsed, read_block
from multilabel.core.yaml_files import read_yaml

ROOT = Path("../..")  # the root pipeline, whose data a study samples
SHARED = Path("../params.yaml")  # settings of all studies
DECLARED = Path("data/declared")  # <group>.json with its tables, and the runs that they look at as the report says
PLANNED = Path("data/runs")  # <group>/<run>.json at the scale of today
RUNS = Path("metrics/runs")  # <group>/<run>/ with the files below
COUNTS = Path("data/counts.json")
SPLIT = Path("metrics/split")  # <dataset>.json
RESULTS = Path("results")  # bigger runs that are kept in git
TABLES = Path("tables")  # <group>/<table>.json
EXPLANATIONS = Path("data/explanations")

SCORES = "scores.json"
PREDICTED = "predicted.parquet"  # label sets of every record, seed and decoding rule
LABELS = "per_label.csv"
HISTORY = "history.csv"  # curves
EXAMPLES = "examples.json"
SAMPLE = "sample.json"  # beside the records: of what they are a sample
PUBLISHED, CONTRADICTIONS = Path("published.yaml"), Path("contradictions.yaml")
GENERATED = "generated"
REFERENCE = "reference"  # the group whose runs every table looks at, baselines among them
AS_PUBLISHED = "as published"  # the variant of a run whose block names none
STAND_IN = " in place of "  # between an encoder and the published one, in a variant


def kind(variant: str) -> str:
    """A variant without its details: as published, captions only, corrected."""
    return variant.partition(",")[0]


def origin(dataset: str) -> str:
    """The name of the root pipeline's source, as every table shows it."""
    source = read_block("datasets", dataset, ROOT / PARAMS)["source"]
    return GENERATED if source == "synthetic" else Path(source).name


@dataclass(frozen=True)
class PublishedTable:
    """One table or figure; the measures of a row are numbers, or texts and lists where the report prints such."""

    title: str
    kind: str
    rows: Mapping[str, Any] = field(default_factory=dict)
    split: str = "unstated"
    average: str = "unstated"
    metric: str = ""
    note: str = ""  # what is known of the transcription: cells that were reconstructed or moved
    contradictions: tuple[str, ...] = ()
    content: Mapping[str, Any] = field(default_factory=dict)  # what has no rows: counts, a matrix


@dataclass(frozen=True)
class Report:
    """A report: its file and title, how many labelled records it had and how many trained, its tables by id, what it claims."""

    file: str
    title: str
    records: int
    train_records: int
    tables: Mapping[str, PublishedTable]
    topic: str = ""  # a few words
    summary: tuple[str, ...] = ()  # what it claims, in sentences
    apart: tuple[str, ...] = ()  # how our data differ from its own, in sentences
    early_stopping: bool = False  # ended its training, after epochs that it does not state: those declared are the most


def read_report(folder: Path = Path()) -> Report:
    """The published side of the study in `folder`."""
    content = read_yaml(folder / PUBLISHED)
    own = ("title", "kind", "rows", "split", "average", "metric", "note")
    tables = {
        name: PublishedTable(
            **{key: table[key] for key in own if key in table},
            contradictions=tuple(table.get("contradictions", ())),
            content={key: value for key, value in table.items() if key not in (*own, "contradictions")},
        )
        for name, table in content["tables"].items()
    }
    about = {key: content[key] for key in ("file", "title", "records", "train_records")}
    return Report(
        **about,
        tables=tables,
        topic=content.get("topic", ""),
        summary=tuple(content.get("summary", ())),
        apart=tuple(content.get("apart", ())),
        early_stopping=content.get("early_stopping", False),
    )


def read_contradictions(folder: Path = Path()) -> dict[str, str]:
    """Id -> what does not fit together."""
    return dict(read_yaml(folder / CONTRADICTIONS))


@dataclass(frozen=True, kw_only=True)
class GroupBlock:
    """What the block of a group says, for dvc.yaml to read."""

    study: str
    group: str


def read_groups(study: str, blocks: Mapping[str, Any]) -> list[str]:
    """The groups of a study; raises `UserError` for a block that leads dvc.yaml elsewhere."""
    found = []
    for name, block in blocks.items():
        where = f"groups.{name}"
        own = parsed(GroupBlock, as_block(block, where), where)
        if own.study != study or name != f"{study}_{own.group}":
            raise UserError(
                f"studies/{study}/params.yaml {where}: write it as {study}_{own.group}: "
                f"{{study: {study}, group: {own.group}}}"
            )
        found.append(own.group)
    return found


@dataclass(frozen=True, kw_only=True)
class TableBlock:
    """What the block of any table says, whatever its kind."""

    runs: str  # a group, the folder of metrics/runs that the table waits for beside `reference`
    published: str | None  # id in published.yaml, or null for a table that the report ought to have
    title: str = ""
    average: str = ""  # of the scores below; what the report used, or probably used
    notes: Sequence[str] = ()  # what a reader must know beside the contradictions

    def printed(self, report: Report, where: str) -> PublishedTable:
        """The published side; raises `UserError` for an id that the report does not have."""
        if self.published is None:
            return PublishedTable(self.title, "results", split="none", average="")
        return choose("published table", report.tables, self.published, f"{where}.published")

    def named(self) -> Iterator[str]:
        """Runs that it looks at beside its group and the reference."""
        yield from ()

    def rows(self) -> Iterator[tuple[str, str]]:
        """Published rows that it names, each with the key that names it."""
        yield from ()


@dataclass(frozen=True, kw_only=True)
class RunBlock:
    """What a study says of one run, its architecture aside."""

    run: str
    group: str
    row: str | None  # of the published table
    variant: str
    weights: str  # random, pretrained, or none for a baseline
    from_scratch: bool  # in the report
    seeds: list[int]
    scale: str


@dataclass(frozen=True, kw_only=True)
class DeclaredRun(RunBlock):
    """A run as tables look at it, with the size of its network at full width; a fitted vocabulary is counted at its limit."""

    architecture: Mapping[str, Any]  # as JSON: to read it as settings takes the seconds that loading torch takes
    parameters: int | None
    size_mb: float | None  # in fp32


@dataclass(frozen=True, kw_only=True)
class DeclaredGroup:
    """The tables about a group, and the runs that these look at."""

    tables: Mapping[str, Any]  # blocks
    runs: Mapping[str, DeclaredRun]


def read_declared(group: str) -> DeclaredGroup:
    """What the stage `resolve_runs` wrote of a group."""
    found: DeclaredGroup = from_json(DeclaredGroup, read_json(DECLARED / f"{group}.json"))
    return found
