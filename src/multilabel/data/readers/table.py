"""Any table with one row per record, and any folder of images: an engineer's own data."""

from collections.abc import Iterator
from dataclasses import dataclass

from multilabel.core.errors import UserError
from multilabel.data.archives import Files
from multilabel.data.readers.collector import Collector, only_table, read_text
from multilabel.data.records import Findings, Record
from multilabel.data.text_tables import Row, read_table


@dataclass(frozen=True, kw_only=True)
class Table:
    """`columns` maps id, text, labels and image to the table's own column names; text and image are optional.

    A row whose labels are empty is unlabelled where `empty_labels` is `unlabelled`, else rejected.
    """

    columns: dict[str, str]
    table: str | None = None
    label_separator: str = " "
    empty_labels: str = "reject"

    def read(self, files: Files, findings: Findings, max_megapixels: float) -> Iterator[Record]:
        """Records in the order of the table."""
        self._check()
        text, where = read_text(files, self.table or only_table(files), findings)
        pictures: dict[str, str] = {}
        records = self._records(read_table(text, where), where, pictures, findings)
        collector = Collector(files, findings, max_megapixels)
        if "image" in self.columns:
            yield from collector.attach(records, pictures.__getitem__)
        else:
            yield from collector.without_pictures(records)

    def _check(self) -> None:
        known = {"id", "text", "labels", "image"}
        for name in self.columns:
            if name not in known:
                raise UserError(f"datasets.<name>.columns: unknown key {name!r}; use {', '.join(sorted(known))}")
        for name in ("id", "labels"):
            if name not in self.columns:
                raise UserError(f"datasets.<name>.columns: {name!r} is missing; name the column that holds it")
        if self.empty_labels not in ("reject", "unlabelled"):
            raise UserError(f"datasets.<name>.empty_labels: {self.empty_labels!r}; choose one of: reject, unlabelled")

    def _records(
        self, rows: Iterator[Row], where: str, pictures: dict[str, str], findings: Findings
    ) -> Iterator[tuple[str, Record]]:
        for number, row in enumerate(rows):
            place = f"{where}:{row.line}"
            if row.repaired:
                findings.rejected(str(number), place, f"wrong number of fields ({row.repaired})")
                continue
            values = {name: self._field(row, column, where) for name, column in self.columns.items()}
            labels = [label.strip() for label in values["labels"].split(self.label_separator) if label.strip()]
            pictures[values["id"]] = values.get("image", "")
            if not labels and self.empty_labels == "reject":
                findings.rejected(values["id"], place, "empty label")
            else:
                yield place, Record(values["id"], values.get("text", ""), list(dict.fromkeys(labels)) or None)

    def _field(self, row: Row, column: str, where: str) -> str:
        if column not in row.fields:
            raise UserError(
                f"{where}: has no column {column!r} (it has {', '.join(row.fields)}); mend datasets.<name>.columns"
            )
        return row.fields[column].strip()
