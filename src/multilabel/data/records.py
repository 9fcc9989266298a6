"""The contract every source is turned into: one Parquet table of records, and a list of what was set aside."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from multilabel.core.errors import UserError
from multilabel.core.files import replacing

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("image", pa.binary()),  # the encoded file (JPEG, PNG, ...); null where there is no picture
        pa.field("text", pa.string(), nullable=False),
        pa.field("labels", pa.list_(pa.string())),  # null for an unlabelled record
    ]
)
ROWS_PER_GROUP = 1000


@dataclass(frozen=True)
class Record:
    """One thing to classify; `labels` is None where they are to be predicted."""

    id: str
    text: str
    labels: list[str] | None
    image: bytes | None = None


@dataclass(frozen=True)
class Finding:
    """A record that was repaired or rejected, where it stood, and why."""

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
        """List a record that is left out; raises `UserError` instead under the policy `error`."""
        if self.policy == "error":
            raise UserError(
                f"{where}: record {id!r}: {reason}; mend it, or set ingest.on_bad_record: reject to leave it out"
            )
        self.items.append(Finding(id, where, "rejected", reason))

    def stand_in(self, id: str, where: str, reason: str) -> None:
        """List a record that is kept with a grey picture; an error under that policy."""
        if self.policy == "error":
            self.rejected(id, where, reason)
        self.repaired(id, where, f"{reason}; replaced by a grey picture")

    def left_out(self, id: str, where: str, reason: str) -> None:
        """List a sound record that the dataset's own settings exclude; never an error."""
        self.items.append(Finding(id, where, "rejected", reason))

    def table(self) -> pd.DataFrame:
        """One row per finding."""
        return pd.DataFrame(self.items, columns=["id", "where", "action", "reason"])

    def counts(self) -> dict[str, dict[str, int]]:
        """`action -> reason -> how many`, details in quotes or brackets left off the reason."""
        counts: dict[str, dict[str, int]] = {"repaired": {}, "rejected": {}}
        for item in self.items:
            reason = re.split(r"[:(;]", item.reason, maxsplit=1)[0].strip()
            counts[item.action][reason] = counts[item.action].get(reason, 0) + 1
        return counts


def write_records(path: Path, records: Iterable[Record]) -> None:
    """Records to Parquet, a thousand at a time."""
    with replacing(path) as partial, pq.ParquetWriter(partial, SCHEMA, compression="zstd") as writer:
        for chunk in _chunks(records, ROWS_PER_GROUP):
            rows = [{"id": r.id, "image": r.image, "text": r.text, "labels": r.labels} for r in chunk]
            writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))


def read_records(path: Path, images: bool = False) -> pd.DataFrame:
    """Columns id, text, labels (list or None), labelled, has_image, and with `images` the encoded bytes."""
    columns = ["id", "text", "labels", *(["image"] if images else [])]
    table = pq.read_table(path, columns=columns)
    frame = table.to_pandas()
    frame["labelled"] = table["labels"].is_valid().to_pandas().to_numpy()
    return frame


def read_images(path: Path, ids: Sequence[str]) -> list[bytes | None]:
    """The encoded pictures of some records, in the order of `ids`."""
    table = pq.read_table(path, columns=["id", "image"], filters=[("id", "in", list(ids))])
    found = dict(zip(table["id"].to_pylist(), table["image"].to_pylist(), strict=True))
    return [found[id] for id in ids]


def has_images(path: Path) -> bool:
    """Whether any record has a picture, read from the file's statistics alone."""
    metadata = pq.ParquetFile(path).metadata
    column = SCHEMA.get_field_index("image")
    groups = (metadata.row_group(i) for i in range(metadata.num_row_groups))
    return any(group.column(column).statistics.null_count < group.num_rows for group in groups)


def _chunks(records: Iterable[Record], size: int) -> Iterator[list[Record]]:
    chunk: list[Record] = []
    for record in records:
        chunk.append(record)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
