"""Answers -> a file of CSV, JSON lines or Parquet, by its suffix, written as they come."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from multilabel.core.errors import UserError
from multilabel.core.files import replacing
from multilabel.core.registry import choose
from multilabel.inference.answers import Answer
from multilabel.metrics.predictions import PROBABILITY

Row = dict[str, Any]
Write = Callable[[Iterable[Row]], None]


class Rows:
    """How an answer becomes a row: `id`, `labels` (names), probabilities if asked for, and `problem`."""

    def __init__(self, names: Sequence[str], top: int = 0, every: bool = False) -> None:
        """`top` adds `label_1`, `p_1` and so on, most probable first; `every` adds `p_<name>` for all labels.

        Raises `UserError` where a label is called like a place, so that a column would say two things.
        """
        self.names, self.top, self.every = names, min(top, len(names)), every
        places = {str(place) for place in range(1, self.top + 1)}
        if every and (called := next((name for name in names if name in places), None)) is not None:
            raise UserError(
                f"--top and --all: {PROBABILITY}{called} would be the probability of place {called} and that of the label "
                f"{called!r}; give one of both"
            )

    def row(self, answer: Answer) -> Row:
        """Empty but for `id` and `problem` where there is no prediction."""
        said = answer.prediction
        row: Row = {"id": answer.id, "labels": [] if said is None else said.labels}
        ranked = [] if said is None else list(said.top(self.top).items())
        for place in range(1, self.top + 1):
            name, probability = ranked[place - 1] if said is not None else (None, None)
            row |= {f"label_{place}": name, f"{PROBABILITY}{place}": _short(probability)}
        if self.every:
            row |= {PROBABILITY + name: _short(said.probabilities[name]) if said else None for name in self.names}
        return row | {"problem": answer.problem}

    def schema(self) -> pa.Schema:
        """The types of the columns."""
        fields = [("id", pa.string()), ("labels", pa.list_(pa.string()))]
        for place in range(1, self.top + 1):
            fields += [(f"label_{place}", pa.string()), (f"{PROBABILITY}{place}", pa.float32())]
        if self.every:
            fields += [(PROBABILITY + name, pa.float32()) for name in self.names]
        return pa.schema([*fields, ("problem", pa.string())])


def _short(probability: float | None) -> float | None:
    """The number with the fewest digits that is the same in single precision, in which it was computed."""
    return None if probability is None else float(str(np.float32(probability)))


@contextmanager
def writing(path: Path, rows: Rows, separator: str) -> Iterator[Write]:
    """A function that takes rows; the file appears when all are written, or not at all.

    `separator` stands between the labels of a row in CSV.
    """
    writer = choose("format of a table", WRITERS, path.suffix.lower(), f"--out {path}")
    with replacing(path) as partial, writer(partial, rows, separator) as write:
        yield write


@contextmanager
def _csv(path: Path, rows: Rows, separator: str) -> Iterator[Write]:
    with path.open("w", newline="", encoding="utf-8") as file:
        yield csv_rows(file, rows, separator)


def csv_rows(file: IO[str], rows: Rows, separator: str) -> Write:
    """Writes CSV to an open file, the header first."""
    confusing = next((name for name in rows.names if separator in name), None)
    if confusing is not None:
        raise UserError(f"--separator {separator!r}: the label {confusing!r} holds it; choose another")
    writer = csv.DictWriter(file, rows.schema().names, lineterminator="\n")
    writer.writeheader()
    return lambda some: writer.writerows({**row, "labels": separator.join(row["labels"])} for row in some)


@contextmanager
def _json_lines(path: Path, rows: Rows, separator: str) -> Iterator[Write]:
    with path.open("w", encoding="utf-8") as file:
        yield json_rows(file)


def json_rows(file: IO[str]) -> Write:
    """Writes a JSON object a line to an open file."""
    return lambda some: file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in some)


@contextmanager
def _parquet(path: Path, rows: Rows, separator: str) -> Iterator[Write]:
    with pq.ParquetWriter(path, rows.schema(), compression="zstd") as writer:
        yield lambda some: writer.write_table(pa.Table.from_pylist(list(some), schema=rows.schema()))


WRITERS: dict[str, Callable[..., Any]] = {".csv": _csv, ".jsonl": _json_lines, ".parquet": _parquet}
