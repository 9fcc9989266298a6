"""The file to upload: one row per unlabelled record, in their order, in the words of the table that they came from."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from multilabel.core.errors import UserError
from multilabel.core.files import replacing
from multilabel.core.registry import shown
from multilabel.data.label_cells import MISSING, like_a_list, parse_list
from multilabel.data.labels import Labels
from multilabel.metrics.scores import METRICS

SHOWN = 20  # labels that a message can name


@dataclass(frozen=True, kw_only=True)
class SubmissionSettings:
    """Which validation score chooses the architecture."""

    select_by: Literal[tuple(METRICS)]  # type: ignore[valid-type]


@dataclass(frozen=True, kw_only=True)
class SubmissionForm:
    """How a table writes labels; the defaults are those of the competition."""

    id: str = "ImageID"  # the name of the column
    labels: str = "Labels"  # the name of the column
    separator: str = " "  # between two labels of a cell
    delimiter: str = ","  # between two columns

    @property
    def header(self) -> list[str]:
        """The names of the two columns."""
        return [self.id, self.labels]

    def cell(self, labels: Sequence[str]) -> str:
        """Labels side by side, or as a list in JSON where one of them could not be told from two, or from none."""
        joined = self.separator.join(labels)
        return joined if self.split(joined) == list(labels) else json.dumps(list(labels), ensure_ascii=False)

    def split(self, cell: str) -> list[str] | None:
        """The labels in a cell, each once; None if it looks like a list and is none."""
        if cell in MISSING:
            return []
        labels = parse_list(cell) if like_a_list(cell) else cell.split(self.separator)
        return None if labels is None else list(dict.fromkeys(label.strip() for label in labels if label.strip()))


def write_submission(
    path: Path, ids: Sequence[str], label_sets: Sequence[Sequence[str]], labels: Labels, form: SubmissionForm
) -> None:
    """Write, read back and check; the file appears only if whoever reads the table that it answers can read it."""
    with replacing(path) as partial:
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n", delimiter=form.delimiter)
            writer.writerow(form.header)
            writer.writerows([id, form.cell(found)] for id, found in zip(ids, label_sets, strict=True))
        check_submission(partial, ids, labels, path, form)


def check_submission(file: Path, ids: Sequence[str], labels: Labels, path: Path, form: SubmissionForm) -> None:
    """Raise `UserError`, which calls it `path`, unless it has the header, every id in order, and known labels in each row."""
    with file.open(newline="", encoding="utf-8") as content:
        header, *rows = list(csv.reader(content, delimiter=form.delimiter))
    if header != form.header:
        raise UserError(
            f"{path}: the header is {form.delimiter.join(header)}, expected {form.delimiter.join(form.header)}"
        )
    if len(rows) != len(ids):
        raise UserError(f"{path}: {len(rows)} rows, expected one for each of {len(ids)} unlabelled records")
    for line, (row, id) in enumerate(zip(rows, ids, strict=True), start=2):
        if row[0] != id:
            raise UserError(f"{path} line {line}: {form.id} is {row[0]!r}, expected {id!r}, as in the source")
        found = form.split(row[1])
        if not found or form.cell(found) != row[1] or not set(found) <= set(labels.ids):
            some = form.separator.join(labels.ids[:SHOWN])
            some += f" and {len(labels.ids) - SHOWN} others" * (len(labels.ids) > SHOWN)
            hint = (
                "" if found else "; let the model's `decoding:` keep its fallback, which leaves no record without one"
            )
            raise UserError(
                f"{path} line {line}: {form.labels} are {shown(row[1])}, expected at least one of {some}{hint}"
            )
