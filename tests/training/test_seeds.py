"""`seeds: 3`: three trainings behind every score, one model to predict with."""

from pathlib import Path

import numpy as np
import pytest
from conftest import TRAIN

from multilabel.core.errors import UserError
from multilabel.core.files import read_json, write_json
from multilabel.models.evaluation import EvaluationSettings, evaluate
from multilabel.models.folder import size_mb
from multilabel.models.limits import Limits
from multilabel.training.architectures import resolve
from multilabel.training.fitting import fit

GRU = {"dataset": "captions", "text": {"encoder": "gru", "embedding": 8, "hidden": 8}}
SETTINGS = EvaluationSettings(n_resamples=200)


def test_scores_are_means_over_trainings_and_the_first_predicts(tiny_dataset: str) -> None:
    alone = []
    for seed in (4, 5, 6):
        fit(resolve("gru", {"gru": GRU}, TRAIN, seed), Path(f"alone/{seed}"), Path(f"curves/{seed}"))
        alone.append(evaluate(Path(f"alone/{seed}"), SETTINGS, Limits()))
    fit(resolve("gru", {"gru": {**GRU, "seeds": 3}}, TRAIN, 4), Path("model"), Path("curves/all"))
    found = evaluate(Path("model"), SETTINGS, Limits())
    assert (found.row["seeds"], found.row["seed"]) == (3, 4)
    scores = [one.row["f1_samples"] for one in alone]
    assert found.row["f1_samples"] == pytest.approx(np.mean(scores))
    assert found.row["f1_samples_sd"] == pytest.approx(np.std(scores, ddof=1))
    assert found.row["map"] == pytest.approx(np.mean([one.row["map"] for one in alone]))
    assert found.row["f1_samples_ci_low"] <= found.row["f1_samples"] <= found.row["f1_samples_ci_high"]
    assert found.predictions.equals(alone[0].predictions)
    assert found.f1_by_seed is not None
    assert found.f1_by_seed.mean().tolist() == pytest.approx(scores)
    for folder, seconds in (("model", 3600), ("model/seeds/5", 3600), ("model/seeds/6", 10_800)):
        path = Path(folder) / "training.json"
        write_json(path, read_json(path) | {"seconds": seconds})
    assert evaluate(Path("model"), SETTINGS, Limits(gpu_hours=2)).row["within_limits"] == "yes"
    assert evaluate(Path("model"), SETTINGS, Limits(gpu_hours=1.5)).row["within_limits"] == "no"  # as the mean, 1.67 h
    assert size_mb(Path("model")) == pytest.approx(size_mb(Path("alone/4")), rel=0.01)
    assert {path.name for path in Path("model/seeds").iterdir()} == {"5", "6"}
    assert Path("curves/all/plots/seeds/6/plots/metrics/valid/loss.tsv").exists()
    found.save(Path("predictions"))
    assert {path.name for path in Path("predictions").iterdir()} == {
        "test.parquet",
        "decodings.csv",
        "f1_by_seed.parquet",
    }


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({**GRU, "seeds": 0}, "architectures.a.seeds: input should be greater than or equal to 1, got 0"),
        ({**GRU, "seeds": [1, 2]}, r"architectures.a.seeds: input should be a valid integer, got \[1, 2\]"),
        ({"dataset": "captions", "baseline": "constant", "seeds": 3}, "architectures.a.seeds: a baseline leaves nothing to chance"),
    ],
)  # fmt: skip
def test_seeds_that_cannot_be_meant(block: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        resolve("a", {"a": block}, TRAIN, 1)
