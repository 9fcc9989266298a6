"""The command as people type it: exit codes, what it prints, what it writes."""

import shutil
from pathlib import Path

import pytest
from conftest import SMALL_PARAMS

from multilabel.cli import main
from multilabel.core.yaml_files import read_yaml

COMPETITION = "recipes/competition.yaml"
RECIPE = """\
datasets:
  captions: {format: competition, label_names: coco}
architectures:
  words: {dataset: captions, baseline: tfidf_logreg}
ablations: {}
explanations: {}
submission: {}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(SMALL_PARAMS, tmp_path / "params.yaml")
    Path("recipes").mkdir()
    Path(COMPETITION).write_text(RECIPE)


def test_the_recipe_is_written_and_the_next_step_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("my archive.zip").touch()
    main(["apply", COMPETITION, "-S", "datasets.captions.source=my archive.zip"])
    printed = capsys.readouterr().out
    assert printed.startswith(f"params.yaml holds {COMPETITION} now: captions from my archive.zip, ")
    assert "next: dvc repro; to undo: git checkout params.yaml" in printed
    params = read_yaml(Path("params.yaml"))
    assert list(params["datasets"]) == ["captions"]
    assert params["architectures"] == read_yaml(Path(COMPETITION))["architectures"]
    main(["apply", COMPETITION])
    assert capsys.readouterr().out == f"params.yaml holds {COMPETITION} already\n"


def test_a_dry_run_shows_the_difference_and_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    main(["apply", COMPETITION, "-S", "seed=7", "--dry-run"])
    lines = capsys.readouterr().out.splitlines()
    assert "-seed: 42  # of training" in lines
    assert "+seed: 7  # of training" in lines
    assert Path("params.yaml").read_bytes() == SMALL_PARAMS.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["apply", "no.yaml"], 1, "error: no.yaml: no such recipe; choose one of: recipes/"),
        (
            ["apply", COMPETITION, "-S", "datasets.captions.source=no.zip"],
            1,
            "error: datasets.captions.source: 'no.zip'",
        ),
        (["apply"], 2, "the following arguments are required: recipe"),
        (["aply"], 2, "invalid choice: 'aply'"),
        ([], 2, "required: subcommand"),
    ],
)
def test_mistakes(arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    words = str(end.value.code) if code == 1 else capsys.readouterr().err
    assert message in words
    assert (end.value.code == 2) == (code == 2)
    assert code == 2 or "\n" not in words
    assert Path("params.yaml").read_bytes() == SMALL_PARAMS.read_bytes()


def test_outside_of_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path / "recipes")
    with pytest.raises(SystemExit, match=r"error: params.yaml: cannot be read .*; run in the folder of the project"):
        main(["apply", "competition.yaml"])


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("multilabel ")
