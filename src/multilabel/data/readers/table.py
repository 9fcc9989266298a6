"""Any table with one row per record, and any folder of images: an engineer's own data."""

from collections.abc import Iterator
from dataclasses import dataclass

from multilabel.core.errors import UserError
from multilabel.data.archives import Files
from multilabel.data.readers.collector import Collector, only_table, read_text
from multilabel.data.records import Findings, Record
from multilabel.data.submission import SubmissionForm
from multilabel.data.text_tables import TextTable, cut, read_table


@dataclass(frozen=True, kw_only=True)
class Table:
    """`columns` maps id, text, labels and image to the table's own column names; text and image are optional.

    A row whose labels are empty is unlabelled where `empty_labels` is `unlabelled`, else rejected. `delimiter` is what
    separates the columns; None finds it from the header, and writes commas.
    """

    columns: dict[str, str]
    table: str | None = None
    delimiter: str | None = None
    label_separator: str = " "
    empty_labels: str = "reject"

    def read(self, files: Files, findings: Findings, max_megapixels: float) -> Iterator[Record]:
        """Records in the order of the table."""
        table = read_table(*read_text(files, self.table or only_table(files), findings), self.delimiter)
        images: dict[tuple[str, bool], str] = {}
        records = self._records(table, images, findings)
        collector = Collector(files, findings, max_megapixels)
        if "image" in self.columns:
            yield from collector.attach(records, lambda record: images[_key(record)], required=True)
        else:
            yield from collector.without_images(records)

    @property
    def offers(self) -> frozenset[str]:
        """`image` and `text` as far as records can have them."""
        return frozenset({"image", "text"} & set(self.columns))

    @property
    def submission(self) -> SubmissionForm:
        """Labels as the table has them."""
        columns = {"id": self.columns["id"], "labels": self.columns["labels"]}
        return SubmissionForm(**columns, separator=self.label_separator, delimiter=self.delimiter or ",")

    def __post_init__(self) -> None:
        """Raises `UserError` for settings that fit no table."""
        known = {"id", "text", "labels", "image"}
        for name in self.columns:
            if name not in known:
                raise UserError(f"datasets.<name>.columns: unknown key {name!r}; use {', '.join(sorted(known))}")
        for name in ("id", "labels"):
            if name not in self.columns:
                raise UserError(f"datasets.<name>.columns: {name!r} is missing; name the column that holds it")
        if self.empty_labels not in ("reject", "unlabelled"):
            raise UserError(f"datasets.<name>.empty_labels: {self.empty_labels!r}; choose one of: reject, unlabelled")
        if not self.label_separator:
            raise UserError(
                "datasets.<name>.label_separator: is empty; write what stands between two labels, as in ';'"
            )
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in '"\r\n'):
            raise UserError(
                f"datasets.<name>.delimiter: {cut(self.delimiter)!r}; write the one character between two columns, "
                'as in ";" or "\\t", or null to find it from the header'
            )

    def _records(
        self, table: TextTable, images: dict[tuple[str, bool], str], findings: Findings
    ) -> Iterator[tuple[str, Record]]:
        advice = "mend datasets.<name>.columns or .delimiter"
        places = {name: table.place(column, advice) for name, column in self.columns.items()}
        for row in table.rows():
            place = f"{table.where}:{row.line}"
            if row.broken:
                findings.rejected("", place, row.broken)
                continue
            values = {name: row.values[index].strip() for name, index in places.items()}
            if row.repaired:
                findings.repaired(values["id"], place, row.repaired)
            labels = self.submission.split(values["labels"])
            if labels is None:
                findings.rejected(values["id"], place, f"unknown label syntax: {cut(values['labels'])!r}")
            elif not labels and self.empty_labels == "reject":
                findings.rejected(values["id"], place, "empty label")
            else:
                record = Record(values["id"], values.get("text", ""), labels or None)
                images.setdefault(_key(record), values.get("image", ""))
                yield place, record


def _key(record: Record) -> tuple[str, bool]:
    return record.id, record.labels is None
