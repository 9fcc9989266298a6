"""`params.yaml` at the edge: YAML in, checked keyword arguments out.

Whoever owns a setting declares it as a keyword-only parameter with a type, a range and a default: a frozen
dataclass or the constructor of a network alike. Nothing else describes the schema.
"""

import inspect
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from multilabel.core.errors import UserError, noting
from multilabel.core.paths import PARAMS
from multilabel.core.registry import choose, closest, shown, suggestion
from multilabel.core.yaml_files import read_yaml

T = TypeVar("T")
Option = bool | int | float | str | None | list[Any] | dict[str, Any]  # a value as YAML and JSON have it
NAME = re.compile(r"[a-z0-9_]+")
LONGEST_NAME = 100  # characters


class _Null(Enum):
    """What `inherit` leaves where a block takes back a setting of its base."""

    TAKEN_BACK = "null"


def read_params(path: Path = PARAMS) -> dict[str, Any]:
    """All sections of `params.yaml`."""
    params = read_yaml(path)
    if not isinstance(params, dict):
        raise UserError(f"{path}: expected sections such as `seed:` and `datasets:`, found none; restore the file")
    return params


def read_section(name: str, path: Path = PARAMS) -> Any:
    """One section of `params.yaml`; raises `UserError` if it is missing."""
    params = read_params(path)
    if name not in params:
        raise UserError(f"{path} has no section `{name}:`; {suggestion(name, list(params))}")
    return params[name]


def read_block(section: str, name: str, path: Path = PARAMS) -> dict[str, Any]:
    """The block `name` of a section that maps names to blocks."""
    blocks = as_block(read_section(section, path), section)
    if name not in blocks:
        raise UserError(f"{path} {section}: has no block {name!r}; {suggestion(name, list(blocks))}")
    return dict(as_block(blocks[name], f"{section}.{name}"))


