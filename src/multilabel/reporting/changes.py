"""What is different about an architecture between two revisions: settings, code and data, in a few words."""

from collections.abc import Callable, Iterator, Mapping
from json import loads
from pathlib import Path
from typing import Any

import yaml

from multilabel.core.paths import RESOLVED
from multilabel.core.registry import shown
from multilabel.core.yaml_files import value_of

LOCK = Path("dvc.lock")
MOST = 3  # settings that are named
TRAINERS = ("train", "ablate")  # stages that train
KINDS = {
    "code": "data/code/",
    "data": "data/raw",
    "split or labels": "data/encoded",
}  # word -> paths of a stage's dependencies
Content = Callable[[Path], bytes | None]


def changes(name: str, there: Content, here: Content) -> str:
    """Such as `train.lr 0.001 -> 0.0001; code`; `nothing` where only chance can have moved it, "" where nothing is known."""
    before, after = _settings(name, there), _settings(name, here)
    old, new = _dependencies(name, there), _dependencies(name, here)
    if before is None or after is None:
        return "new" if after is not None else ""
    moved = [f"{key} {before.get(key, '-')} -> {after.get(key, '-')}" for key in {**before, **after}
             if before.get(key) != after.get(key)]  # fmt: skip
    named = [*moved[:MOST], *([f"{len(moved) - MOST} other settings"] if len(moved) > MOST else [])]
    named += [word for word, path in KINDS.items() if old and new and _under(path, old) != _under(path, new)]
    return "; ".join(named) or ("nothing" if old and new else "")


def _settings(name: str, content: Content) -> dict[str, str] | None:
    """Dotted key -> value, as `resolve` wrote them; None where it did not."""
    found = content(RESOLVED / f"{name}.json")
    try:
        return None if found is None else {key: shown(value) for key, value in _flat(loads(found))}
    except ValueError:
        return None


def _flat(value: Any, way: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, part in value.items():
            yield from _flat(part, f"{way}.{key}" if way else str(key))
    else:
        yield way, value


def _dependencies(name: str, content: Content) -> dict[str, str]:
    """Path -> hash of what the training of this name read."""
    found = content(LOCK)
    try:
        stages = (value_of(found.decode()) or {}).get("stages", {}) if found else {}
    except (UnicodeDecodeError, yaml.YAMLError):
        return {}
    stage: Mapping[str, Any] = next(
        (stages[f"{trainer}@{name}"] for trainer in TRAINERS if f"{trainer}@{name}" in stages), {}
    )
    return {dep["path"]: str(dep.get("md5")) for dep in stage.get("deps", [])}


def _under(path: str, dependencies: Mapping[str, str]) -> dict[str, str]:
    return {name: digest for name, digest in dependencies.items() if name.startswith(path)}
