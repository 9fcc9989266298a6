"""Taking the examples out of a repository that is to become somebody's own.

Examples are the datasets of `params.yaml` that are generated, and whatever reads them; the studies of published reports; and
in pages and files of settings the lines that are marked as examples.
"""

import os
import re
import subprocess
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from multilabel.core.errors import UserError
from multilabel.core.paths import (
    ABLATIONS,
    BEST,
    CODE,
    EDA,
    ENCODED,
    EXPLANATIONS,
    METRICS,
    MODELS,
    PARAMS,
    RAW,
    REPORTS,
    RESOLVED,
    SUBMISSION,
    boxes_file,
    model_folder,
    predictions_folder,
    split_file,
)
from multilabel.core.settings import read_params
from multilabel.core.yaml_edits import read_text, without_blocks
from multilabel.data.sources import SYNTHETIC
from multilabel.params import sound

LOCK, PIPELINE = Path("dvc.lock"), Path("dvc.yaml")
FOLDERS = (  # that hold nothing but examples
    "studies", "src/multilabel/studies", "tests/studies", "recipes", "searches", REPORTS.as_posix(), "docs/studies.md",
    "tests/docs/results_in_pages.py", "tests/docs/test_results_in_pages.py",
    "tests/docs/measured_in_pages.py", "tests/docs/test_measured_in_pages.py",
)  # fmt: skip
PAGES = ("*.md", "docs/*.md", "*.yaml", "Makefile", ".gitignore", ".gitattributes")  # where lines may be marked
BLOCK = re.compile(
    r"^(?:<!--|#) examples(?: -->)?\n.*?^(?:<!--|#) end of examples(?: -->)?\n+", re.MULTILINE | re.DOTALL
)
LINE = re.compile(r"^.*(?:<!-- example -->|# example)\n", re.MULTILINE)
KEPT_EMPTY = EXPLANATIONS / ".gitkeep"  # the report depends on a folder that a clone would lack
Blocks = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Dropped:
    """What goes: names of blocks by section, files and folders, and texts that change."""

    names: Mapping[str, set[str]]
    paths: list[Path]
    texts: Mapping[Path, str]


def examples(params: Path = PARAMS) -> Dropped:
    """Everything that is an example; raises `UserError` where something of one's own builds on one. Nothing is changed."""
    content = read_params(params)
    sound(content)
    names = _names(content)
    texts = {params: read_text(params)}
    for section, found in names.items():
        texts[params] = without_blocks(texts[params], section, found)
    _check(texts[params])
    everyone = set().union(*names.values())
    if PIPELINE.exists():
        texts[PIPELINE] = without_blocks(read_text(PIPELINE), "artifacts", names["datasets"])
    if LOCK.exists():
        texts[LOCK] = without_blocks(read_text(LOCK), "stages", _stages(read_text(LOCK), everyone))
    for page in (page for pattern in PAGES for page in Path().glob(pattern) if page not in (params, LOCK)):
        text = texts.get(page) or page.read_text(encoding="utf-8")
        texts[page] = LINE.sub("", BLOCK.sub("", text))
    paths = [Path(path) for path in FOLDERS if Path(path).exists()] + _results(names, content["architectures"])
    changed = {
        path: text for path, text in texts.items() if path.read_text(encoding="utf-8") != text and path not in paths
    }
    return Dropped({section: found for section, found in names.items() if found}, paths, changed)


def unsaved(paths: list[Path]) -> list[str]:
    """Files below these paths that differ from git's last commit or are not in it, so that nothing could bring them back.

    What git ignores is not among them: stages write it again.
    """
    command = ["git", "status", "--porcelain", "--untracked-files=all", "--", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"git cannot say what is committed ({done.stderr.strip()}); run in a repository")
    return [line[3:] for line in done.stdout.splitlines()]


def _names(content: Mapping[str, Any]) -> dict[str, set[str]]:
    """Section -> the names of its examples."""
    sections: dict[str, Blocks] = {name: content.get(name) or {} for name in (
        "datasets", "architectures", "ablations", "explanations", "submission")}  # fmt: skip
    datasets = {name for name, block in sections["datasets"].items() if block.get("source") == SYNTHETIC}
    architectures = {name for name, block in sections["architectures"].items() if block.get("dataset") in datasets}
    return {
        "datasets": datasets,
        "architectures": architectures,
        "ablations": {name for name, block in sections["ablations"].items() if block.get("base") in architectures},
        "explanations": {name for name, block in sections["explanations"].items() if block.get("dataset") in datasets},
        "submission": datasets & set(sections["submission"]),
    }


def _check(text: str) -> None:
    """Raises `UserError` where what is left is not sound by itself."""
    from multilabel.core.yaml_files import value_of

    try:
        sound(value_of(text))
    except UserError as error:
        raise UserError(*(f"without its examples, {PARAMS} has a mistake: {line}" for line in error.args)) from None


def _stages(lock: str, names: set[str]) -> list[str]:
    """Stages of the lock file that run examples, and those that join all there is, which will run again."""
    found = re.findall(r"^  ([\w@]+):$", lock, re.MULTILINE)
    return [stage for stage in found if stage in ("resolve", "report") or stage.partition("@")[2] in names]


def _results(names: Mapping[str, set[str]], architectures: Blocks) -> list[Path]:
    """What stages wrote for these blocks, in git and outside of it; beside it may lie data of one's own."""
    trained = [model_folder(architectures[name]["dataset"], name) for name in names["architectures"]]
    paths = {*trained, *(path for name in names["datasets"] for path in _of_dataset(name))}
    for stage, section in (("evaluate", "architectures"), ("ablate", "ablations")):
        paths |= {path for name in names[section] for path in _of_training(name, stage)}
    paths |= {ABLATIONS / name for name in names["ablations"]}
    for name in names["explanations"]:
        paths |= {EXPLANATIONS / name, METRICS / "explain" / f"{name}.json"}
    paths |= {folder for name in names["datasets"] if _all_in(folder := MODELS / name, paths)}
    return sorted(path for path in paths if os.path.lexists(path) and path.parent not in paths)


def _of_dataset(name: str) -> Iterator[Path]:
    yield from (RAW / name, boxes_file(name), EDA / name, split_file(name), ENCODED / name, BEST / name)
    yield SUBMISSION / f"{name}.csv"
    yield from (METRICS / stage / f"{name}.json" for stage in ("ingest", "eda", "split", "submission"))


def _of_training(name: str, stage: str) -> Iterator[Path]:
    """Of an architecture or ablation, which this stage scored."""
    yield from (RESOLVED / f"{name}.json", CODE / f"{name}.txt", predictions_folder(name))
    yield from (METRICS / "train" / name, METRICS / stage / f"{name}.json")


def _all_in(folder: Path, paths: Collection[Path]) -> bool:
    return folder.is_dir() and all(path in paths for path in folder.iterdir())
