"""`params.yaml` at the edge: YAML in, checked keyword arguments out.

Whoever owns a setting declares it as a keyword-only parameter with a type, a range and a default: a frozen
dataclass or the constructor of a network alike. Nothing else describes the schema.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from multilabel.core.errors import UserError
from multilabel.core.paths import PARAMS
from multilabel.core.registry import choose, suggestion

T = TypeVar("T")
NAME = re.compile(r"[a-z0-9_]+")


class _Loader(yaml.SafeLoader):
    """PyYAML reads `1e-05`, which is what `dvc exp run -S train.lr=1e-5` writes, as a string; YAML 1.2 does not."""


_Loader.yaml_implicit_resolvers = {k: list(v) for k, v in yaml.SafeLoader.yaml_implicit_resolvers.items()}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)$"),
    list("-+0123456789."),
)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file in which every number is a number; raises `UserError` on a syntax error."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (derived from SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not valid YAML"
        raise UserError(f"{path}{line}: {problem}; mend the YAML there") from None


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
    blocks = read_section(section, path)
    if name not in blocks:
        raise UserError(f"{path} {section}: has no block {name!r}; {suggestion(name, list(blocks))}")
    return dict(blocks[name] or {})


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
    """The same for one block that holds the settings of several targets: arguments for each."""
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        raise UserError(f"{where}: expected a block of settings, got {given!r}; write `key: value` lines below it")
    known = [key for target in targets for key in settings(target)]
    for key in given:
        if key not in known:
            raise UserError(f"{where}: unknown key {key!r}; {suggestion(key, known)}")
    return [_arguments(target, given, where) for target in targets]


def _arguments(target: Callable[..., Any], given: Mapping[str, Any], where: str) -> dict[str, Any]:
    values = {}
    for key, parameter in settings(target).items():
        if key in given:
            values[key] = _typed(parameter.annotation, given[key], f"{where}.{key}")
        elif parameter.default is parameter.empty:
            raise UserError(f"{where}: {key!r} is missing; add it there")
        else:
            default = parameter.default
            values[key] = list(default) if isinstance(default, tuple) else default  # as JSON and YAML give it
    return values


def known(target: Callable[..., Any]) -> list[str]:
    """The names of the settings of `target`."""
    return list(settings(target))


def named(block: Any, key: str, where: str) -> tuple[Any, dict[str, Any]]:
    """A block that chooses something by name under `key`: the name, and the rest of the block."""
    if not isinstance(block, Mapping) or key not in block:
        raise UserError(f"{where}: {key!r} is missing; write `{key}: <name>` there")
    return block[key], without(block, key)


def resolve_named(kind: str, table: Mapping[str, Callable[..., Any]], block: Any, where: str) -> dict[str, Any]:
    """`sgd` or `{name: sgd, momentum: 0.9}` -> the name and all options of that entry of `table`."""
    name, options = named({"name": block} if isinstance(block, str) else block, "name", where)
    return {"name": name, **checked(choose(kind, table, name, where), options, where)}


def call_named(table: Mapping[str, Callable[..., T]], block: Mapping[str, Any], *arguments: Any) -> T:
    """The inverse: what `table` makes of a resolved block, after the positional `arguments`."""
    return table[block["name"]](*arguments, **without(block, "name"))


def without(block: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """A copy of `block` that lacks `keys`."""
    return {key: value for key, value in block.items() if key not in keys}


def parsed(target: Callable[..., T], given: object, where: str) -> T:
    """`target` called with its checked settings."""
    return target(**checked(target, given, where))


def check_name(name: object, where: str) -> str:
    """A name that can be a file, a DVC stage and a key of `-S`: lower-case letters, digits and underscores."""
    if isinstance(name, str) and NAME.fullmatch(name):
        return name
    raise UserError(f"{where}: {name!r} is no usable name; use lower-case letters, digits and underscores only")


def _typed(annotation: Any, value: object, where: str) -> Any:
    try:
        return TypeAdapter(annotation).validate_python(value, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        inner = "".join(f".{part}" for part in first["loc"] if isinstance(part, int | str) and str(part).isdigit())
        expected = first["msg"][0].lower() + first["msg"][1:]
        raise UserError(f"{where}{inner}: {expected}, got {first['input']!r}; change it in {PARAMS}") from None
