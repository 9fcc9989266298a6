"""What `make drop-examples` takes out, and that what it leaves is whole."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, SMALL_PARAMS, STUDIES, commit, run

from multilabel.cli import main
from multilabel.core.errors import UserError
from multilabel.core.yaml_files import read_yaml
from multilabel.drop_examples import examples
from multilabel.params import read

PARAMS = Path("params.yaml")
OWN = {
    "datasets": {"mine": {"format": "table", "source": "x.csv", "columns": {"id": "id", "labels": "labels", "text": "text"}}},
    "architectures": {"mine_tfidf": {"dataset": "mine", "baseline": "tfidf_logreg"}},
}  # fmt: skip
PAGE = (
    "kept\n\n<!-- examples -->\n\ngone\n\n<!-- end of examples -->\n\nkept <!-- a remark -->\ngone <!-- example -->\n"
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tests' examples and a dataset of one's own, with results of both, all committed."""
    monkeypatch.chdir(tmp_path)
    params = yaml.safe_load(SMALL_PARAMS.read_text())
    for section, blocks in OWN.items():
        params[section] |= blocks
    PARAMS.write_text(yaml.safe_dump(params, sort_keys=False))
    stages = [f"{stage}@{name}" for stage in ("train", "evaluate") for name in ("textcnn", "mine_tfidf")]
    lock = {"schema": "2.0", "stages": {name: {"cmd": "x", "outs": [{"path": "y"}]} for name in ["resolve", *stages]}}
    Path("dvc.lock").write_text(yaml.safe_dump(lock, sort_keys=False))
    for name in ("textcnn", "mine_tfidf"):
        for path in (
            f"metrics/evaluate/{name}.json",
            f"metrics/train/{name}/metrics.json",
            f"data/resolved/{name}.json",
        ):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text("{}")
    artifacts = {name: {"path": f"models/best/{name}"} for name in ("captions", "books", "mine")}
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": {}, "artifacts": artifacts}))
    Path("studies").mkdir()
    Path("studies/params.yaml").write_text("studies: {}\n")
    Path("README.md").write_text(PAGE)
    run(["git", "init", "-q"], tmp_path)
    commit(tmp_path)
    return tmp_path


def test_what_is_ones_own_stays(here: Path) -> None:
    main(["drop-examples"])
    params = read_yaml(PARAMS)
    assert {section: params[section] for section in OWN} == OWN
    assert [params[section] for section in ("ablations", "explanations", "submission")] == [{}, {}, {}]
    read()
    assert list(read_yaml(Path("dvc.lock"))["stages"]) == ["train@mine_tfidf", "evaluate@mine_tfidf"]
    left = sorted(str(path) for folder in ("metrics", "data") for path in Path(folder).rglob("*.json"))
    own = ["data/resolved/mine_tfidf.json", "metrics/evaluate/mine_tfidf.json", "metrics/train/mine_tfidf/metrics.json"]
    assert left == own
    assert Path("README.md").read_text() == "kept\n\nkept <!-- a remark -->\n"
    assert list(read_yaml(Path("dvc.yaml"))["artifacts"]) == ["mine"]
    assert not Path("studies").exists()
    assert Path("data/explanations/.gitkeep").exists()  # the report depends on the folder, which a clone would lack


def test_a_dry_run_changes_nothing(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["drop-examples", "--dry-run"])
    assert "datasets: books, captions\n" in capsys.readouterr().out
    assert run(["git", "status", "--porcelain"], here) == ""


def test_what_nothing_could_bring_back_is_not_deleted(here: Path) -> None:
    Path("studies/params.yaml").write_text("studies: {mine: {dataset: books}}\n")
    with pytest.raises(
        SystemExit,
        match=r"studies/params.yaml: changed since the last commit, or not in it, and would be deleted; commit",
    ):
        main(["drop-examples"])
    assert "textcnn" in read_yaml(PARAMS)["architectures"]


