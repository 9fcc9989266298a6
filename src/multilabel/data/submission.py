"""The file that a competition takes: `ImageID,Labels`, one row per unlabelled record, in its order."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from multilabel.core.errors import UserError
from multilabel.core.files import replacing
from multilabel.core.registry import shown
from multilabel.data.labels import Labels
from multilabel.metrics.scores import METRICS

HEADER = ["ImageID", "Labels"]
SHOWN = 20  # labels that a message can name


@dataclass(frozen=True, kw_only=True)
class SubmissionSettings:
    """Which validation score chooses the architecture."""

    select_by: Literal[tuple(METRICS)]  # type: ignore[valid-type]


def write_submission(path: Path, ids: Sequence[str], label_sets: Sequence[Sequence[str]], labels: Labels) -> None:
    """Write, read back and check; the file appears only if it is what the competition wants."""
    with replacing(path) as partial:
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(HEADER)
            writer.writerows([id, " ".join(found)] for id, found in zip(ids, label_sets, strict=True))
        check_submission(partial, ids, labels, path)


def check_submission(file: Path, ids: Sequence[str], labels: Labels, path: Path) -> None:
    """Raise `UserError`, which calls it `path`, unless it has the header, every id in order, and known labels in each row."""
    with file.open(newline="", encoding="utf-8") as content:
        header, *rows = list(csv.reader(content))
    if header != HEADER:
        raise UserError(f"{path}: the header is {','.join(header)}, expected {','.join(HEADER)}")
    if len(rows) != len(ids):
        raise UserError(f"{path}: {len(rows)} rows, expected one for each of {len(ids)} unlabelled records")
    for line, (row, id) in enumerate(zip(rows, ids, strict=True), start=2):
        if row[0] != id:
            raise UserError(f"{path} line {line}: ImageID is {row[0]!r}, expected {id!r}, as in the test table")
        found = row[1].split()
        if not found or len(set(found)) < len(found) or not set(found) <= set(labels.ids):
            some = " ".join(labels.ids[:SHOWN]) + (f" and {len(labels.ids) - SHOWN} others" * (len(labels.ids) > SHOWN))
            hint = (
                "" if found else "; let the model's `decoding:` keep its fallback, which leaves no record without one"
            )
            raise UserError(f"{path} line {line}: Labels are {shown(row[1])}, expected at least one of {some}{hint}")
