"""Tables as text: what follows the rules of CSV is read by them, anything else line by line, and no line is lost."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from multilabel.core.errors import UserError

csv.field_size_limit(2**31 - 1)  # characters; the text is in memory already, and the default is short of a long one
DELIMITERS = ",;\t|"
SWALLOWED = 4  # lines in one value that are rows by themselves, so that its quote was rather never closed
MAX_NAME = 1000  # characters; what is longer is no name of a column
LOOKED_AT = 100_000  # characters of the header that show what separates the columns
DELIMITER_LINE = re.compile(r'"?sep=(.)"?')  # with which some spreadsheets begin


@dataclass(frozen=True)
class Row:
    """A value for each column, the line the row starts on, and what had to be repaired (empty if nothing).

    Where `broken` says why a row cannot be used, it has no values.
    """

    values: list[str]
    line: int
    repaired: str = ""
    broken: str = ""


@dataclass(frozen=True)
class TextTable:
    """The columns of a table and its lines, of which those from index `first` hold the rows."""

    where: str
    delimiter: str
    columns: list[str]
    lines: list[str]
    first: int

    def place(self, column: str, advice: str) -> int:
        """The index of a column in the values of a row; raises `UserError` with `advice` if it is not there."""
        if column not in self.columns:
            raise UserError(f"{self.where}: has no column {cut(column)!r} (it has {listed(self.columns)}); {advice}")
        return self.columns.index(column)

    @cached_property
    def is_valid(self) -> bool:
        """Whether all rows follow the rules of CSV and have as many values as there are columns."""
        start = self.first
        try:
            for values, end in _records(self.lines, start, self.delimiter):
                if not (_is_blank(values) or self._fits(values)) or self._rows_within(start, end) >= SWALLOWED:
                    return False
                start = end
        except csv.Error:
            return False
        return True

    def rows(self) -> Iterator[Row]:
        """Each line that is not blank belongs to one row, which may be a broken one."""
        return self._valid_rows() if self.is_valid else self._mended_rows()

    def _valid_rows(self) -> Iterator[Row]:
        start = self.first
        for values, end in _records(self.lines, start, self.delimiter):
            if not _is_blank(values):
                yield self._regular(values, start, end)
            start = end

    def _mended_rows(self) -> Iterator[Row]:
        start = self.first
        while start < len(self.lines):
            if self.lines[start].strip():
                row, start = self._row_at(start)
                yield row
            else:
                start += 1

    def _row_at(self, start: int) -> tuple[Row, int]:
        """The row that begins at this index, and the index where the next one may begin."""
        record = _record(self.lines, start, self.delimiter)
        if record is not None:
            values, end = record
            if self._fits(values) and self._rows_within(start, end) < SWALLOWED:
                return self._regular(values, start, end), end
            if not self._fits(values) and not self._rows_within(start, end):
                count = f"{len(values):,} fields where the header has {len(self.columns):,}"
                lines = f"; lines {start + 1} to {end}" if end - start > 1 else ""
                return Row([], start + 1, broken=f"wrong number of fields ({count}{lines})"), end
        return self._literal(self.lines[start], start + 1), start + 1

    def _regular(self, values: list[str], start: int, end: int) -> Row:
        """A record by the rules of CSV; a quote that was never closed may have taken rows into it, which is said."""
        within = self._rows_within(start, end)
        return Row(values, start + 1, f"lines that look like rows inside a field ({within})" if within else "")

    def _literal(self, line: str, number: int) -> Row:
        """A line whose quotes are not those of CSV: they are kept where they cannot stand around a value."""
        cells = [cell.strip() for cell in line.split(self.delimiter)]
        in_pairs = all(cell.startswith('"') == cell.endswith('"') for cell in cells)
        wrong = "quote opened and never closed" if line.count('"') % 2 else "unescaped quotes"
        if len(cells) != len(self.columns) or not (in_pairs or line.count('"') == 1):
            return Row([], number, broken=f"{wrong}: {cut(line)!r}")
        return Row([unquote(cell)[0] for cell in cells], number, wrong)

    def _fits(self, values: Sequence[str]) -> bool:
        return len(values) == len(self.columns)

    def _is_row(self, line: str) -> bool:
        record = _record([line], 0, self.delimiter)
        return record is not None and self._fits(record[0])

    def _rows_within(self, start: int, end: int) -> int:
        """How many lines there are between the first and the last of a record, if all are rows by themselves; else 0."""
        within = self.lines[start + 1 : end - 1]
        return len(within) if all(map(self._is_row, within)) else 0


def read_table(text: str, where: str, delimiter: str | None = None) -> TextTable:
    """The table in a text whose first line names the columns; without `delimiter` the header shows what separates them.

    Raises `UserError` for a header that cannot be one.
    """
    lines = text.split("\n")
    start = next((index for index, line in enumerate(lines) if line.strip()), 0)
    said = DELIMITER_LINE.fullmatch(lines[start])
    if said and len(lines) > start + 1:
        start += 1
        delimiter = delimiter or said[1]
    delimiter = delimiter or _most_columns(lines[start][:LOOKED_AT])
    record = _record(lines, start, delimiter)
    if record is None:
        raise UserError(f"{where} line {start + 1}: the header has a quote that is never closed; mend it")
    return TextTable(where, delimiter, _header(record[0], where), lines, record[1])


def unquote(cell: str) -> tuple[str, str]:
    """A cell without the quotes around it, and what was wrong with them (empty if nothing)."""
    if len(cell) >= 2 and cell[0] == cell[-1] == '"':
        inner = cell[1:-1]
        unescaped = inner.replace('""', "")
        return (inner, "unescaped quotes") if '"' in unescaped else (inner.replace('""', '"'), "")
    if cell.startswith('"'):
        return (cell[1:], "quote opened and never closed") if cell.count('"') % 2 else (cell, "unescaped quotes")
    return cell, ""


def cut(value: str, limit: int = 60) -> str:
    """At most `limit` characters of a value, for messages of one line."""
    return value if len(value) <= limit else f"{value[:limit]}..."


def listed(names: Sequence[str], limit: int = 10) -> str:
    """Names for a message; of many, how many they are and the first."""
    first = ", ".join(cut(name, 40) for name in names[:limit])
    return first if len(names) <= limit else f"{len(names):,} columns, the first are {first}"


def _most_columns(header: str) -> str:
    def columns(delimiter: str) -> int:
        return sum(map(len, csv.reader([header], delimiter=delimiter)))

    return max(DELIMITERS, key=columns)


def _records(lines: Sequence[str], start: int, delimiter: str) -> Iterator[tuple[list[str], int]]:
    """The values of each record from this index on, and the index after it; raises `csv.Error` for broken quotes."""
    rest = (f"{lines[index]}\n" for index in range(start, len(lines)))
    reader = csv.reader(rest, delimiter=delimiter, strict=True, skipinitialspace=delimiter != " ")
    for values in reader:
        yield values, start + reader.line_num


def _record(lines: Sequence[str], start: int, delimiter: str) -> tuple[list[str], int] | None:
    """The record that begins at this index, or None if its quotes are broken."""
    try:
        return next(_records(lines, start, delimiter), ([], start))
    except csv.Error:
        return None


def _is_blank(values: Sequence[str]) -> bool:
    return len(values) < 2 and not "".join(values).strip()


def _header(columns: list[str], where: str) -> list[str]:
    columns = [column.strip() for column in columns]
    if not any(columns):
        raise UserError(f"{where}: is empty; expected a header line with column names")
    for number, column in enumerate(columns, start=1):
        if len(column) > MAX_NAME:
            raise UserError(
                f"{where}: column {number} has a name of {len(column):,} characters ({cut(column)!r}); "
                "expected a header line with column names"
            )
    doubled = sorted(column for column, count in Counter(columns).items() if column and count > 1)
    if doubled:
        raise UserError(f"{where}: column {doubled[0]!r} is there twice; rename one of them")
    return columns
