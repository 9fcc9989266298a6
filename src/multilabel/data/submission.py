"""The file that a competition takes: `ImageID,Labels`, one row per unlabelled record, in its order."""

import csv
from collections.abc import Sequence
from pathlib import Path

from multilabel.core.errors import UserError
from multilabel.core.files import replacing
from multilabel.data.labels import Labels

HEADER = ["ImageID", "Labels"]


def write_submission(path: Path, ids: Sequence[str], label_sets: Sequence[Sequence[str]], labels: Labels) -> None:
    """Write, read back and check; the file appears only if it is what the competition wants."""
    with replacing(path) as partial:
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(HEADER)
            writer.writerows([id, " ".join(found)] for id, found in zip(ids, label_sets, strict=True))
        check_submission(partial, ids, labels)


def check_submission(path: Path, ids: Sequence[str], labels: Labels) -> None:
    """Raise `UserError` unless the file has the header, every id once and in order, and known labels in each row."""
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    if header != HEADER:
        raise UserError(f"{path}: the header is {','.join(header)}, expected {','.join(HEADER)}")
    if len(rows) != len(ids):
        raise UserError(f"{path}: {len(rows)} rows, expected one for each of {len(ids)} unlabelled records")
    for line, (row, id) in enumerate(zip(rows, ids, strict=True), start=2):
        if row[0] != id:
            raise UserError(f"{path} line {line}: ImageID is {row[0]!r}, expected {id!r}, as in the test table")
        found = row[1].split()
        if not found or len(set(found)) < len(found) or not set(found) <= set(labels.ids):
            raise UserError(
                f"{path} line {line}: Labels are {row[1]!r}, expected at least one of {' '.join(labels.ids)}"
            )