def as_block(given: object, where: str) -> Mapping[str, Any]:
    """`given`, where a block of `key: value` lines belongs; nothing is an empty one."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise UserError(f"{where}: expected a block of settings, got {shown(given)}; write `key: value` lines below it")
    return given


def settings(target: Callable[..., T]) -> dict[str, inspect.Parameter]:
    """The keyword-only parameters of `target`: those are its settings."""
    parameters = inspect.signature(target).parameters
    return {name: p for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}


def checked(target: Callable[..., T], given: object, where: str) -> dict[str, Any]:
    """`given` with defaults filled in, as keyword arguments for `target`; one-line errors name the setting.

    Raises `UserError` for an unknown key, a missing one, a wrong type, or a value out of its range.
    """
    return checked_parts([target], given, where)[0]


def checked_parts(targets: Sequence[Callable[..., Any]], given: object, where: str) -> list[dict[str, Any]]:
    """The same for one block that holds the settings of several targets: arguments for each; all mistakes at once."""
    mistakes: list[str] = []
    known = {key: parameter for target in targets for key, parameter in settings(target).items()}
    block = _taken_back(as_block(given, where), known)
    unknown = [key for key in block if key not in known]
    mistakes += [f"{where}: unknown key {shown(key)}; {suggestion(key, list(known))}" for key in unknown]
    meant = {closest(key, list(known)) for key in unknown}
    values: dict[str, Any] = {}
    for key, parameter in known.items():
        if key not in block and parameter.default is parameter.empty:
            mistakes += [] if key in meant else [f"{where}: {key!r} is missing; add it there"]
            continue
        with noting(mistakes):
            values[key] = _argument(parameter, block, key, f"{where}.{key}")
    if mistakes:
        raise UserError(*mistakes)
    return [{key: values[key] for key in settings(target)} for target in targets]


def _argument(parameter: inspect.Parameter, block: Mapping[str, Any], key: str, where: str) -> Any:
    for remark in getattr(parameter.annotation, "__metadata__", ()):
        if isinstance(remark, Resolved):
            return remark.by(block.get(key, parameter.default), where)
    if key in block:
        return typed(parameter.annotation, block[key], where)
    default = parameter.default
    return list(default) if isinstance(default, tuple) else default  # as JSON and YAML give it


def _taken_back(block: Mapping[str, Any], known: Mapping[str, inspect.Parameter]) -> dict[str, Any]:
    """`block` where a setting of its base that it takes back is none if it can be, or else left out."""
    kept = {}
    for key, value in block.items():
        if value is not _Null.TAKEN_BACK:
            kept[key] = value
        elif key in known and _accepts_none(known[key].annotation):
            kept[key] = None
    return kept


def says(block: Mapping[str, Any], key: str) -> bool:
    """Whether `key` stands in a block, and was not taken back from its base."""
    return key in block and block[key] is not _Null.TAKEN_BACK


def inherit(blocks: Mapping[str, Any], name: str, where: str, own: Collection[str] = ()) -> dict[str, Any]:
    """The block `name` of the section `where` laid over the one that it names as its `base:`, and so on down.

    Blocks are merged at any depth. All else is replaced whole: a value, a list, and a choice whose `name:` changes, since
    another choice has other options. Null removes a part (`image: null`) and takes back a setting of one (`text: {heads:
    null}`), which is then none if it can be (`train: {clip: null}`). The keys in `own` are not handed down.
    """
    line = [name]
    while "base" in (block := as_block(blocks[line[-1]], f"{where}.{line[-1]}")):
        base = block["base"]
        choose("base", blocks, base, f"{where}.{line[-1]}.base")
        if base in line:
            circle = " -> ".join([*line[line.index(base) :], base])
            raise UserError(f"{where}.{base}.base: {circle} goes in a circle; give one of them all its settings")
        line.append(base)
    bottom = line.pop()
    merged = dict(as_block(blocks[bottom], f"{where}.{bottom}"))
    for heir in reversed(line):
        merged = without(merged, *own)
        for part, change in without(as_block(blocks[heir], f"{where}.{heir}"), "base").items():
            merged[part] = _laid_over(merged.get(part), change, _Null.TAKEN_BACK)
    return {part: value for part, value in merged.items() if value is not None}


def _laid_over(old: Any, change: Any, null: _Null | None = None) -> Any:
    """`change`, or where both are blocks, their union; `null` is what a null of `change` leaves of a key in `old`."""
    if isinstance(old, str):
        old = {"name": old}  # the short form of a choice
    if not (isinstance(old, Mapping) and isinstance(change, Mapping)):
        return change
    if "name" in change and change["name"] != old.get("name"):
        return change
    merged = dict(old)
    for key, value in change.items():
        merged[key] = null if value is None and key in old else _laid_over(old.get(key), value)
    return merged


def known(target: Callable[..., Any]) -> list[str]:
    """The names of the settings of `target`."""
    return list(settings(target))


@dataclass(frozen=True)
class Choice:
    """An entry of a registry and all its options: `{name: sgd, momentum: 0.9}`, or `sgd` for its defaults."""

    name: str
    options: Mapping[str, Option] = field(default_factory=dict)


@dataclass(frozen=True)
class Resolved:
    """Marks a setting (`Annotated[T, Resolved(by)]`) that `by(value, where)` turns from what YAML has into what code reads."""

    by: Callable[[Any, str], Any]


def chosen_from(kind: str, table: Mapping[str, Callable[..., Any]]) -> Resolved:
    """A setting that names an entry of a registry, with options or without."""
    return Resolved(lambda block, where: resolve_named(kind, table, block, where))


def key_of(kind: str, table: Mapping[str, Any]) -> Resolved:
    """A setting that is the name of an entry of a registry, which has no options."""

    def checked_name(name: Any, where: str) -> str:
        choose(kind, table, name, where)
        return str(name)

    return Resolved(checked_name)


def named(block: Any, key: str, where: str) -> tuple[Any, dict[str, Any]]:
    """A block that chooses something by name under `key`: the name, and the rest of the block."""
    if not isinstance(block, Mapping) or key not in block:
        raise UserError(f"{where}: {key!r} is missing; write `{key}: <name>` there")
    return block[key], without(block, key)


def resolve_named(kind: str, table: Mapping[str, Callable[..., Any]], block: Any, where: str) -> Choice:
    """`sgd` or `{name: sgd, momentum: 0.9}` -> that entry of `table` with all its options."""
    if isinstance(block, Choice):
        block = {"name": block.name, **block.options}
    name, options = named({"name": block} if isinstance(block, str) else block, "name", where)
    return Choice(name, checked(choose(kind, table, name, where), options, where))


def call_named(table: Mapping[str, Callable[..., T]], choice: Choice, *arguments: Any) -> T:
    """What the chosen entry of `table` makes of its options, after the positional `arguments`."""
    return table[choice.name](*arguments, **choice.options)


def to_json(value: Any) -> Any:
    """Dataclasses, at any depth, as what JSON can hold."""
    return TypeAdapter(type(value)).dump_python(value, mode="json")


def from_json(kind: Any, content: Any) -> Any:
    """The inverse of `to_json` for a dataclass or a union of some."""
    return TypeAdapter(kind).validate_python(content)


def without(block: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """A copy of `block` that lacks `keys`."""
    return {key: value for key, value in block.items() if key not in keys}


def parsed(target: Callable[..., T], given: object, where: str) -> T:
    """`target` called with its checked settings."""
    return target(**checked(target, given, where))


def check_name(name: object, where: str) -> str:
    """A name that can be a file, a word of a shell command, a DVC stage and a key of `-S`."""
    if isinstance(name, str) and len(name) <= LONGEST_NAME and NAME.fullmatch(name):
        return name
    raise UserError(
        f"{where}: {shown(name)} is no usable name; use lower-case letters, digits and underscores only, at most {LONGEST_NAME}"
    )


@cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)


def _accepts_none(annotation: Any) -> bool:
    try:
        return _adapter(annotation).validate_python(None, strict=True) is None
    except ValidationError:
        return False


def typed(annotation: Any, value: object, where: str) -> Any:
    """`value` if it has the type and is in the range of the annotation; otherwise `UserError` says what was expected."""
    _refuse_infinite(value, where)
    try:
        return _adapter(annotation).validate_python(value, strict=True)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False)
    # Of a union, every branch says what it expected: that which got furthest into the value says most.
    deepest = max(len(_inner(problem["loc"])) for problem in problems)
    first = next(problem for problem in problems if len(_inner(problem["loc"])) == deepest)
    inner = "".join(f".{part}" for part in _inner(first["loc"]))
    expected = first["msg"][0].lower() + first["msg"][1:]
    raise UserError(f"{where}{inner}: {expected}, got {shown(first['input'])}; change it in {PARAMS}")


def _inner(location: Sequence[int | str]) -> list[int | str]:
    """Where in a value a mistake is: pydantic names the branches of a union as well."""
    return [part for part in location if isinstance(part, int) or part.isdigit()]


def _refuse_infinite(value: object, where: str) -> None:
    """JSON has neither infinity nor NaN, and no setting means them."""
    if isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"{where}: expected a finite number, got {value}; change it in {PARAMS}")
    parts = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        _refuse_infinite(part, f"{where}.{key}")
