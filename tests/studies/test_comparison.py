"""Verdicts: a figure is compared with its like alone, and a claim by the paired interval."""

from pathlib import Path

import numpy as np
import pytest
from evidence_of import evidence

from multilabel.studies import comparison
from multilabel.studies.comparison import claim_lines, claimed_pairs, our_figure, verdict
from multilabel.studies.specification import PublishedTable


@pytest.mark.parametrize(
    ("published", "about", "said", "because"),
    [
        (0.505, {}, "holds", "within the error of both"),
        (0.60, {}, "does not hold", "outside the error of both"),
        (0.50, {"scale": "smoke"}, "cannot be compared", "smoke scale"),
        (0.50, {"data": "generated"}, "cannot be compared", "generated data"),
        (0.50, {"records": 10}, "cannot be compared", "10 records instead of 100"),
        (0.50, {"weights": "random", "from_scratch": False}, "cannot be compared", "no pretrained weights"),
        (0.50, {"variant": "captions only"}, "cannot be compared", "not as published"),
    ],
)
def test_a_figure_is_compared_only_with_its_like(
    tmp_path: Path, published: float, about: dict, said: str, because: str
) -> None:
    ours = our_figure("f1", evidence(tmp_path, "a", [0.5] * 4, **about), None, 100)
    assert verdict(published, ours) == (said, because)


def test_a_figure_in_print_has_a_sampling_error_of_its_own(tmp_path: Path) -> None:
    """Ours is 0.500 within 0.490 to 0.510; 0.513 on as many records of theirs differs by no more than chance."""
    many = {"records": 10_000, "test_records": 2_000}
    ours = our_figure("f1", evidence(tmp_path, "a", [0.5] * 4, **many), None, 10_000)
    assert ours.records == (2_000, 2_000)
    assert verdict(0.513, ours)[0] == "holds"
    assert verdict(0.516, ours)[0] == "does not hold"
    more = our_figure("f1", evidence(tmp_path, "b", [0.5] * 4, **many), None, 11_000)
    assert more.records == (2_000, 2_200)


def test_a_figure_in_print_comes_from_one_run(tmp_path: Path) -> None:
    """Where seeds move our score, they moved theirs."""
    many = {"records": 10_000, "test_records": 2_000, "seeds": [1, 2, 3, 4, 5], "f1_samples_sd": 0.02}
    ours = our_figure("f1", evidence(tmp_path, "a", [0.5] * 4, **many), None, 10_000)
    assert verdict(0.54, ours)[0] == "holds"
    assert verdict(0.60, ours)[0] == "does not hold"


@pytest.mark.parametrize(("size", "said"), [(100.0, "holds"), (103.4, "holds"), (96.4, "does not hold")])
def test_a_size_is_compared_at_any_scale(tmp_path: Path, size: float, said: str) -> None:
    ours = our_figure("size_mb", evidence(tmp_path, "a", [0.5], scale="smoke"), size, 100)
    assert verdict(100.0, ours)[0] == said


def test_times_are_those_of_another_machine(tmp_path: Path) -> None:
    ours = our_figure("train_minutes", evidence(tmp_path, "a", [0.5]), None, 100)
    assert (ours.value, ours.caveats) == (1.0, ("another machine",))
    ratio = our_figure("f1_test_per_100_mb", evidence(tmp_path, "a", [0.5]), 25.0, 100)
    assert ratio.value == 2.0


@pytest.mark.parametrize(
    ("shift", "about", "published", "said", "because"),
    [
        (0.1, {}, 0.1, "holds", "right direction and size (one seed)"),
        (0.1, {}, 0.01, "holds", "right direction, 9"),
        (0.1, {"from_scratch": False, "weights": "random"}, 0.1, "holds", "(one seed, no pretrained weights)"),
        (0.1, {}, 0.18, "holds", "right direction, 55% of the size (one seed)"),
        (0.1, {}, 0.9, "does not hold", "right direction, 11% of the size (one seed)"),
        (0.1, {"seeds": [1, 2], "f1_samples_sd": 0.08}, 0.1, "not distinguishable from noise", "(2 against 2 seeds)"),
        (-0.1, {}, 0.1, "does not hold", "reversed"),
        (0.0, {}, 0.5, "does not hold", "no difference of that size"),
        (0.0, {}, 0.001, "not distinguishable from noise", "the interval includes 0"),
        (0.1, {"scale": "smoke"}, 0.1, "cannot be compared", "shows only that the row runs"),
    ],
)
def test_a_claim_is_judged_by_the_paired_interval(
    tmp_path: Path, shift: float, about: dict, published: float, said: str, because: str
) -> None:
    draw = np.random.default_rng(0)
    base = draw.random(400) * 0.5
    first = evidence(tmp_path, "first", list(base + shift + draw.normal(0, 0.05, 400)), **about)
    second = evidence(tmp_path, "second", list(base), **about)
    table = PublishedTable("t", "results", {"A": {"f1": 0.1 + published}, "B": {"f1": 0.1}})
    pairs = claimed_pairs(table, "f1", None)
    known = {"first": [first], "second": [second]}
    (line,) = claim_lines(pairs, table, "f1", {"A": ["first"], "B": ["second"]}, known)
    assert (line["better"], line["worse"]) == ("A", "B")
    assert line["verdict"] == said
    assert because in line["because"]
    assert line["published"] == pytest.approx(published)


@pytest.mark.parametrize(
    ("first", "second", "compared"),
    [
        ("as published", "as published", True),
        ("as published, tiny in place of big", "as published", True),
        ("as published", "corrected, threshold 0.5", True),
        ("captions only", "as published", False),
    ],
)
def test_variants_of_one_kind_are_compared(tmp_path: Path, first: str, second: str, compared: bool) -> None:
    known = {
        "a": [evidence(tmp_path, "a", [0.9, 0.8], variant=first)],
        "b": [evidence(tmp_path, "b", [0.5, 0.6], variant=second)],
    }
    table = PublishedTable("t", "results", {"A": {"f1": 0.9}, "B": {"f1": 0.5}})
    assert bool(claim_lines([("A", "B")], table, "f1", {"A": ["a"], "B": ["b"]}, known)) is compared


def test_a_count_is_the_same_or_not_and_generated_data_say_nothing() -> None:
    line = comparison.counted("person", "records", 10, 10, {"data": "real.zip"})
    assert (line["verdict"], line["difference"]) == ("holds", 0)
    assert comparison.counted("person", "records", 10, 11, {"data": "real.zip"})["verdict"] == "does not hold"
    assert comparison.counted("person", "records", 10, 10, {"data": "generated"})["verdict"] == "cannot be compared"
