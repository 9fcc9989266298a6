"""Sources that are no files, what a reader makes of them, and damage as people and programs do it."""

import re
from pathlib import Path
from typing import Protocol

import numpy as np

from multilabel.data.archives import Files
from multilabel.data.readers import Competition, Goodreads, Table
from multilabel.data.records import Findings, Record

MARKS = '," \n\r;'


class Row(Protocol):
    """What the readers of tables yield."""

    values: list[str]
    line: int
    broken: str


def files(**contents: bytes | str) -> Files:
    named = {name.replace("__", "."): c.encode() if isinstance(c, str) else c for name, c in contents.items()}
    return Files(Path("source.zip"), list(named), named.__getitem__)


def read(
    reader: Competition | Goodreads | Table, source: Files, policy: str = "reject"
) -> tuple[list[Record], list[str]]:
    findings = Findings(policy)
    records = list(reader.read(source, findings, max_megapixels=1))
    return records, [f"{f.where} {f.id} {f.action}: {f.reason}" for f in findings.items]


def damaged(text: str, random: np.random.Generator) -> str:
    """`text` with one to four characters inserted, deleted, doubled or replaced, all of them delimiters or space."""
    for _ in range(random.integers(1, 5)):
        places = [place for place, character in enumerate(text) if character in MARKS]
        place, new = random.choice(places), random.choice(list(MARKS))
        insert, delete, double, replace = new + text[place], "", text[place] * 2, new
        text = text[:place] + random.choice([insert, delete, double, replace]) + text[place + 1 :]
    return text


def letters(text: str) -> str:
    return "".join(re.findall(r"\w", text))


def assert_every_line_is_in_one_row(lines: list[str], rows: list[Row], first: int) -> None:
    """Rows follow each other without a gap, and hold the letters of their own lines in order, unless they are broken."""
    starts = [row.line - 1 for row in rows]
    written = [index for index, line in enumerate(lines) if index >= first and line.strip()]
    assert starts == sorted(set(starts))
    assert set(starts) <= set(written)
    assert starts[:1] == written[:1]
    for row, start, end in zip(rows, starts, [*starts[1:], len(lines)][: len(starts)], strict=True):
        own = letters("".join(lines[start:end]))
        assert bool(row.broken) != bool(row.values)
        assert row.broken or letters("".join(row.values)) == own
