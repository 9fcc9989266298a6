"""The contract every source is turned into: one Parquet table of records, and a list of what was set aside."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from multilabel.core.errors import UserError
from multilabel.core.files import replacing
from multilabel.core.streams import gathered
from multilabel.data.boxes import Box
from multilabel.data.images import describe
from multilabel.data.labels import LabelSets

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("image", pa.binary()),  # the encoded file (JPEG, PNG, ...); this and what follows null without one
        pa.field("image_digest", pa.string()),  # SHA-256 of the encoded file, in hex
        pa.field("image_width", pa.int32()),  # in pixels, as stored: before EXIF turns the image
        pa.field("image_height", pa.int32()),
        pa.field("image_mode", pa.string()),  # Pillow's: RGB, L, CMYK, ...
        pa.field("text", pa.string(), nullable=False),
        pa.field("labels", pa.list_(pa.string())),  # null for an unlabelled record
    ]
)
ROWS_PER_GROUP = 1000
BYTES_PER_GROUP = 64_000_000  # of images; whoever reads a group holds all of it in memory


@dataclass(frozen=True)
class Record:
    """One thing to classify; `labels` is None where they are to be predicted, `boxes` say where its image shows them."""

    id: str
    text: str
    labels: list[str] | None
    image: bytes | None = None
    boxes: tuple[Box, ...] = ()  # kept apart from the records: nothing that is trained reads them


@dataclass(frozen=True)
class Finding:
    """A record, or a box of one, that was repaired or rejected, where it stood, and why."""

    id: str
    where: str
    action: str
    reason: str


@dataclass
class Findings:
    """What ingest found wrong; `policy` is `reject` (list and leave out) or `error` (stop at the first)."""

    policy: str
    items: list[Finding] = field(default_factory=list)

    def repaired(self, id: str, where: str, reason: str) -> None:
        """List a record that was mended and kept."""
        self.items.append(Finding(id, where, "repaired", reason))

    def rejected(self, id: str, where: str, reason: str) -> None:
        """List a record, or a box of one, that is left out; raises `UserError` instead under the policy `error`."""
        if self.policy == "error":
            raise UserError(
                f"{where}: record {id!r}: {reason}; mend it, or set ingest.on_bad_record: reject to leave it out"
            )
        self.items.append(Finding(id, where, "rejected", reason))

    def stand_in(self, id: str, where: str, reason: str) -> None:
        """List a record that is kept with a grey image; an error under that policy."""
        if self.policy == "error":
            self.rejected(id, where, reason)
        self.repaired(id, where, f"{reason}; replaced by a grey image")

    def left_out(self, id: str, where: str, reason: str) -> None:
        """List a sound record that the dataset's own settings exclude; never an error."""
        self.items.append(Finding(id, where, "rejected", reason))

    def table(self) -> pd.DataFrame:
        """One row per finding."""
        return pd.DataFrame(self.items, columns=["id", "where", "action", "reason"])

    def write(self, path: Path) -> None:
        """The table as CSV."""
        with replacing(path) as partial:
            self.table().to_csv(partial, index=False)

    def counts(self) -> dict[str, dict[str, int]]:
        """`action -> reason -> how many`, details in quotes or brackets left off the reason."""
        counts: dict[str, dict[str, int]] = {"repaired": {}, "rejected": {}}
        for item in self.items:
            reason = re.split(r"[:(;]", item.reason, maxsplit=1)[0].strip()
            counts[item.action][reason] = counts[item.action].get(reason, 0) + 1
        return counts


def write_records(path: Path, records: Iterable[Record]) -> None:
    """Records to Parquet, in groups of rows small enough to be held in memory; `records` may be a generator."""
    with replacing(path) as partial, _writer(partial) as writer:
        for group in gathered(records, _bytes, ROWS_PER_GROUP, BYTES_PER_GROUP):
            writer.write_table(pa.Table.from_pylist([_row(record) for record in group], schema=SCHEMA))


