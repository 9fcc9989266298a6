"""CSV as it is found: encodings, byte-order marks, line ends, and quotes that nobody escaped."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from multilabel.core.errors import UserError

csv.field_size_limit(16_000_000)  # characters; the default of 131,072 is short of a long description
LIKE_A_RECORD = re.compile(r'[^,\n"]{1,60},[^,\n"]*,"')


@dataclass(frozen=True)
class Row:
    """One row: its fields by column, the line it starts on, and what had to be repaired (empty if nothing)."""

    fields: dict[str, str]
    line: int
    repaired: str = ""


def decode(content: bytes, where: str) -> tuple[str, str]:
    """The text with `\\n` line ends, and the encoding it was in; raises `UserError` for binary content.

    UTF-8 with or without BOM and UTF-16 with BOM are recognised; anything else is read as Windows-1252, in which
    every Western European spreadsheet exports.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif b"\x00" in content:
        raise UserError(f"{where}: holds NUL bytes, so it is no text table; export it again as CSV in UTF-8")
    else:
        encoding = "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        encoding = "cp1252"
        text = content.decode(encoding, errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n"), encoding


def read_table(text: str, where: str) -> Iterator[Row]:
    """Rows of an ordinary CSV or TSV table whose quotes are escaped.

    A row with too few or too many fields has `repaired` set to what is wrong and holds no fields.
    """
    separator = "\t" if text.partition("\n")[0].count("\t") > text.partition("\n")[0].count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    columns = _header(next(reader, []), where)
    line = reader.line_num + 1
    try:
        for fields in reader:
            if len(fields) == len(columns):
                yield Row(dict(zip(columns, fields, strict=True)), line)
            elif fields:
                yield Row({}, line, f"{len(fields)} fields where the header has {len(columns)}")
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"{where} line {line}: {error}; mend the quotes there") from None


def read_anchored_table(text: str, anchors: dict[str, str], where: str) -> Iterator[Row]:
    """Rows of a table whose last column is free text with unescaped quotes, commas and line breaks.

    Every record starts on a line whose first fields match `anchors` (column -> regular expression), the columns
    before the last. What follows, up to the next such line, is the last field: outer quotes are taken off, and where
    the field does not follow the CSV rules it is kept to the letter and noted in `repaired`.
    """
    head, _, body = text.partition("\n")
    columns = _header(next(csv.reader([head]), []), where)
    if columns[:-1] != list(anchors):
        raise UserError(f"{where}: expected the columns {', '.join(anchors)} and a last one, got {', '.join(columns)}")
    start = re.compile("^" + ",".join(f'"?(?P<c{i}>{p})"?' for i, p in enumerate(anchors.values())) + ",", re.M)
    matches = list(start.finditer(body))
    if not matches or body[: matches[0].start()].strip():
        raise UserError(f"{where} line 2: expected {','.join(columns)}, got {body.partition(chr(10))[0][:60]!r}")
    ends = [match.start() for match in matches[1:]] + [len(body)]
    line = 2
    for match, end in zip(matches, ends, strict=True):
        field, repaired = unquote(body[match.end() : end].rstrip("\n"))
        values = [match[f"c{i}"] for i in range(len(anchors))]
        yield Row(dict(zip(columns, [*values, field], strict=True)), line, repaired)
        line += body.count("\n", match.start(), end)


def unquote(field: str) -> tuple[str, str]:
    """A CSV field without its quotes, and what was wrong with it (empty if nothing)."""
    inner = field[1:-1] if len(field) >= 2 and field[0] == field[-1] == '"' else None
    if inner is None:
        wrong = "quote opened and never closed" if field.startswith('"') else ""
        return field.removeprefix('"') if wrong else field, wrong
    escaped = '"' not in inner.replace('""', "")
    text = inner.replace('""', '"') if escaped else inner
    return text, _broken_line(inner) or ("" if escaped else "unescaped quotes")


def _broken_line(inner: str) -> str:
    """A field may span lines, but a line in it that starts like a record may be one whose id nobody recognised."""
    for line in inner.split("\n")[1:]:
        if LIKE_A_RECORD.match(line):
            return f"holds a line that looks like a record of its own: {line[:40]!r}"
    return "line break inside the field" if "\n" in inner else ""


def _header(columns: list[str], where: str) -> list[str]:
    columns = [column.strip() for column in columns]
    if not any(columns):
        raise UserError(f"{where}: is empty; expected a header line with column names")
    doubled = {column for column in columns if columns.count(column) > 1}
    if doubled:
        raise UserError(f"{where}: column {sorted(doubled)[0]!r} is there twice; rename one of them")
    return columns
