"""What is known of a run: kept results before what this checkout ran, and nothing is lost in keeping."""

import json
import runpy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, run
from evidence_of import evidence, truth
from repository import PARAMS, STUDIES
from sklearn.metrics import precision_recall_fscore_support

from multilabel.core.errors import UserError
from multilabel.metrics.statistics import f1_per_record
from multilabel.studies.evidence import Evidence, Kept, Results, gather, kept_as, paired
from multilabel.studies.predicted_sets import AS_REPORTED, COMMON_RULE, RULES, predicted_sets

FILES = ["history.csv", "manifest.json", "per_label.csv", "predicted.parquet", "scores.json"]


KEEP: dict[str, Any] = runpy.run_path(str(STUDIES / "stages" / "keep.py"))


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a study outside this repository."""
    monkeypatch.setitem(KEEP["keep"].__globals__, "STUDIES", tmp_path)
    (tmp_path / "r4").mkdir()
    return tmp_path / "r4"


def keep(study: Path) -> list[str]:
    """What is kept afterwards."""
    KEEP["keep"](study.name)
    return sorted(Results(study / "results").scores)


def same(kept: Evidence, fresh: Evidence) -> None:
    assert kept.scores == json.loads(json.dumps(fresh.scores))
    for rule in RULES:
        own, its = kept.sets(rule), fresh.sets(rule)
        assert own.ids.tolist() == its.ids.tolist()
        np.testing.assert_array_equal(own.targets, its.targets)
        np.testing.assert_array_equal(own.by_seed, its.by_seed)
    pd.testing.assert_frame_equal(kept.source.per_label(), fresh.source.per_label(), check_exact=True)
    pd.testing.assert_frame_equal(kept.source.history(), fresh.source.history(), check_exact=True)
    assert kept.source.curve("nothing") is None
    assert kept.source.examples() == fresh.source.examples()


def test_nothing_is_lost_when_runs_are_kept_in_five_files(study: Path) -> None:
    first = evidence(study, "first", 0.9)
    assert keep(study) == ["first@full"]
    second = evidence(study, "second", [0.7, 0.6], scale="laptop", curves={"train/loss": [0.1 + 0.2, 1 / 3]})
    first = evidence(study, "first", [0.8, 0.9, 0.8])  # ran again: the new one replaces the old
    assert keep(study) == ["first@full", "second@laptop"]
    assert sorted(path.name for path in (study / "results").iterdir()) == FILES
    results = Results(study / "results")
    for fresh in (first, second):
        key = kept_as(fresh.scores)
        same(Evidence(fresh.run, results.scores[key], Kept(results, key)), fresh)
    made = results.manifest["runs"]["first@full"]
    assert made["command"] == f"dvc repro studies/dvc.yaml:run@{study.name}_group"
    assert made["seeds"] == [1, 2, 3]
    assert made["versions"]["torch"]


@pytest.mark.parametrize("ran", ["first", "second"])
def test_where_keeping_fails_what_was_kept_stays(study: Path, ran: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = evidence(study, "first")
    keep(study)
    evidence(study, ran, [0.5, 0.4, 0.3])

    def full(*arguments: Any, **options: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(OSError, match="no space left"):
        keep(study)
    monkeypatch.undo()
    results = Results(study / "results")
    assert list(results.scores) == ["first@full"]
    assert results.scores["first@full"] == before.scores
    assert sorted(path.name for path in study.iterdir()) == ["metrics", "results"]


def test_runs_with_other_records_and_without_curves_are_kept_beside_the_others(study: Path) -> None:
    evidence(study, "long", targets=truth(30))
    evidence(study, "short", targets=truth(1), curves={})
    keep(study)
    results = Results(study / "results")
    assert predicted_sets(Kept(results, "short@full").predicted(), COMMON_RULE).ids.tolist() == ["0.jpg"]
    assert len(Kept(results, "long@full").predicted()) == 30
    assert Kept(results, "short@full").curve("train/loss") is None


def test_scores_of_labels_are_means_over_seeds(study: Path) -> None:
    targets = truth(60)
    targets[:, -1] = 0  # a label that occurs nowhere
    found = evidence(study, "first", [0.9, 0.6, 0.7], targets=targets)
    sets = found.sets(AS_REPORTED)
    every = [
        precision_recall_fscore_support(sets.targets, own, average=None, zero_division=0)[:3] for own in sets.by_seed
    ]
    expected = np.mean(every, axis=0)
    own = found.per_label()
    assert own.index.tolist() == found.source.per_label()["label"].tolist()
    for name, values in zip(("precision", "recall", "f1"), expected, strict=True):
        np.testing.assert_allclose(own[name].to_numpy()[: len(values)], values)
        assert not own[name].to_numpy()[len(values) :].any()


def test_scores_of_which_no_predictions_were_kept_are_no_evidence(study: Path) -> None:
    evidence(study, "first")
    keep(study)
    (study / "results/predicted.parquet").unlink()
    assert Results(study / "results").scores == {}
    shutil.rmtree(study / "results")
    shutil.rmtree(study / "metrics")
    assert gather(["first"], study) == {}


def test_the_smoke_scale_and_generated_data_are_not_kept(study: Path) -> None:
    evidence(study, "good")
    evidence(study, "small", scale="smoke")
    evidence(study, "generated", data="generated")
    assert keep(study) == ["good@full"]


def test_an_unknown_study_is_one_line(study: Path) -> None:
    with pytest.raises(UserError, match=r"r9: no such study; name one of the folders of \S+$"):
        KEEP["keep"]("r9")


def test_a_kept_run_is_better_evidence_than_a_smoke_run(study: Path) -> None:
    evidence(study, "a")
    keep(study)
    for name in ("a", "b"):
        evidence(study, name, scale="smoke", data="generated")
    known = gather(["a", "b", "unknown"], study)
    assert [e.label for e in known["a"]] == ["full, real.zip", "smoke, generated"]
    assert list(known) == ["a", "b"]
    assert [known["a"][0].trial, known["b"][0].trial] == [False, True]


def test_runs_are_paired_on_the_same_records_alone(tmp_path: Path) -> None:
    first, second = evidence(tmp_path, "a", 0.9), evidence(tmp_path, "b", 0.6)
    found = paired(first, second, "f1_micro", AS_REPORTED)
    assert found is not None
    assert found.value == pytest.approx(first.scores["scores"]["f1_micro"] - second.scores["scores"]["f1_micro"])
    assert found.interval().low > 0
    others = evidence(tmp_path, "c", targets=truth(50)), evidence(tmp_path, "d", targets=truth(200, seed=1))
    for other in (*others, evidence(tmp_path, "e", scale="laptop")):
        assert paired(first, other, "f1_micro", AS_REPORTED) is None
    assert paired(first, second, "map", AS_REPORTED) is None  # which needs probabilities
    alone = [evidence(tmp_path, name, targets=truth(1)) for name in ("f", "g")]
    assert paired(*alone, "f1_micro", AS_REPORTED) is None  # of one record nothing is known


def test_a_run_is_kept_at_every_scale_that_it_had(study: Path) -> None:
    for scale in ("laptop", "full"):
        evidence(study, "a", scale=scale)
        keep(study)
    shutil.rmtree(study / "metrics")
    assert [known.label for known in gather(["a"], study)["a"]] == ["full, real.zip", "laptop, real.zip"]


@pytest.mark.parametrize("study_name", PARAMS)
def test_what_this_repository_keeps_is_whole(study_name: str) -> None:
    """Every run has predictions that give its scores, labels, curves, and how it was made."""
    folder = STUDIES / study_name / "results"
    results = Results(folder)
    assert sorted(path.name for path in folder.iterdir()) == (FILES if results.scores else ["manifest.json"])
    assert set(results.scores) == set(results.manifest["runs"]) == set(results.manifest["examples"])
    assert {scores["run"] for scores in results.scores.values()} <= set(PARAMS[study_name]["runs"])
    for name, scores in results.scores.items():
        kept = Kept(results, name)
        sets = predicted_sets(kept.predicted(), AS_REPORTED)
        assert len(sets.ids) == scores["test_records"]
        f1 = [f1_per_record(sets.targets, own).mean() for own in sets.by_seed]
        assert np.mean(f1) == pytest.approx(scores["scores"]["f1_samples"], abs=1e-5)
        assert kept.per_label()["support"].sum() > 0
        assert kept.curve("valid/f1_samples") is not None
        assert scores["scale"] != "smoke"
        assert scores["data"] != "generated"


def test_studies_are_few_files() -> None:
    """Beside the scripts of their stages: what they share, and eight files for each report."""
    tracked = [path for path in run(["git", "ls-files", "studies"], ROOT).splitlines() if "/stages/" not in path]
    assert len(tracked) <= 3 + 8 * len(PARAMS)
