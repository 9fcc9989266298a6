"""Prose about several runs: a share of time, a loss of score, a hurdle; of runs that can be held against each other."""

from pathlib import Path
from typing import Any

import pytest
from evidence_of import evidence, study_of

from multilabel.studies.evidence import Evidence
from multilabel.studies.lines import CANNOT, NOT_RUN, RUNS, FigureLine
from multilabel.studies.specification import PublishedTable
from multilabel.studies.statement_tables import StatementsTable


def scored(folder: Path, name: str, seconds: float, f1_macro: float, f1_samples: float, **about: Any) -> Evidence:
    scores = {"train_seconds": seconds, "predict_seconds": 1.0, "f1_macro": f1_macro, "f1_samples": f1_samples}
    return evidence(folder, name, 0.8, scores=scores, **about)


def said(measure: str, runs: list[str], *known: Evidence) -> FigureLine:
    block = StatementsTable(runs="group", published="text", statements={"row": {measure: runs}})
    printed = PublishedTable("Text", "results", {"row": {measure: 0.6}})
    (line,) = block.content(printed, study_of(*known)).figures
    return line


def test_time_is_saved_on_one_device(tmp_path: Path) -> None:
    fast, slow = scored(tmp_path, "fast", 30, 0.7, 0.8), scored(tmp_path, "slow", 120, 0.72, 0.8)
    line = said("time_saved", ["fast", "slow"], fast, slow)
    assert (line.ours, line.verdict) == (0.75, CANNOT)
    assert line.caveats == ("another machine", "both on cpu x1")
    lost = said("f1_macro_lost", ["fast", "slow"], fast, slow)
    assert lost.ours == pytest.approx(0.02)
    other = scored(tmp_path, "other", 120, 0.72, 0.8, device="cuda x1")
    line = said("time_saved", ["fast", "other"], fast, other)
    assert (line.ours, line.because) == (None, "its two runs are of different devices")


def test_a_statement_about_an_undertrained_network_says_so(tmp_path: Path) -> None:
    fast, slow = scored(tmp_path, "fast", 30, 0.7, 0.8), scored(tmp_path, "slow", 120, 0.72, 0.8)
    assert said("time_saved", ["fast", "slow"], fast, slow).undertrained is None
    constant = evidence(tmp_path, "constant", 0.0, scores=fast.scores["scores"])
    line = said("time_saved", ["fast", "constant"], fast, constant)
    assert line.undertrained == "not shown to be above the constant answer"


def test_a_hurdle_is_told_by_all_networks_that_take_it(tmp_path: Path) -> None:
    known = [scored(tmp_path, name, 60, macro, test) for name, macro, test in
             (("a", 0.71, 0.88), ("b", 0.9, 0.95), ("c", 0.69, 0.5))]  # fmt: skip
    line = said("f1_test_at_least", ["a"], *known)
    assert (line.ours, line.verdict) == (0.88, CANNOT)
    assert "the lowest of 2 of 3 networks" in line.caveats
    line = said("f1_test_at_least", [], known[2])
    assert (line.ours, line.because) == (None, "none of 1 networks reaches 0.70")


def test_runs_of_other_data_and_trials_say_nothing(tmp_path: Path) -> None:
    real, trial = scored(tmp_path, "real", 60, 0.8, 0.9), scored(tmp_path, "trial", 1, 0.9, 0.1, scale="smoke")
    assert said("time_saved", ["trial", "real"], trial, real).verdict == NOT_RUN
    assert said("time_saved", ["trial", "missing"], trial).verdict == NOT_RUN
    assert said("f1_test_at_least", [], trial, real).ours == 0.9
    line = said("f1_test_at_least", [], trial)
    assert (line.ours, line.difference, line.verdict) == (None, None, RUNS)
