"""What a search may choose: changes to a block of `architectures:` in which `choose:` and `from:`/`to:` stand for values.

    train: {lr: {from: 1.0e-3, to: 1.0e-2, log: true}}
    text:
      choose:
      - {encoder: gru, hidden: {choose: [64, 128]}}
      - {encoder: textcnn, filters: {from: 64, to: 256, step: 64}}

A block is laid over that of the architecture; what is chosen takes the place of what is there, whole. Options within a choice
are asked for only where it is made.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeGuard

from multilabel.core.errors import UserError
from multilabel.core.registry import shown

CHOICE, RANGE = {"choose"}, {"from", "to", "log", "step"}
Scalar = bool | int | float | str | None


class Suggests(Protocol):
    """Whoever decides, such as a trial of Optuna."""

    def suggest_categorical(self, name: str, choices: Sequence[Scalar]) -> Any:
        """One of these."""

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """From `low` to `high`, both included."""

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """The same of numbers with a point."""


def laid(base: Any, change: Any, trial: Suggests, where: str = "") -> Any:
    """`base` with `change` laid over it, every choice made by `trial`; raises `UserError` for a choice that cannot be read."""
    if not isinstance(change, Mapping):
        return change
    if not all(isinstance(key, str) for key in change):
        raise UserError(f"{where or 'block'}: expected names of settings as keys, got {shown(dict(change))}")
    if set(change) >= CHOICE:
        return _chosen(change, trial, where)
    if {"from", "to"} & set(change):
        return _drawn(change, trial, where)
    old = base if isinstance(base, Mapping) else {}
    inner = {key: laid(old.get(key), value, trial, f"{where}.{key}" if where else key) for key, value in change.items()}
    return {**old, **inner}


def _chosen(change: Mapping[str, Any], trial: Suggests, where: str) -> Any:
    options = change["choose"]
    if set(change) != CHOICE or not isinstance(options, list) or not options:
        raise UserError(f"{where}: expected {{choose: [one, another]}}, got {shown(change)}")
    names = [_name(option, number) for number, option in enumerate(options)]
    if len(set(map(repr, names))) < len(names):
        raise UserError(f"{where}: two of its choices have the same name ({', '.join(map(str, names))}); take one out")
    picked = trial.suggest_categorical(where, names)
    return laid(None, options[names.index(picked)], trial, f"{where}.{picked}")


def _drawn(change: Mapping[str, Any], trial: Suggests, where: str) -> float | int:
    low, high, log, step = (change.get(key) for key in ("from", "to", "log", "step"))
    if (
        set(change) - RANGE
        or not (_is_number(low) and _is_number(high) and low < high)
        or not isinstance(log, bool | None)
    ):
        raise UserError(
            f"{where}: expected {{from: 1, to: 10}} with `log: true` or `step: 2`, got {shown(dict(change))}"
        )
    if step is not None and not (_is_number(step) and step > 0):
        raise UserError(f"{where}: step {shown(step)} leads nowhere; write a number above 0")
    if log and (step is not None or low <= 0):
        raise UserError(f"{where}: a range in steps, or one from 0 on, has no logarithm; take `log:` out")
    if not (isinstance(low, int) and isinstance(high, int)):
        return trial.suggest_float(where, float(low), float(high), step=step, log=bool(log))
    if not isinstance(step, int | None):
        raise UserError(
            f"{where}: step {shown(step)} between whole numbers; write a whole step, or from: {float(low)} for others"
        )
    return trial.suggest_int(where, low, high, step=step or 1, log=bool(log))


def _is_number(value: Any) -> TypeGuard[int | float]:
    """Neither infinite nor too large for a float."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _name(option: Any, number: int) -> Scalar:
    """A value itself; of a block what it is called."""
    if isinstance(option, Mapping):
        called = option.get("encoder", option.get("name", number))
        return called if isinstance(called, str | int) else number
    return option if isinstance(option, Scalar) else str(option)


@dataclass
class First:
    """Takes the first of everything, but for what `instead` says; remembers what there was to choose."""

    instead: Mapping[str, Scalar] = field(default_factory=dict)
    asked: dict[str, list[Scalar]] = field(default_factory=dict)

    def suggest_categorical(self, name: str, choices: Sequence[Scalar]) -> Any:
        """The first, or the one instead."""
        self.asked[name] = list(choices)
        return self.instead.get(name, choices[0])

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """The lowest."""
        self.asked.setdefault(name, [low, high])
        return int(self.instead.get(name, low) or 0)

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """The lowest."""
        self.asked.setdefault(name, [low, high])
        return float(self.instead.get(name, low) or 0)


def corners(base: Any, change: Any) -> Iterator[Any]:
    """Blocks in which every choice is made once, and every range ends once: one at a time, all else being the first."""
    waiting: list[dict[str, Scalar]] = [{}]
    seen: set[str] = set()
    while waiting:
        first = First(waiting.pop())
        yield laid(base, change, first)
        for name, values in first.asked.items():
            for value in values[1:]:
                if f"{name}={value!r}" not in seen:
                    seen.add(f"{name}={value!r}")
                    waiting.append({**first.instead, name: value})
