"""The settings of `ingest:` and of the blocks of `datasets:`: where records come from, in which format."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol

from annotated_types import Ge, Len
from pydantic import Field

from multilabel.core.errors import UserError, noting
from multilabel.core.ranges import Positive, Records, Seed
from multilabel.core.registry import choose
from multilabel.core.settings import check_name, checked_parts, key_of, named, parsed
from multilabel.data.archives import Files
from multilabel.data.labels import LABEL_NAMES
from multilabel.data.readers import FORMATS
from multilabel.data.records import Findings, Record
from multilabel.data.submission import SubmissionForm
from multilabel.data.synthetic import GENERATORS

SYNTHETIC = "synthetic"  # the source that is generated


@dataclass(frozen=True, kw_only=True)
class IngestSettings:
    """What is refused."""

    on_bad_record: Literal["reject", "error"]
    max_megapixels: Positive
    max_unpacked_gb: Positive


@dataclass(frozen=True, kw_only=True)
class Generated:
    """How many records `source: synthetic` stands for, and which."""

    labelled: Annotated[Records, Ge(1)]
    unlabelled: Records = 0
    seed: Seed = 42


@dataclass(frozen=True, kw_only=True)
class DatasetSettings:
    """Where a dataset comes from; the keys of its format stand beside these."""

    source: Annotated[str, Len(1)]
    label_names: Annotated[str, key_of("label naming", LABEL_NAMES)] = "as_given"
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None  # of the source, if it must be a certain one
    synthetic: dict[str, Any] | None = None


class Reader(Protocol):
    """A format."""

    @property
    def offers(self) -> frozenset[str]:
        """`image` and `text` as far as records can have them."""

    @property
    def submission(self) -> SubmissionForm:
        """How it writes the labels of unlabelled records."""

    def read(self, files: Files, findings: Findings, max_megapixels: float) -> Iterator[Record]:
        """Records in the order of the source."""


@dataclass(frozen=True)
class Dataset:
    """A block of `datasets:`; `generated` belongs to `source: synthetic` alone."""

    format: str
    settings: DatasetSettings
    reader: Reader
    generated: Generated | None


def parse_dataset(name: object, block: Mapping[str, Any]) -> Dataset:
    """The block called `name`; raises `UserError` with all of its mistakes."""
    where = f"datasets.{check_name(name, 'datasets')}"
    format_name, rest = named(block, "format", where)
    reader_class = choose("format", FORMATS, format_name, f"{where}.format")
    common, options = checked_parts([DatasetSettings, reader_class], rest, where)
    settings = DatasetSettings(**common)
    generated = None
    mistakes: list[str] = []
    if settings.source == SYNTHETIC:
        with noting(mistakes):
            choose("generator", GENERATORS, format_name, f"{where}.format (for source: synthetic)")
        with noting(mistakes):
            generated = parsed(Generated, settings.synthetic, f"{where}.synthetic")
    with noting(mistakes):
        reader = reader_class(**options)
    if mistakes:
        raise UserError(*(line.replace("datasets.<name>", where) for line in mistakes))  # formats do not know it
    return Dataset(format_name, settings, reader, generated)
