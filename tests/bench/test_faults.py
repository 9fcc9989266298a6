"""The campaign of faults: it sees what it should see, and a killed run ends the same."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, run

from bench.faults import FAULTS, PARAMS, Project, _digest, _plan, nothing_left, processes_in


def test_seconds_are_not_compared_and_all_else_is(tmp_path: Path) -> None:
    paths = []
    for number, content in enumerate(
        [{"f1": 0.5, "train_seconds": 1}, {"f1": 0.5, "train_seconds": 2}, {"f1": 0.5000001, "train_seconds": 1}]
    ):
        paths.append(tmp_path / f"{number}.json")
        paths[-1].write_text(json.dumps(content))
    first, same, other = map(_digest, paths)
    assert first == same != other


def test_a_process_that_is_left_is_seen_and_ends_with_the_campaign(tmp_path: Path) -> None:
    with nothing_left(tmp_path):
        (tmp_path / "inside").mkdir()
        sleeper = subprocess.Popen([sys.executable, "-c", "input()"], cwd=tmp_path / "inside", stdin=subprocess.PIPE)
        assert processes_in(tmp_path) == [sleeper.pid]
    assert sleeper.wait() < 0
    assert processes_in(tmp_path) == []


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
    kinds = [kind for kind, _ in _plan(list(FAULTS), None)]
    assert (kinds.count("SIGKILL"), kinds.count("SIGTERM")) == (20, 10)
    assert list(_plan(["SIGKILL"], 2)) == [("SIGKILL", 0), ("SIGKILL", 1)]
    assert random.Random("42 SIGKILL 0").random() == random.Random("42 SIGKILL 0").random()


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