def test_a_recipe_that_git_does_not_know_yet_is_not_deleted(here: Path) -> None:
    Path("recipes").mkdir()
    Path("recipes/mine.yaml").write_text("seed: 1\n")
    with pytest.raises(SystemExit, match=r"recipes/mine.yaml: changed .*, or move what is your own elsewhere"):
        main(["drop-examples"])
    assert Path("recipes/mine.yaml").exists()


def test_data_of_ones_own_that_are_called_as_examples_are_stay(here: Path) -> None:
    own = ["data/in/books.csv", "data/mine/captions/1.png", "data/books/x.csv", "data/raw/mine/textcnn/1.png",
           "models/books/by_hand/weights.safetensors", "models/mine/textcnn.json", "metrics/bench/books.json"]  # fmt: skip
    of_examples = ["data/raw/books/records.parquet", "data/splits/books.parquet", "models/books/books_tfidf_logreg/model.json",
                   "models/captions/textcnn/model.json", "data/predictions/no_attention/test.parquet"]  # fmt: skip
    for path in (*own, *of_examples):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch()
    Path(".gitignore").write_text("/data/\n/models/\n")
    commit(here)
    main(["drop-examples"])
    assert [path for path in own if not Path(path).exists()] == []
    assert [path for path in of_examples if Path(path).exists()] == []
    assert not Path("models/captions").exists()  # nothing of one's own was in it


def test_all_that_stages_write_for_an_example_goes(here: Path) -> None:
    """As dvc.yaml has it, so that a new output is not forgotten here."""
    params = read_yaml(PARAMS)
    outputs = []
    for stage in read_yaml(ROOT / "dvc.yaml")["stages"].values():
        section = str(stage.get("foreach", "")).strip("${}")
        for name, block in (params[section] if section else {}).items():
            written = [*stage["do"].get("outs", []), *stage["do"].get("metrics", [])]
            paths = [path if isinstance(path, str) else next(iter(path)) for path in written]
            own = name.startswith("mine")
            outputs += [
                (own, path.replace("${key}", name).replace("${item.dataset}", str(block.get("dataset"))))
                for path in paths
            ]
    for _, path in outputs:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch()
    commit(here)
    main(["drop-examples"])
    assert len(outputs) > 30
    assert [path for own, path in outputs if Path(path).exists() != own] == []


@pytest.mark.parametrize(
    ("section", "given", "message"),
    [
        ("datasets", {"mine": None}, "error: datasets.mine: 'format' is missing; write `format: <name>` there"),
        ("datasets", [1], "error: datasets: expected blocks by name, got [1]; write `datasets: {}` for none"),
        ("ablations", {"small": 3}, "error: ablations.small: expected a block of settings, got 3"),
    ],
)
def test_a_mistake_in_the_parameters_is_a_line(here: Path, section: str, given: object, message: str) -> None:
    PARAMS.write_text(yaml.safe_dump({**read_yaml(PARAMS), section: given}))
    with pytest.raises(SystemExit) as end:
        main(["drop-examples"])
    assert message in str(end.value.code)


def test_what_builds_on_an_example_is_named(here: Path) -> None:
    params = read_yaml(PARAMS)
    params["architectures"]["mine_cnn"] = {"base": "textcnn", "dataset": "mine"}
    PARAMS.write_text(yaml.safe_dump(params, sort_keys=False))
    said = r"without its examples, params.yaml has a mistake: .*'textcnn' in architectures.mine_cnn.base"
    with pytest.raises(UserError, match=said):
        examples()


@pytest.mark.slow
@pytest.mark.skipif(not STUDIES.exists(), reason="the examples are gone")
def test_this_repository_is_whole_without_its_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in run(["git", "ls-files"], ROOT).splitlines():
        if (ROOT / name).exists():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    run(["git", "init", "-q"], tmp_path)
    commit(tmp_path)
    monkeypatch.chdir(tmp_path)
    main(["drop-examples"])
    assert [read_yaml(PARAMS)[section] for section in ("datasets", "architectures")] == [{}, {}]
    tests = ["docs", "test_params.py", "test_recipes.py", "cli", "pipeline/test_dvc_yaml.py", "pipeline/test_code.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(f"tests/{name}" for name in tests)]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "src")}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout
