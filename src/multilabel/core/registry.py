"""Looking a name up in a table, or saying which names there are."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeVar

from multilabel.core.errors import UserError

T = TypeVar("T")


def choose(kind: str, table: Mapping[str, T], name: object, where: str) -> T:
    """The entry of `table` called `name`; otherwise an error that lists what can be chosen at `where`."""
    if isinstance(name, str) and name in table:
        return table[name]
    raise UserError(f"unknown {kind} {name!r} in {where}; {suggestion(name, list(table))}")


def suggestion(name: object, known: list[str]) -> str:
    """`did you mean x? choose one of: ...`, for the end of a message."""
    close = get_close_matches(str(name), known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}choose one of: {', '.join(sorted(known))}"


def choose_each(kind: str, table: Mapping[str, T], names: Iterable[object], where: str) -> list[T]:
    """The same for several names."""
    return [choose(kind, table, name, where) for name in names]
