"""Which model is released, and what of it."""

import json
import runpy
import shutil
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, TRAIN

from multilabel.core.errors import UserError
from multilabel.core.paths import BEST, model_folder
from multilabel.models.folder import SEEDS
from multilabel.models.model import Model
from multilabel.training.architectures import resolve
from multilabel.training.fitting import fit

release = runpy.run_path(str(ROOT / "src/release.py"))["release"]


@pytest.fixture
def two(tiny_dataset: str) -> str:
    """A constant and TF-IDF, trained."""
    blocks = {
        "same": {"dataset": tiny_dataset, "baseline": "constant"},
        "words": {"dataset": tiny_dataset, "baseline": "tfidf_logreg"},
    }
    for name in blocks:
        fit(resolve(name, blocks, TRAIN, seed=0), model_folder(tiny_dataset, name), Path("curves"))
    params = yaml.safe_load(Path("params.yaml").read_text()) | {"architectures": blocks, "limits": {}}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    return tiny_dataset


def test_the_best_on_valid_is_released_without_its_other_trainings(two: str) -> None:
    first = model_folder(two, "words")
    shutil.copytree(first, first / SEEDS / "43", ignore=shutil.ignore_patterns(SEEDS))
    release(two)
    assert Model.load(BEST / two).settings.name == "words"
    assert not (BEST / two / SEEDS).exists()
    path = model_folder(two, "same") / "training.json"
    training = json.loads(path.read_text())
    training["valid"]["f1_samples"] = 2.0
    path.write_text(json.dumps(training))
    release(two)
    assert Model.load(BEST / two).settings.name == "same"


def test_what_breaks_the_limits_is_not_released(two: str) -> None:
    params = yaml.safe_load(Path("params.yaml").read_text()) | {"limits": {"size_mb": 1e-6}}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(
        UserError, match=r"limits: no architecture for 'captions' keeps them \(same takes .*raise limits:"
    ):
        release(two)


def test_a_dataset_that_nothing_reads_has_an_empty_folder(two: str) -> None:
    params = yaml.safe_load(Path("params.yaml").read_text()) | {"architectures": {}}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    release(two)
    assert list((BEST / two).iterdir()) == []
