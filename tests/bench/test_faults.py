"""The campaign of faults: it sees what it should see, and a killed run ends the same."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, run

from bench.disturbances import FAULTS, _ending, damage
from bench.faults import _known, _plan
from bench.projects import PARAMS, Project, digest, nothing_left, processes_in


def test_seconds_are_not_compared_and_all_else_is(tmp_path: Path) -> None:
    paths = []
    for number, content in enumerate(
        [{"f1": 0.5, "train_seconds": 1}, {"f1": 0.5, "train_seconds": 2}, {"f1": 0.5000001, "train_seconds": 1}]
    ):
        paths.append(tmp_path / f"{number}.json")
        paths[-1].write_text(json.dumps(content))
    first, same, other = map(digest, paths)
    assert first == same != other


def test_a_process_that_is_left_is_seen_and_ends_with_the_campaign(tmp_path: Path) -> None:
    with nothing_left(tmp_path):
        (tmp_path / "inside").mkdir()
        sleeper = subprocess.Popen([sys.executable, "-c", "input()"], cwd=tmp_path / "inside", stdin=subprocess.PIPE)
        assert processes_in(tmp_path) == [sleeper.pid]
    assert sleeper.wait() < 0
    assert processes_in(tmp_path) == []


def test_how_a_run_ended_names_no_place_of_this_machine(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", ROOT, PARAMS)
    said = f"print('error: {project.folder}/data/x.json: Read-only file system'); raise SystemExit(1)"
    process = subprocess.Popen([sys.executable, "-c", said], stdout=subprocess.PIPE, text=True)
    assert _ending(project, process) == "error: data/x.json: Read-only file system"


def test_a_file_that_is_left_is_seen(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", ROOT, PARAMS)
    before = project.files()
    assert "dvc.yaml" in before
    assert project.results() == {}
    for name in (".cache/partial/1-2-a.npy", ".checkpoints/a.pt", "metrics/x.json"):
        (project.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (project.folder / name).write_text("{}")
    assert project.files() - before == {".cache/partial/1-2-a.npy", ".checkpoints/a.pt", "metrics/x.json"}
    assert list(project.results()) == ["metrics/x.json"]


def test_a_campaign_is_what_was_asked_for_and_the_same_for_the_same_seed() -> None:
    kinds = [kind for kind, _ in _plan(list(FAULTS), None, [])]
    assert (kinds.count("SIGKILL"), kinds.count("SIGTERM")) == (20, 10)
    assert set(kinds[: len(FAULTS)]) == set(FAULTS)
    assert list(_plan(["SIGKILL"], 2, [])) == [("SIGKILL", 0), ("SIGKILL", 1)]
    assert random.Random("42 SIGKILL 0").random() == random.Random("42 SIGKILL 0").random()


def test_a_campaign_goes_on_where_it_was_killed_and_does_named_kinds_anew(tmp_path: Path) -> None:
    path, about = tmp_path / "faults.json", {"command": "c", "seed": 42}
    assert _known(path, about, []) == {"cases": []}
    cases = [{"kind": "SIGKILL", "number": 0}, {"kind": "SIGKILL", "number": 2}, {"kind": "SIGTERM", "number": 0}]
    stored = {"about": {**about, "date": "today"}, "undisturbed": {"seconds": 60}, "cases": cases}
    path.write_text(json.dumps(stored))
    assert _known(path, about, []) == stored
    assert list(_plan(["SIGKILL", "SIGTERM"], 3, cases)) == [("SIGKILL", 1), ("SIGTERM", 1), ("SIGTERM", 2)]
    assert _known(path, about, ["SIGKILL"]) == {**stored, "cases": cases[2:]}
    assert _known(path, {**about, "seed": 43}, []) == {"cases": []}


@pytest.mark.parametrize("how", ["cut short", "overwritten"])
@pytest.mark.parametrize("size", [1, 1000, 200_000])
def test_damage_changes_content_and_leaves_rights_and_times(how: str, size: int, tmp_path: Path) -> None:
    project = Project(tmp_path / "project", ROOT, PARAMS)
    path = project.folder / "a" / "b.npy"
    path.parent.mkdir()
    path.write_bytes(before := random.Random(0).randbytes(size))
    path.chmod(0o444)
    os.utime(path, ns=(10, 20))
    assert "a/b.npy" in damage(how, "a/*.npy", project, random.Random(1))
    assert path.read_bytes() != before
    assert len(path.read_bytes()) < size if how == "cut short" else len(path.read_bytes()) == size
    assert (path.stat().st_mode & 0o777, path.stat().st_mtime_ns) == (0o444, 20)


def test_what_is_mounted_for_a_run_is_seen_by_it_alone(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", ROOT, PARAMS)
    (project.folder / "data").mkdir()
    if subprocess.run(["unshare", "--map-root-user", "--mount", "true"], check=False).returncode:
        pytest.skip("no user namespaces here")
    (project.folder / "dvc.yaml").write_text("stages: {a: {cmd: touch data/a, outs: [data/a]}}")
    process = project.start(mounted="mount -t tmpfs tmpfs data && mount -o remount,ro data")
    output, _ = process.communicate()
    assert "Read-only file system" in output
    assert process.returncode != 0
    status, output = project.repro()
    assert status == 0, output


@pytest.mark.slow
def test_a_killed_run_ends_as_one_that_is_not(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "bench.faults",
        "--tiny",
        "--faults",
        "SIGKILL",
        "--times",
        "1",
        "--out",
        str(tmp_path),
    ]
    output = run(command, ROOT)
    (case,) = json.loads((tmp_path / "faults.json").read_text())["cases"]
    assert case["same"], output
    assert (case["orphans"], case["left_over"]) == (0, [])
