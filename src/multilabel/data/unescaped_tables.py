"""Tables whose last column is free text with quotes that nobody escaped.

No single line of such a table says whether it begins a record or goes on with the text of the one before: ids come in
any form, and texts hold delimiters, quotes and line breaks. So every line has a price for either, by how usual it would
be, and the cheapest reading of all lines together is taken (Viterbi's algorithm).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from multilabel.core.errors import UserError
from multilabel.data.text_tables import Row, TextTable, cut, unquote

# What a reading of the lines pays. Only the order of sums matters; the tests name the cases that fix it.
UNUSUAL_VALUES = 2.0  # a record begins, and all its values before the text are unlike those of other records
UNUSUAL_TEXT = 1.0  # its text is not quoted where those of most records are
CLOSED_ONLY = 2.0  # its text has a closing quote and no opening one
INCOMPLETE = 1.5  # it has an id like those of other records and lacks the rest
NEVER_CLOSED = 2.0  # a text ends that has an opening quote and no closing one
PASSED_OVER = 3.0  # a line goes on with a text, less what it would pay to begin a record
BEGINS_LIKE_ONE = 1.5  # it goes on with a text, begins like a record and cannot be one
AFTER_QUOTE = 1.5  # it goes on with a text that seemed to be closed
AFTER_PAIRS = 2.0  # more, if quotes come in pairs before and in it
AFTER_LINE = 3.0  # it goes on with a text that is not quoted
STRAY = 4.0  # it does neither
LOOKS_LIKE_A_RECORD = 1.0  # a line that would begin a record for this is worth a finding if it does not

T = TypeVar("T")
WORD_END = re.compile(r"[\s,;|]")
RUN = re.compile(r"[\w-]+")


class _Kind(Enum):
    NONE = "no record has begun"
    UNQUOTED = "in a text without quotes"
    OPEN = "in a quoted text"
    CLOSED = "after a quote that may close the text"


class _State(NamedTuple):
    """Where a reading stands after a line, and whether the text so far has an odd number of quotes."""

    kind: _Kind
    odd: bool = False

    def goes_on(self, line: str) -> tuple["_State", float] | None:
        """The state after this line if it goes on with the text, and what it pays for that; None if it cannot."""
        odd = line.count('"') % 2 == 1
        if self.kind is _Kind.NONE:
            return None
        if self.kind is _Kind.UNQUOTED:
            return self, AFTER_LINE
        kind = _Kind.CLOSED if line.rstrip().endswith('"') else _Kind.OPEN
        price = 0.0 if self.kind is _Kind.OPEN else AFTER_QUOTE + AFTER_PAIRS * (not self.odd and not odd)
        return _State(kind, self.odd != odd), price


NONE = _State(_Kind.NONE)
# The last line that goes on with no text, whether it begins a record, and the same of the lines before.
_Path = tuple[int, bool, Any] | None
_Readings = dict[_State, tuple[float, _Path]]  # the cheapest reading of the lines so far that ends in each state


@dataclass(frozen=True)
class _Start:
    """A line read as the begin of a record: the values before the text, and its text as far as this line has it."""

    values: list[str]
    text: str | None  # None: the line ends before
    repaired: str = ""

    @cached_property
    def state(self) -> _State:
        """After this line."""
        text = (self.text or "").strip()
        if not text.startswith('"'):
            return _State(_Kind.UNQUOTED)
        return _State(_Kind.CLOSED if len(text) > 1 and text.endswith('"') else _Kind.OPEN, text.count('"') % 2 == 1)


class _Price(NamedTuple):
    """What a line pays to begin a record, None if it cannot, and what to be passed over as one."""

    begin: float | None
    passed_over: float


def read_unescaped(table: TextTable, usual: Sequence[re.Pattern[str] | None]) -> Iterator[Row]:
    """Rows of a table, by the rules of CSV where all its lines follow them, else by the cheapest reading.

    `usual` has for each column before the text a pattern of usual values, or None: those formed like most others.
    Values of the last of these columns may go on over several cells that fit its pattern. Lines that fit nowhere are
    broken rows; raises `UserError` if no line begins a record.
    """
    if table.is_valid:
        yield from table.rows()
        return
    lines = table.lines[table.first :]
    starts = [_start(line, usual, table.delimiter) for line in lines]
    prices = _prices(lines, starts, usual)
    path = _cheapest_reading(lines, starts, prices)
    if path and not any(begins for _, begins in path):
        where = f"{table.where} line {table.first + path[0][0] + 1}"
        raise UserError(f"{where}: expected {','.join(table.columns)}, got {cut(lines[path[0][0]])!r}")
    ends = [index for index, _ in path[1:]] + [len(lines)]
    for (index, begins), end in zip(path, ends, strict=True):
        number = table.first + index + 1
        if begins:
            yield _row(lines[index:end], starts[index], prices[index:end], number)
        else:
            yield Row([], number, broken=f"begins no record: {cut(lines[index])!r}")


def _start(line: str, usual: Sequence[re.Pattern[str] | None], delimiter: str) -> _Start:
    values: list[str] = []
    at: int | None = 0
    for _ in usual:
        value, at = _cell(line, at, delimiter) if at is not None else ("", None)
        values.append(value)
    more: list[str] = []
    pattern = usual[-1]
    while at is not None and pattern is not None:
        value, after = _cell(line, at, delimiter)
        if after is None or '"' in line[at:after] or not (value and pattern.fullmatch(value)):
            break
        more.append(value)
        at = after
    values[-1] = delimiter.join([values[-1], *more])
    text = line[at:] if at is not None else None
    return _Start(values, text, "values of one column without quotes" if more else "")


def _cell(line: str, at: int, delimiter: str) -> tuple[str, int | None]:
    """The value of the cell that begins at `at`, and where the next one begins (None: there is none)."""
    begin = at
    while line.startswith(" ", begin):
        begin += 1
    if line.startswith('"', begin) and (close := line.find('"', begin + 1)) > 0:
        after = close + 1
        while line.startswith(" ", after):
            after += 1
        if after == len(line) or line.startswith(delimiter, after):
            return line[begin + 1 : close].strip(), after + 1 if after < len(line) else None
    end = line.find(delimiter, at)
    return (line[at:].strip(), None) if end < 0 else (line[at:end].strip(), end + 1)


def _prices(lines: Sequence[str], starts: Sequence[_Start], usual: Sequence[re.Pattern[str] | None]) -> list[_Price]:
    complete = [start for start in starts if start.text is not None]
    shapes = [_most_common(_shape(start.values[column]) for start in complete) for column in range(len(usual))]
    quoted = _most_common(start.state.kind is not _Kind.UNQUOTED for start in complete)

    def price(line: str, start: _Start) -> _Price:
        fits = [
            _shape(value) == shape if pattern is None else bool(pattern.fullmatch(value))
            for value, shape, pattern in zip(start.values, shapes, usual, strict=True)
        ]
        if start.text is None and not fits[0]:
            word = WORD_END.split(line.lstrip(' "'), maxsplit=1)[0]
            return _Price(None, BEGINS_LIKE_ONE * (_shape(word) == shapes[0] != _shape("word")))
        begin = INCOMPLETE if start.text is None else UNUSUAL_VALUES * fits.count(False) / len(fits)
        if start.text is not None and start.state.kind is _Kind.UNQUOTED:
            closed = start.text.rstrip().endswith('"') and start.text.count('"') % 2
            begin += UNUSUAL_TEXT * bool(quoted) + CLOSED_ONLY * bool(closed)
        return _Price(begin, max(0.0, PASSED_OVER - begin))

    return [price(line, start) for line, start in zip(lines, starts, strict=True)]


def _shape(value: str) -> str:
    """`12.jpg` and `a_b.png` -> `w.w`; `a man` -> `w w`."""
    return RUN.sub("w", value)


def _most_common(values: Iterable[T]) -> T | None:
    return next((value for value, _ in Counter(values).most_common(1)), None)


def _cheapest_reading(
    lines: Sequence[str], starts: Sequence[_Start], prices: Sequence[_Price]
) -> list[tuple[int, bool]]:
    """Indices of the lines that go on with no text, and whether they begin a record."""
    readings: _Readings = {NONE: (0.0, None)}
    for index, line in enumerate(lines):
        if line.strip():
            readings = _next_readings(readings, index, line, starts[index].state, prices[index])
    last = [(price + NEVER_CLOSED * (state.kind is _Kind.OPEN), path) for state, (price, path) in readings.items()]
    path = min(last, key=itemgetter(0))[1]
    found = []
    while path is not None:
        index, begins, path = path
        found.append((index, begins))
    return found[::-1]


def _next_readings(readings: _Readings, index: int, line: str, begun: _State, own: _Price) -> _Readings:
    reached: _Readings = {}

    def reach(state: _State, price: float, path: _Path) -> None:
        if state not in reached or price < reached[state][0]:
            reached[state] = price, path

    for state, (price, path) in readings.items():
        ended = price + NEVER_CLOSED * (state.kind is _Kind.OPEN)
        if own.begin is not None:
            reach(begun, ended + own.begin, (index, True, path))
        reach(NONE, ended + STRAY, (index, False, path))
        if further := state.goes_on(line):
            reach(further[0], price + further[1] + own.passed_over, path)
    return reached


def _row(lines: Sequence[str], start: _Start, prices: Sequence[_Price], number: int) -> Row:
    """The row whose record begins on the first of these lines, which has this number."""
    text = "\n".join([start.text or "", *lines[1:]]).strip()
    value, wrong = unquote(text)
    disguised = [line for line, price in zip(lines[1:], prices[1:], strict=True)
                 if price.begin is not None and price.begin <= LOOKS_LIKE_A_RECORD]  # fmt: skip
    repairs = [
        f"wrong number of fields (it ends after {cut(lines[0])!r})" if start.text is None else "",
        f"holds a line that looks like a record of its own: {cut(disguised[0])!r}" if disguised else "",
        "line break inside the field" if "\n" in text else "",
        start.repaired,
        wrong,
    ]
    return Row([*start.values, value], number, "; ".join(filter(None, repairs)))
