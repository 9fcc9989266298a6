"""A competition archive: train.csv (ImageID,Labels,Caption), test.csv (ImageID,Caption), images in any folder."""

from collections.abc import Iterator
from dataclasses import dataclass

from multilabel.core.errors import UserError
from multilabel.data.archives import Files
from multilabel.data.readers.collector import Collector, read_text
from multilabel.data.records import Findings, Record
from multilabel.data.text_tables import Row, read_anchored_table

IMAGE_ID = r'[^,\n"]+\.[A-Za-z]{2,5}'
LABELS = r'[^,\n"]*'


@dataclass(frozen=True, kw_only=True)
class Competition:
    """Labels are numbers separated by spaces; captions carry quotes that nobody escaped."""

    train: str = "train.csv"
    test: str = "test.csv"

    def read(self, files: Files, findings: Findings, max_megapixels: float) -> Iterator[Record]:
        """Labelled records, then the unlabelled ones, in the order of the two tables."""
        collector = Collector(files, findings, max_megapixels)
        labelled = self._rows(files, self.train, {"ImageID": IMAGE_ID, "Labels": LABELS}, findings)
        yield from collector.attach(_labelled(labelled, findings), str)
        if files.find(self.test):
            unlabelled = self._rows(files, self.test, {"ImageID": IMAGE_ID}, findings)
            records = ((where, Record(row.fields["ImageID"], row.fields["Caption"], None)) for where, row in unlabelled)
            yield from collector.attach(records, str)

    def _rows(self, files: Files, table: str, anchors: dict[str, str], findings: Findings) -> Iterator[tuple[str, Row]]:
        text, where = read_text(files, table, findings)
        columns = text.partition("\n")[0].strip().replace('"', "").split(",")
        missing = [column for column in [*anchors, "Caption"] if column not in columns]
        if missing:
            raise UserError(f"{where}: has no column {missing[0]!r} (it has {', '.join(columns)}); add or rename it")
        for row in read_anchored_table(text, anchors, where):
            place = f"{where}:{row.line}"
            if row.repaired:
                findings.repaired(row.fields["ImageID"], place, row.repaired)
            yield place, row


def _labelled(rows: Iterator[tuple[str, Row]], findings: Findings) -> Iterator[tuple[str, Record]]:
    for where, row in rows:
        id, labels = row.fields["ImageID"], row.fields["Labels"].split()
        strange = [label for label in labels if not label.isdecimal()]
        if not labels:
            findings.rejected(id, where, "empty label")
        elif strange:
            findings.rejected(
                id, where, f"unknown label syntax: {row.fields['Labels']!r}, expected numbers such as '1 19'"
            )
        else:
            yield where, Record(id, row.fields["Caption"], list(dict.fromkeys(labels)))
