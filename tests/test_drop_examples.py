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
        SystemExit, match=r"studies/params.yaml: changed since the last commit, and would be deleted; commit"
    ):
        main(["drop-examples"])
    assert "textcnn" in read_yaml(PARAMS)["architectures"]


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