def copy_records(source: Path, target: Path, rows: NDArray[np.int_]) -> None:
    """These rows, which rise, to a records file of their own, a group at a time."""
    with pq.ParquetFile(source) as file, replacing(target) as partial, _writer(partial) as writer:
        first = 0
        for number in range(file.num_row_groups):
            group = file.read_row_group(number)
            chosen = rows[(rows >= first) & (rows < first + len(group))] - first
            if len(chosen):
                writer.write_table(group.take(pa.array(chosen)))
            first += len(group)


def read_records(path: Path, columns: Sequence[str] = ("id", "text", "labels")) -> pd.DataFrame:
    """These columns of `SCHEMA`, and with the labels (list or None) also `labelled`; for images see `read_images`."""
    table = pq.read_table(path, columns=list(columns))
    frame = table.to_pandas()
    if "labels" in columns:
        frame["labelled"] = table["labels"].is_valid().to_pandas().to_numpy()
    return frame


def read_columns(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Columns of `SCHEMA` but labels as Arrow keeps them: texts take a third of what Python's own do."""
    table = pq.read_table(path, columns=list(columns))
    large = {pa.string(): pa.large_string()}  # of which rows can be taken however long they are together
    schema = pa.schema([(field.name, large.get(field.type, field.type)) for field in table.schema])
    return table.cast(schema).to_pandas(types_mapper=pd.ArrowDtype)


def read_labelled(path: Path) -> tuple[NDArray[np.int_], LabelSets]:
    """The rows of the labelled records, and their labels."""
    column = pq.read_table(path, columns=["labels"])["labels"]
    rows = np.flatnonzero(column.is_valid().to_numpy())
    labelled = column.drop_null()
    sizes = pc.list_value_length(labelled).to_numpy()
    encoded = pc.list_flatten(labelled).dictionary_encode().combine_chunks()
    members = np.repeat(np.arange(len(rows)), sizes)
    return rows, LabelSets(encoded.dictionary.to_pylist(), members, encoded.indices.to_numpy(), len(rows))


def read_images(path: Path, rows: Sequence[int]) -> list[bytes | None]:
    """The encoded images of these rows, in their order; only the groups that hold them are read."""
    found: dict[int, bytes | None] = {}
    with pq.ParquetFile(path) as file:
        groups = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
        ends = np.cumsum(groups)
        wanted = np.unique(np.asarray(rows, dtype=np.int64))
        holders = np.searchsorted(ends, wanted, side="right")
        for group in np.unique(holders):
            images = file.read_row_group(int(group), columns=["image"])["image"]
            first = ends[group] - groups[group]
            found |= {int(row): images[int(row - first)].as_py() for row in wanted[holders == group]}
    return [found[int(row)] for row in rows]


def iter_images(path: Path) -> Iterator[list[bytes | None]]:
    """The encoded images of all rows, one group after the other."""
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            yield file.read_row_group(group, columns=["image"])["image"].to_pylist()


def has_images(path: Path) -> bool:
    """Whether any record has an image, read from the file's statistics alone."""
    metadata = pq.ParquetFile(path).metadata
    column = SCHEMA.get_field_index("image_digest")
    groups = (metadata.row_group(i) for i in range(metadata.num_row_groups))
    return any(group.column(column).statistics.null_count < group.num_rows for group in groups)


def _writer(path: Path) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, SCHEMA, compression="zstd")


def _row(record: Record) -> dict[str, Any]:
    row: dict[str, Any] = {"id": record.id, "image": record.image, "text": record.text, "labels": record.labels}
    if record.image is not None:
        width, height, mode = describe(record.image)
        digest = hashlib.sha256(record.image).hexdigest()
        row |= {"image_digest": digest, "image_width": width, "image_height": height, "image_mode": mode}
    return row


def _bytes(record: Record) -> int:
    return len(record.image or b"")
