"""A published figure is compared with its like alone; sizes have a tolerance, trials and other variants say nothing."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evidence_of import evidence, guessed, network, study_of, truth

from multilabel.studies import comparison
from multilabel.studies.comparison import Figure, figure_line, our_figure, size_line, verdict


def line(tmp_path: Path, published: float, *, report_records: int = 100, **about: Any) -> comparison.FigureLine:
    own = evidence(tmp_path, "a", 0.8, **about)
    study = study_of(own, records=report_records)
    return figure_line("RNN", "f1", published, own, our_figure("f1", own, None, study))


@pytest.mark.parametrize(
    ("published", "about", "said", "because", "caveats"),
    [
        (0.0, {}, "holds", "within the error of both", ()),
        (0.2, {}, "does not hold", "outside the error of both", ()),
        (0.0, {"scale": "laptop"}, "cannot be compared", "", ("laptop scale",)),
        (0.0, {"records": 10}, "cannot be compared", "", ("10 records instead of 100",)),
        (0.0, {"weights": "random", "from_scratch": False}, "cannot be compared", "", ("no pretrained weights",)),
        (0.0, {"variant": "as published, tiny in place of big"}, "cannot be compared", "", ("tiny in place of big",)),
        (0.0, {"planned_updates": 50}, "cannot be compared", "", ("50 updates where the report made 100",)),
        (0.0, {"variant": "captions only"}, "no verdict", "captions only", ("captions only",)),
        (0.0, {"curves": {}}, "undertrained", "no curve shows how its training ended", ()),
    ],
)
def test_a_figure_is_compared_only_with_its_like(
    tmp_path: Path, published: float, about: dict, said: str, because: str, caveats: tuple[str, ...]
) -> None:
    ours = evidence(tmp_path, "a", 0.8).scores["scores"]["f1_samples"]
    found = line(tmp_path, ours + published, **about)
    assert (found.verdict, found.because, found.caveats) == (said, because, caveats)
    assert found.ours == pytest.approx(ours)


def test_a_row_that_was_put_right_is_as_small_as_the_others(tmp_path: Path) -> None:
    found = line(tmp_path, 0.8, variant="corrected, a lower rate", scale="laptop", records=10)
    assert found.caveats == ("laptop scale", "10 records instead of 100", "corrected, a lower rate")


@pytest.mark.parametrize("about", [{"scale": "smoke"}, {"data": "generated"}])
def test_a_trial_shows_that_it_runs_and_nothing_that_could_be_taken_for_a_result(tmp_path: Path, about: dict) -> None:
    found = line(tmp_path, 0.8, **about)
    assert (found.verdict, found.because, found.trial) == ("runs", "", True)
    assert {found.ours, found.low, found.high, found.difference, found.same_rule, found.undertrained} == {None}


def test_another_variant_has_a_row_of_its_own_without_a_difference(tmp_path: Path) -> None:
    found = line(tmp_path, 0.8, variant="captions only")
    assert (found.row, found.difference) == ("RNN, captions only", None)
    assert line(tmp_path, 0.8).row == "RNN"
    assert line(tmp_path, 0.8, variant="as published, tiny in place of big").row == "RNN"


def test_a_figure_stands_beside_that_of_the_rule_that_is_the_same_for_all(tmp_path: Path) -> None:
    """At 0.5 a network of low probabilities leaves sets empty; by expected F1 none is."""
    targets = truth(200)
    low = evidence(tmp_path, "a", targets=targets)
    ours, common = low.scores["scores"]["f1_samples"], low.scores["common"]["scores"]["f1_samples"]
    found = line(tmp_path, ours)
    assert found.same_rule is not None
    assert found.same_rule.ours == common != ours
    assert found.same_rule.low < common < found.same_rule.high
    own = evidence(tmp_path, "a")
    assert our_figure("map", own, None, study_of(own)).same_rule is None  # no score of sets


def test_a_figure_in_print_has_a_sampling_error_of_its_own() -> None:
    """Ours is 0.500 within 0.490 to 0.510; 0.513 on as many records of theirs differs by no more than chance."""
    ours = Figure(0.5, 0.49, 0.51, records=(2_000, 2_000))
    assert verdict(0.513, ours)[0] == "holds"
    assert verdict(0.516, ours)[0] == "does not hold"
    assert verdict(0.516, replace(ours, records=(2_000, 500)))[0] == "holds"


def test_a_figure_in_print_comes_from_one_run() -> None:
    """Where seeds move our score, they moved theirs."""
    ours = Figure(0.5, 0.49, 0.51, records=(2_000, 2_000), seeds=5, deviation=0.02)
    assert verdict(0.54, ours)[0] == "holds"
    assert verdict(0.60, ours)[0] == "does not hold"


def test_the_error_of_a_figure_is_that_of_its_measure(tmp_path: Path) -> None:
    own = evidence(tmp_path, "a", [0.7, 0.8, 0.9])
    study = study_of(own, records=1_000)
    micro, samples = (our_figure(measure, own, None, study) for measure in ("f1_micro", "f1"))
    assert micro.deviation == own.scores["spread"]["f1_micro"] != samples.deviation > 0
    assert (micro.seeds, micro.records) == (3, (200, 2_000))


@pytest.mark.parametrize(
    ("published", "ours", "said"),
    [
        (100.0, 100.9, "holds"),
        (100.0, 101.1, "does not hold"),
        (10.0, 10.4, "holds"),
        (10.0, 10.6, "does not hold"),
        (10.0, None, "cannot be compared"),
    ],
)
def test_a_size_may_differ_by_half_a_megabyte_or_a_hundredth(
    tmp_path: Path, published: float, ours: float | None, said: str
) -> None:
    own = evidence(tmp_path, "a", scale="smoke")
    found = size_line("row", published, study_of(own, size_mb=ours).declared["a"])
    assert (found.verdict, found.trial) == (said, False)  # it is that of the network as declared, whatever was trained


@pytest.mark.parametrize("variant", ["captions only", "as published, tiny in place of big", "corrected, threshold"])
def test_the_size_of_another_network_is_not_compared(tmp_path: Path, variant: str) -> None:
    own = evidence(tmp_path, "a", variant=variant)
    found = size_line("row", 100.0, study_of(own, size_mb=100.0).declared["a"])
    assert (found.verdict, found.ours, found.because) == ("cannot be compared", None, "not as published")
    assert found.row == ("row" if variant.startswith("as published") else f"row, {variant.partition(',')[0]}")


def test_times_are_those_of_another_machine(tmp_path: Path) -> None:
    own = evidence(tmp_path, "a")
    ours = our_figure("train_minutes", own, None, study_of(own))
    assert (ours.value, ours.caveats) == (1.0, ("another machine",))
    ratio = our_figure("f1_test_per_100_mb", own, 25.0, study_of(own))
    assert ratio.value == pytest.approx(own.scores["scores"]["f1_samples"] * 4)


def test_what_differs_from_the_report_is_said(tmp_path: Path) -> None:
    own = evidence(tmp_path, "a", scale="laptop", image_size=96, planned_updates=20, coco_exposed="yes")
    declared = network()
    declared["model"] |= {"image": {"size": 224}, "dataset": "captions"}
    assert study_of(own, a=declared).caveats(own) == [
        "laptop scale", "weights that have read COCO's captions", "96 px instead of 224",
        "20 updates where the report made 100",
    ]  # fmt: skip
    own = evidence(tmp_path, "b", scale="laptop", coco_exposed="yes")  # of books it says nothing
    books = network(epochs=1)
    books["model"]["dataset"] = "books"
    assert study_of(own, b=books).caveats(own) == ["laptop scale", "4 epochs instead of 1, of fewer records"]
    books["train"]["epochs"] = 20
    stopped = study_of(own, b=books)
    early = replace(stopped, report=replace(stopped.report, early_stopping=True))
    assert early.caveats(own)[-1] == "100 updates where the report made at most 200"


def test_hostile_runs_leave_no_figure(tmp_path: Path) -> None:
    """One record, and a run of which a score is missing."""
    targets = truth(1)
    own = evidence(tmp_path, "a", targets=targets)
    ours = our_figure("f1", own, None, study_of(own))
    assert (ours.value, ours.undertrained) == (None, "too little was predicted of test")
    assert verdict(0.5, ours) == ("cannot be compared", "this run has no such figure")
    assert guessed(np.zeros((0, 4)), 0.5, 0).shape == (0, 4)


def test_a_count_is_the_same_or_not_and_generated_data_say_nothing() -> None:
    found = comparison.counted("person", "records", 10, 10, {"data": "real.zip"})
    assert (found.verdict, found.difference) == ("holds", 0)
    assert comparison.counted("person", "records", 10, 11, {"data": "real.zip"}).verdict == "does not hold"
    made_up = comparison.counted("person", "records", 10, 10, {"data": "generated"})
    assert (made_up.verdict, made_up.trial, made_up.ours) == ("runs", True, None)
