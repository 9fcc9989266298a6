"""Which model is submitted."""

import json
import runpy
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import ROOT, TRAIN

from multilabel.core.errors import UserError
from multilabel.core.paths import model_folder
from multilabel.data.dataset import load_unlabelled
from multilabel.training.architectures import resolve
from multilabel.training.fitting import fit

NAMES = ("first", "second", "third")
submission = runpy.run_path(str(ROOT / "src/submission.py"))["submission"]


@pytest.fixture
def trained(tiny_dataset: str) -> str:
    """Three models of one kind for a dataset."""
    blocks = {name: {"dataset": tiny_dataset, "baseline": {"name": "tfidf_logreg", "min_df": 1}} for name in NAMES}
    for name in NAMES:
        fit(resolve(name, blocks, TRAIN, seed=0), model_folder(tiny_dataset, name), Path("curves"))
    params = yaml.safe_load(Path("params.yaml").read_text())
    params |= {"architectures": blocks, "limits": {}}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    return tiny_dataset


def chosen(dataset: str, metric: str, scores: list[float | None]) -> dict[str, object]:
    """What is submitted if these are the models' scores on valid."""
    params = yaml.safe_load(Path("params.yaml").read_text())
    Path("params.yaml").write_text(yaml.safe_dump(params | {"submission": {dataset: {"select_by": metric}}}))
    for name, score in zip(NAMES, scores, strict=True):
        path = model_folder(dataset, name) / "training.json"
        training = json.loads(path.read_text())
        training["valid"][metric] = score
        path.write_text(json.dumps(training))
    submission(dataset)
    return json.loads(Path(f"metrics/submission/{dataset}.json").read_text())


def test_the_best_on_valid_is_submitted_in_the_direction_of_the_metric(trained: str) -> None:
    assert chosen(trained, "map", [0.3, 0.8, 0.5])["architecture"] == "second"
    summary = chosen(trained, "hamming", [0.3, None, 0.1])
    assert summary["architecture"] == "third"
    assert summary["valid_hamming"] == {"first": 0.3, "second": None, "third": 0.1}
    table = pd.read_csv(f"data/submission/{trained}.csv", dtype=str)
    assert table["ImageID"].tolist() == load_unlabelled(trained)[0]
    assert summary["rows"] == len(table)


def test_a_model_of_several_seeds_is_as_good_as_their_mean(trained: str) -> None:
    lucky = model_folder(trained, "first")
    for seed in ("1", "2"):
        shutil.copytree(lucky, lucky / "seeds" / seed, ignore=shutil.ignore_patterns("seeds"))
        training = json.loads((lucky / "training.json").read_text())
        training["valid"]["map"] = 0.25
        (lucky / "seeds" / seed / "training.json").write_text(json.dumps(training))
    summary = chosen(trained, "map", [0.75, 0.5, 0.25])
    assert summary["architecture"] == "second"
    assert summary["valid_map"] == {"first": pytest.approx(1.25 / 3, abs=1e-6), "second": 0.5, "third": 0.25}


def test_a_score_that_valid_does_not_allow_chooses_nothing(trained: str) -> None:
    with pytest.raises(
        UserError, match=r"submission.captions.select_by: map cannot be computed of the records of valid"
    ):
        chosen(trained, "map", [None, None, None])
