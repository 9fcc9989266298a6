"""Recipes: files with sections of `params.yaml`, laid over it.

A recipe's `datasets:`, `architectures:`, `ablations:`, `explanations:` and `submission:` take the place of those of
`params.yaml`; in all other sections, and in a dataset that both have, a key that the recipe does not name stays.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from multilabel.core.errors import UserError
from multilabel.core.paths import HOME, PARAMS
from multilabel.core.registry import shown, suggestion
from multilabel.core.settings import read_params
from multilabel.core.yaml_edits import read_text, section_text, with_section, with_value
from multilabel.core.yaml_files import value_of
from multilabel.data.remote_sources import is_remote
from multilabel.data.sources import SYNTHETIC
from multilabel.params import KNOWN, OF_BLOCKS, Params, sound

RECIPES = Path("recipes")


@dataclass(frozen=True)
class Applied:
    """`params.yaml` before and after; nothing is written yet."""

    before: str
    after: str
    params: Params  # after

    def summary(self) -> str:
        """Where each dataset comes from, and how many blocks there are."""
        sources = [f"{name} from {dataset.settings.source}" for name, dataset in self.params.datasets.items()]
        blocks = {
            "architecture": self.params.architectures,
            "ablation": self.params.ablations,
            "explanation": self.params.explanations,
            "submission": self.params.submission,
        }
        counts = [f"{len(found)} {name}{'' if len(found) == 1 else 's'}" for name, found in blocks.items()]
        return ", ".join([*sources, *counts])


def apply(recipe: Path, overrides: Sequence[str] = (), path: Path = PARAMS) -> Applied:
    """A recipe laid over `params.yaml`, then `section.key=value` for each override.

    Raises `UserError` with a line for every mistake in what that makes, sources that are not there among them.
    """
    if not recipe.is_file():
        there = [str(other) for other in RECIPES.glob("*.yaml")]
        raise UserError(f"{recipe}: no such recipe; {suggestion(str(recipe), there)}")
    sections, page = read_params(recipe), _Page(read_params(path), read_text(path))
    before = page.text
    _refuse_unknown(recipe, sections)
    try:
        _lay_over(page, sections, read_text(recipe))
        for override in overrides:
            page.set(*_assignment(override, page.content))
        params = _sound(page.content, f"{recipe} over {path}")
        joined = value_of(page.text) == page.content
    except yaml.YAMLError:
        joined = False
    except RecursionError:
        raise UserError(f"{recipe} over {path}: nested too deeply; write fewer brackets within brackets") from None
    if not joined:
        raise UserError(f"{recipe} and {path} cannot be joined; write both in block style, without anchors")
    return Applied(before, page.text, params)


class _Page:
    """A file of parameters, as text and as what it says; each change is made to both."""

    def __init__(self, content: Mapping[str, Any], text: str) -> None:
        self.content, self.text = deepcopy(dict(content)), text

    def take_over(self, name: str, section: Any, text: str) -> None:
        """A whole section from another file."""
        self.content[name] = deepcopy(section)
        self.text = with_section(self.text, name, text)

    def set(self, path: Sequence[str], value: Any) -> None:
        """One value; what is no block yet on the way to it becomes one."""
        block = self.content
        for name in path[:-1]:
            block[name] = block.get(name) or {}
            block = block[name]
        block[path[-1]] = deepcopy(value)
        self.text = with_value(self.text, path, value)


def _refuse_unknown(recipe: Path, sections: Mapping[Any, Any]) -> None:
    """Raises `UserError` with a line for each section that `params.yaml` does not have."""
    wrong = [
        f"{shown(name)}: unknown section; {suggestion(name, list(KNOWN))}" for name in sections if name not in KNOWN
    ]
    if wrong:
        raise UserError(*(f"{recipe} {line}" for line in wrong))


def _lay_over(page: _Page, sections: Mapping[str, Any], text: str) -> None:
    before = page.content.get("datasets")
    for name, section in sections.items():
        if name in OF_BLOCKS:
            page.take_over(name, section, section_text(text, name))
        elif isinstance(section, Mapping) and isinstance(page.content.get(name), Mapping):
            for key, value in section.items():
                page.set((name, key), value)
        else:
            page.set((name,), section)
    for path, value in _kept(before, sections.get("datasets")):
        page.set(path, value)


def _kept(before: object, datasets: object) -> Iterator[tuple[tuple[str, str, str], Any]]:
    """The keys of datasets, the source among them, that a recipe leaves to `params.yaml`."""
    if isinstance(before, Mapping) and isinstance(datasets, Mapping):
        for name, block in datasets.items():
            old = before.get(name)
            if isinstance(old, Mapping) and (block is None or isinstance(block, Mapping)):
                yield from ((("datasets", name, key), value) for key, value in old.items() if key not in (block or {}))


def _assignment(override: str, content: Mapping[str, Any]) -> tuple[list[str], Any]:
    """`train.lr=1e-4` -> where, and what."""
    name, sign, text = override.partition("=")
    path = name.split(".")
    if not sign or not all(path):
        raise UserError(f"-S {override}: expected section.key=value, as in -S train.lr=1e-4")
    block: Any = content
    for depth, part in enumerate(path[:-1], 1):
        inner = (block.get(part) or {}) if part in block else None
        if not isinstance(inner, Mapping):
            raise UserError(f"-S {name}: there is no block {'.'.join(path[:depth])}; {suggestion(part, list(block))}")
        block = inner
    try:
        return path, value_of(text)
    except yaml.YAMLError:
        raise UserError(f"-S {override}: the value is no YAML; put it in quotes") from None
    except RecursionError:
        raise UserError(f"-S {name}: the value is nested too deeply; write fewer brackets within brackets") from None


def _sound(content: Mapping[str, Any], where: str) -> Params:
    try:
        params = sound(content)
    except UserError as error:
        raise UserError(*(f"{where}: {line}" for line in error.args)) from None
    missing = [
        f"datasets.{name}.source: {shown(dataset.settings.source)} is not there; name a file or a folder, as in "
        f"-S datasets.{name}.source=path/to/archive.zip"
        for name, dataset in params.datasets.items()
        if not (
            dataset.settings.source == SYNTHETIC
            or is_remote(dataset.settings.source)
            or (HOME / dataset.settings.source).exists()
        )
    ]
    if missing:
        raise UserError(*missing)
    return params
