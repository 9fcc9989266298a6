"""dvc.yaml is honest: its names, its code and its parameters are those that the stages really use."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

SRC = ROOT / "src"
DVC = yaml.safe_load((ROOT / "dvc.yaml").read_text())
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
STAGES = {name: stage.get("do", stage) for name, stage in DVC["stages"].items()}
STUDIES = yaml.safe_load((ROOT / "studies" / "dvc.yaml").read_text())
STUDY_STAGES = {name: stage.get("do", stage) for name, stage in STUDIES["stages"].items()}
LIGHT = ("eda", "split", "encode_labels", "embed_words", "report", "count", "compare", "report_studies")
LIBRARY = sorted((SRC / "multilabel").rglob("*.py"))


def imported(path: Path) -> set[Path]:
    """The files of this project that a file imports, packages on the way included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in [*names, *(name.rpartition(".")[0] for name in names)]:
            base = SRC / name.replace(".", "/")
            found |= {file for file in (base.with_suffix(".py"), base / "__init__.py") if file.exists()}
    return found


def closure(path: Path) -> set[Path]:
    """Everything that is loaded when `path` runs, and the data files that those modules name."""
    seen: set[Path] = set()
    todo = [path]
    while todo:
        file = todo.pop()
        if file not in seen:
            seen.add(file)
            todo += imported(file)
    data = {d for file in seen for d in named_data(file)}
    return {file for file in seen | data if file != SRC / "multilabel" / "__init__.py"}


def named_data(path: Path) -> set[Path]:
    """Files that a module finds beside itself."""
    names = re.findall(r'Path\(__file__\)\.with_name\("([^"]+)"\)', path.read_text())
    found = [path.with_name(name) for name in names]
    return {file for place in found for file in (place.iterdir() if place.is_dir() else [place])}


def read_parameters(path: Path) -> set[str]:
    """The sections of params.yaml that a stage names in its code."""
    text = path.read_text()
    return set(re.findall(r'read_(?:section|block)\("(\w+)"', text)) | set(
        re.findall(r'params(?:\.get\(|\[)"(\w+)"', text)
    )


def test_stages_are_the_files_of_src() -> None:
    assert set(STAGES) | set(STUDY_STAGES) == {path.stem for path in SRC.glob("*.py")}


@pytest.mark.parametrize("stage", STAGES)
def test_deps_name_every_module_that_the_stage_loads(stage: str) -> None:
    named = {ROOT / dep for dep in STAGES[stage]["deps"] if dep.startswith("src/")}
    declared = {file for dep in named for file in (package_files(dep) if dep.is_dir() else [dep])}
    assert declared == closure(SRC / f"{stage}.py")


@pytest.mark.parametrize("stage", STUDY_STAGES)
def test_a_study_depends_on_code_that_its_stage_loads(stage: str) -> None:
    """On the code that decides the numbers, not all: a comment elsewhere must not stale a hundred published runs."""
    named = [dep for dep in STUDY_STAGES[stage]["deps"] if "src/" in dep]
    loaded = closure(SRC / f"{stage}.py")
    for dep in named:
        path = SRC / dep.partition("src/")[2]
        files = package_files(path) if path.is_dir() else {path}
        assert files & loaded, dep
    assert any(dep.endswith(f"src/{stage}.py") for dep in named)


def package_files(folder: Path) -> set[Path]:
    """What DVC hashes of a package that a stage loads whole; one entry keeps dvc.lock, which DVC parses, short."""
    return {file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts}


@pytest.mark.parametrize("stage", STAGES)
def test_params_name_every_section_that_the_stage_reads(stage: str) -> None:
    declared = {name.partition(".")[0] for name in STAGES[stage].get("params", [])}
    assert declared == read_parameters(SRC / f"{stage}.py")


def test_every_section_of_params_yaml_is_read() -> None:
    by_dvc = set(re.findall(r"cmd: (?:exec )?\$\{(\w+)\}", (ROOT / "dvc.yaml").read_text()))
    assert set(PARAMS) == {section for stage in STAGES for section in read_parameters(SRC / f"{stage}.py")} | by_dvc


def test_the_library_never_imports_a_stage() -> None:
    assert not {file for path in LIBRARY for file in imported(path)} & set(SRC.glob("*.py"))


def test_every_module_is_used_by_a_stage() -> None:
    used = {file for stage in [*STAGES, *STUDY_STAGES] for file in closure(SRC / f"{stage}.py")}
    assert set(LIBRARY) - used == {SRC / "multilabel" / "__init__.py"}


@pytest.mark.parametrize("stage", LIGHT)
def test_light_stages_do_not_load_torch(stage: str) -> None:
    code = f"import sys; sys.path.insert(0, {str(SRC)!r}); import {stage}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_plots_overlay_every_network() -> None:
    networks = {name for name, block in PARAMS["architectures"].items() if "image" in block or "text" in block}
    for plot in DVC["plots"]:
        (options,) = plot.values()
        assert {path.split("/")[2] for path in options["y"]} == networks


def test_small_results_are_in_git_and_large_ones_in_the_cache() -> None:
    for stage in STAGES.values():
        for out in [*stage.get("outs", []), *stage.get("metrics", [])]:
            path, options = next(iter(out.items())) if isinstance(out, dict) else (out, {})
            in_git = path.startswith(("metrics/", "data/resolved")) or (
                path.startswith("reports/") and "html" not in path
            )
            assert options.get("cache", True) == (not in_git), path


def test_published_names_fit_everywhere() -> None:
    for section in ("datasets", "architectures", "ablations", "submission"):
        assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in PARAMS[section])
