"""What is known of a run: kept results before what this checkout ran, and nothing is lost in keeping."""

import json
import runpy
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import ROOT, run
from evidence_of import evidence
from repository import PARAMS, STUDIES

from multilabel.core.errors import UserError
from multilabel.studies.evidence import COMMON_RULE, Evidence, Kept, Results, gather, paired

FILES = ["f1_per_record.parquet", "history.csv", "manifest.json", "per_label.csv", "scores.json"]


KEEP: dict[str, Any] = runpy.run_path(str(STUDIES / "stages" / "keep.py"))


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a study outside this repository."""
    monkeypatch.setitem(KEEP["keep"].__globals__, "STUDIES", tmp_path)
    (tmp_path / "r4").mkdir()
    return tmp_path / "r4"


def keep(study: Path) -> list[str]:
    """The names of the runs that are kept afterwards."""
    KEEP["keep"](study.name)
    return sorted(Results(study / "results").scores)


def same(kept: Evidence, fresh: Evidence) -> None:
    assert kept.scores == json.loads(json.dumps(fresh.scores))
    for rule in (None, COMMON_RULE):
        pd.testing.assert_series_equal(
            kept.source.f1_per_record(rule), fresh.source.f1_per_record(rule), check_index_type=False, check_exact=True
        )
    pd.testing.assert_frame_equal(
        kept.source.per_label().reset_index(drop=True), fresh.source.per_label(), check_exact=True
    )
    for curve in ("train/loss", "lr"):
        own, its = kept.source.curve(curve), fresh.source.curve(curve)
        assert own is not None
        assert its is not None
        assert own.to_dict("list") == its.to_dict("list")
    assert kept.source.curve("valid/loss") is None
    assert kept.source.examples() == fresh.source.examples()


def test_nothing_is_lost_when_runs_are_kept_in_five_files(study: Path) -> None:
    first = evidence(study, "first", [1 / 3, 0.2, 1.0], [0.5, 0.1, 0.9])
    assert keep(study) == ["first"]
    second = evidence(study, "second", [0.7, 0.1 + 0.2, 0.0], scale="cpu")
    first = evidence(study, "first", [2 / 3, 0.2, 1.0], seeds=[1, 2])  # ran again: the new one replaces the old
    assert keep(study) == ["first", "second"]
    assert sorted(path.name for path in (study / "results").iterdir()) == FILES
    results = Results(study / "results")
    for fresh in (first, second):
        same(Evidence(fresh.run, results.scores[fresh.run], Kept(results, fresh.run)), fresh)
    made = results.manifest["runs"]["first"]
    assert made["command"] == "dvc repro studies/dvc.yaml:run@first"
    assert made["seeds"] == [1, 2]
    assert made["versions"]["torch"]


def test_a_run_with_other_test_records_is_kept_beside_the_others(study: Path) -> None:
    evidence(study, "long", [0.1, 0.2, 0.3])
    evidence(study, "short", [0.4])
    keep(study)
    results = Results(study / "results")
    assert Kept(results, "short").f1_per_record().index.tolist() == ["0.jpg"]
    assert len(Kept(results, "long").f1_per_record()) == 3


def test_the_smoke_scale_and_generated_data_are_not_kept(study: Path) -> None:
    evidence(study, "good", [0.9])
    evidence(study, "small", [0.9], scale="smoke")
    evidence(study, "generated", [0.9], data="generated")
    assert keep(study) == ["good"]


def test_an_unknown_study_is_one_line(study: Path) -> None:
    with pytest.raises(UserError, match=r"r9: no such study; name one of the folders of \S+$"):
        KEEP["keep"]("r9")


def test_a_kept_run_is_better_evidence_than_a_smoke_run(study: Path) -> None:
    evidence(study, "a", [0.9])
    keep(study)
    for name in ("a", "b"):
        evidence(study, name, [0.1], scale="smoke", data="generated")
    known = gather(["a", "b", "unknown"], study)
    assert [e.label for e in known["a"]] == ["full, real.zip", "smoke, generated"]
    assert list(known) == ["a", "b"]
    assert [known["a"][0].trial, known["b"][0].trial] == [False, True]


def test_runs_are_paired_on_the_same_records_alone(tmp_path: Path) -> None:
    first, second = evidence(tmp_path, "a", [0.9, 0.7, 0.8]), evidence(tmp_path, "b", [0.5, 0.4, 0.3])
    found = paired(first, second)
    assert found is not None
    assert found.value == pytest.approx(0.4)
    assert found.low < 0.4 < found.high
    assert paired(first, evidence(tmp_path, "c", [0.5, 0.4])) is None
    assert paired(first, evidence(tmp_path, "d", [0.5, 0.4, 0.3], scale="cpu")) is None


@pytest.mark.parametrize("study_name", PARAMS)
def test_what_this_repository_keeps_is_whole(study_name: str) -> None:
    """Five files at most; every run has scores that are the mean of its records, labels, curves, and how it was made."""
    folder = STUDIES / study_name / "results"
    assert sorted(path.name for path in folder.iterdir()) == FILES
    results = Results(folder)
    assert set(results.scores) == set(results.manifest["runs"]) == set(results.manifest["examples"])
    assert set(results.scores) <= set(PARAMS[study_name]["runs"])
    for name, scores in results.scores.items():
        kept = Kept(results, name)
        records = kept.f1_per_record()
        assert len(records) == scores["test_records"]
        assert records.mean() == pytest.approx(scores["scores"]["f1_samples"], abs=1e-6)
        assert kept.per_label()["support"].sum() > 0
        assert kept.curve("valid/f1_samples") is not None
        assert scores["scale"] != "smoke"
        assert scores["data"] != "generated"


def test_studies_are_few_files() -> None:
    """Beside the scripts of their stages: what they share, and eight files for each report."""
    tracked = [path for path in run(["git", "ls-files", "studies"], ROOT).splitlines() if "/stages/" not in path]
    assert len(tracked) <= 3 + 8 * len(PARAMS)
