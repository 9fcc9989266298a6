"""dvc.yaml is honest: its names, its parameters and its outputs are those that the stages really use."""

import re
import sys

import pytest
import yaml
from conftest import ROOT, run

SCRIPTS = {"dvc.yaml": ROOT / "src", "studies/dvc.yaml": ROOT / "studies" / "stages"}
DVC_FILES = {file: folder for file, folder in SCRIPTS.items() if folder.exists()}
STAGES = {
    (file, name): stage.get("do", stage)
    for file in DVC_FILES
    for name, stage in yaml.safe_load((ROOT / file).read_text())["stages"].items()
}
ROOT_STAGES = [name for file, name in STAGES if file == "dvc.yaml"]
LIGHT = [stage for stage in ("eda", "split", "encode_labels", "report", "count", "compare", "report_studies")
         if any((folder / f"{stage}.py").exists() for folder in DVC_FILES.values())]  # fmt: skip
READ = re.compile(r"""(?:read_(?:section|block)\(|params(?:\.get\(|\[)|_blocks\()"(\w+)\"""")


def script(stage: str) -> str:
    folder = "src" if stage in ROOT_STAGES else "studies/stages"
    return (ROOT / folder / f"{stage}.py").read_text()


@pytest.mark.parametrize("file", DVC_FILES)
def test_stages_are_the_scripts_of_their_folder(file: str) -> None:
    own = {stage for f, stage in STAGES if f == file}
    scripts = {path.stem for path in DVC_FILES[file].glob("*.py")}
    if file != "dvc.yaml":
        own -= set(ROOT_STAGES)  # stages of the root that run in the folder of a study
    assert own - scripts == set()


@pytest.mark.parametrize("stage", [stage for stage in ROOT_STAGES if stage != "resolve"])
def test_params_name_every_section_that_the_stage_reads(stage: str) -> None:
    declared = {name.partition(".")[0] for name in STAGES["dvc.yaml", stage].get("params", [])}
    assert declared == set(READ.findall(script(stage)))


def test_resolve_depends_on_all_settings() -> None:
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    declared = STAGES["dvc.yaml", "resolve"]["params"]
    assert {section for section in declared if isinstance(section, str)} == set(params)


def test_light_stages_do_not_load_torch() -> None:
    """One process imports them one after the other, and says which was the first to load it."""
    code = f"""
import importlib, sys
sys.path[:0] = {[str(folder) for folder in DVC_FILES.values()]!r}
for stage in {LIGHT!r}:
    importlib.import_module(stage)
    if "torch" in sys.modules:
        sys.exit(stage + " loads torch")
"""
    assert run([sys.executable, "-c", code], ROOT) == ""


def outputs(stage: dict) -> list[tuple[str, str, bool]]:
    """(kind, path, whether DVC caches it)."""
    found = []
    for kind in ("outs", "metrics", "plots"):
        for out in stage.get(kind, []):
            path, options = next(iter(out.items())) if isinstance(out, dict) else (out, {})
            found.append((kind, path, options.get("cache", True)))
    return found


def test_small_results_are_in_git_and_large_ones_in_the_cache() -> None:
    for (file, _), stage in STAGES.items():
        for _, path, cached in outputs(stage):
            small = path.startswith(("metrics/", "data/resolved", "reports/"))
            in_git = small and not path.endswith(("/plots", ".html"))
            assert cached != in_git or file != "dvc.yaml", path


def test_a_stage_that_fails_leaves_what_git_tracks_of_many_names() -> None:
    """DVC deletes the outputs of a stage before it runs, unless they persist; resolve and report replace theirs when all is well."""
    for name in ("resolve", "report"):
        for out in STAGES["dvc.yaml", name]["outs"]:
            assert isinstance(out, dict), out
            assert next(iter(out.values())).get("persist"), out


def test_what_trains_can_come_from_the_run_cache() -> None:
    """DVC skips its run cache for a stage that has an uncached output which is neither a metric nor a plot."""
    for (_, name), stage in STAGES.items():
        if name not in ("resolve", "report", "report_studies"):  # which take seconds
            assert [path for kind, path, cached in outputs(stage) if kind == "outs" and not cached] == [], name


def test_names_from_params_are_quoted_in_every_command() -> None:
    for (_, name), stage in STAGES.items():
        found = re.sub(r"'\$\{(key|item(\.\w+)?)\}'", "", stage["cmd"]).replace("${launcher}", "")
        assert "${" not in found, name


def test_a_submission_waits_for_the_models_of_its_dataset_alone() -> None:
    assert "models/${key}" in STAGES["dvc.yaml", "submission"]["deps"]
    assert "models/${item.dataset}/${key}" in STAGES["dvc.yaml", "train"]["outs"]
    assert not [path for _, path, _ in outputs(STAGES["dvc.yaml", "ablate"]) if path.startswith("models/${item")]
