"""A competition archive: train.csv (ImageID,Labels,Caption), test.csv (ImageID,Caption), images in any folder."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from multilabel.data.archives import Files
from multilabel.data.label_cells import MISSING, like_a_list, parse_list
from multilabel.data.readers.collector import Collector, read_text
from multilabel.data.records import Findings, Record
from multilabel.data.text_tables import cut, read_table
from multilabel.data.unescaped_tables import read_unescaped

ID, LABELS, CAPTION = "ImageID", "Labels", "Caption"
NUMBERS = re.compile(r"[\d\s,;|]*")
BETWEEN_NUMBERS = re.compile(r"[\s,;|]+")
USUAL = {ID: None, LABELS: NUMBERS}


@dataclass(frozen=True, kw_only=True)
class Competition:
    """Labels are numbers separated by spaces; captions carry quotes that nobody escaped."""

    train: str = "train.csv"
    test: str = "test.csv"

    def read(self, files: Files, findings: Findings, max_megapixels: float) -> Iterator[Record]:
        """Labelled records, then the unlabelled ones, in the order of the two tables."""
        collector = Collector(files, findings, max_megapixels)
        labelled = self._rows(files, self.train, [ID, LABELS], findings)
        yield from collector.attach(_labelled(labelled, findings), _image)
        if files.find(self.test):
            unlabelled = self._rows(files, self.test, [ID], findings)
            records = ((where, Record(values[ID], values[CAPTION], None)) for where, values in unlabelled)
            yield from collector.attach(records, _image)

    def _rows(
        self, files: Files, table_name: str, columns: list[str], findings: Findings
    ) -> Iterator[tuple[str, dict[str, str]]]:
        text, where = read_text(files, table_name, findings)
        table = read_table(text, where)
        places = {column: table.place(column, "add or rename it") for column in [*columns, CAPTION]}
        caption_last = table.columns == list(places)
        rows = read_unescaped(table, [USUAL[column] for column in columns]) if caption_last else table.rows()
        for row in rows:
            place = f"{where}:{row.line}"
            if row.broken:
                findings.rejected("", place, row.broken)
                continue
            values = {column: row.values[index] for column, index in places.items()}
            values[ID] = values[ID].strip()
            if row.repaired:
                findings.repaired(values[ID], place, row.repaired)
            yield place, values


def _image(record: Record) -> str:
    return record.id


def _labelled(rows: Iterator[tuple[str, dict[str, str]]], findings: Findings) -> Iterator[tuple[str, Record]]:
    for where, values in rows:
        id, cell = values[ID], values[LABELS].strip()
        labels = parse_list(cell) if like_a_list(cell) else BETWEEN_NUMBERS.split(cell)
        labels = [cell] if labels is None else [label for label in labels if label not in MISSING]
        if not labels:
            findings.rejected(id, where, "empty label")
        elif not all(label.isdecimal() for label in labels):
            findings.rejected(id, where, f"unknown label syntax: {cut(cell)!r}, expected numbers such as '1 19'")
        else:
            yield where, Record(id, values[CAPTION], list(dict.fromkeys(labels)))
