"""Looking a name up in a table, or saying which names there are."""

import reprlib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeVar

from multilabel.core.errors import UserError

T = TypeVar("T")
LISTED = 30  # names that a message lists
REPR = reprlib.Repr()
REPR.maxlevel, REPR.maxstring, REPR.maxlong, REPR.maxother = 2, 60, 40, 60


class Registry(dict[str, T]):
    """Entries that settings choose by name, and code by that name alone: it never runs over all of them.

    Fingerprints of code rely on it (core/fingerprint.py): what a block does not name, it does not use.
    """

    def __init__(self, entries: Mapping[str, T]) -> None:
        super().__init__(entries)


def choose(kind: str, table: Mapping[str, T], name: object, where: str) -> T:
    """The entry of `table` called `name`; otherwise an error that lists what can be chosen at `where`."""
    if isinstance(name, str) and name in table:
        return table[name]
    raise UserError(f"unknown {kind} {shown(name)} in {where}; {suggestion(name, list(table))}")


def suggestion(name: object, known: list[str]) -> str:
    """`did you mean x? choose one of: ...`, for the end of a message."""
    found = closest(name, known)
    hint = "" if found is None else f"did you mean {found!r}? "
    names = sorted(map(str, known))
    listed = ", ".join(names[:LISTED]) + (f" and {len(names) - LISTED:,} more" if len(names) > LISTED else "")
    return f"{hint}choose one of: {listed}" if known else "there is none to choose"


def closest(name: object, known: list[str]) -> str | None:
    """Which of the known names was probably meant."""
    return next(iter(get_close_matches(name if isinstance(name, str) else shown(name), map(str, known), n=1)), None)


def shown(value: object) -> str:
    """A value as a message quotes it: on one line, and short."""
    return REPR.repr(value)


def choose_each(kind: str, table: Mapping[str, T], names: Iterable[object], where: str) -> list[T]:
    """The same for several names."""
    return [choose(kind, table, name, where) for name in names]
