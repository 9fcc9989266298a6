"""A competition archive: train.csv (ImageID,Labels,Caption), test.csv (ImageID,Caption), images in any folder.

Beside them there may be boxes.csv (ImageID,Label,x,y,width,height): where the images of train.csv show what.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from multilabel.data.archives import Files
from multilabel.data.boxes import Box
from multilabel.data.label_cells import MISSING, like_a_list, parse_list
from multilabel.data.readers.collector import Collector, read_text
from multilabel.data.records import Findings, Record
from multilabel.data.submission import SubmissionForm
from multilabel.data.text_tables import cut, read_table
from multilabel.data.unescaped_tables import read_unescaped

ID, LABELS, CAPTION, LABEL = "ImageID", "Labels", "Caption", "Label"
PLACE = ("x", "y", "width", "height")
NUMBERS = re.compile(r"[\d\s,;|]*")
BETWEEN_NUMBERS = re.compile(r"[\s,;|]+")
USUAL = {ID: None, LABELS: NUMBERS}


@dataclass(frozen=True, kw_only=True)
class Competition:
    """Labels are numbers separated by spaces; captions carry quotes that nobody escaped."""

    train: str = "train.csv"
    test: str = "test.csv"
    boxes: str = "boxes.csv"

    def read(self, files: Files, findings: Findings, max_megapixels: float) -> Iterator[Record]:
        """Labelled records, then the unlabelled ones, in the order of the two tables."""
        collector = Collector(files, findings, max_megapixels)
        labelled = self._rows(files, self.train, [ID, LABELS], findings)
        records = collector.attach(_labelled(labelled, findings), _image)
        yield from _with_boxes(records, self._boxes(files, findings), findings)
        if files.find(self.test):
            unlabelled = self._rows(files, self.test, [ID], findings)
            unknown = ((where, Record(values[ID], values[CAPTION], None)) for where, values in unlabelled)
            yield from collector.attach(unknown, _image)

    @property
    def offers(self) -> frozenset[str]:
        """`image` and `text` as far as records can have them."""
        return frozenset({"image", "text"})

    @property
    def submission(self) -> SubmissionForm:
        """As the competition wants it."""
        return SubmissionForm()

    def _rows(
        self, files: Files, table_name: str, columns: list[str], findings: Findings
    ) -> Iterator[tuple[str, dict[str, str]]]:
        table = read_table(*read_text(files, table_name, findings))
        where = table.where
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

    def _boxes(self, files: Files, findings: Findings) -> dict[str, list[tuple[str, Box]]]:
        """Of each id the boxes that can be some, and where they stand; none where the source has no such table."""
        found: dict[str, list[tuple[str, Box]]] = defaultdict(list)
        if not files.find(self.boxes):
            return found
        table = read_table(*read_text(files, self.boxes, findings))
        where = table.where
        places = [table.place(column, "add or rename it") for column in (ID, LABEL, *PLACE)]
        for row in table.rows():
            stands = f"{where}:{row.line}"
            if row.broken:
                findings.rejected("", stands, row.broken)
                continue
            id, label, *place = (row.values[index].strip() for index in places)
            if row.repaired:
                findings.repaired(id, stands, row.repaired)
            box = Box(label, *map(_number, place))
            fault = box.fault()
            if fault:
                findings.rejected(id, stands, fault)
            else:
                found[id].append((stands, box))
        return found


def _number(cell: str) -> float:
    """NaN for what is none."""
    try:
        return float(cell)
    except ValueError:
        return float("nan")


def _with_boxes(
    records: Iterable[Record], boxes: dict[str, list[tuple[str, Box]]], findings: Findings
) -> Iterator[Record]:
    """The records with their boxes; a box of another label, one that is there twice or one that is left becomes a finding."""
    for record in records:
        own: list[Box] = []
        for where, box in boxes.pop(record.id, []):
            if box.label not in (record.labels or []):
                findings.rejected(record.id, where, f"box of another label: {cut(box.label)!r} is none of the record's")
            elif box in own:
                findings.rejected(record.id, where, "duplicate box")
            else:
                own.append(box)
        yield replace(record, boxes=tuple(own)) if own else record
    for id, left in boxes.items():
        for where, _ in left:
            findings.rejected(id, where, "box of no labelled record that was kept")


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
