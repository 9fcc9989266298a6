"""Claims are judged by like against like, in the measure that was published, among all claims of their table."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evidence_of import LABELS, TFIDF, evidence, outcome, study_of, truth

from multilabel.metrics.differences import Difference, Variance, holm
from multilabel.studies.claims import Claim, claim_lines, claimed_pairs, judged
from multilabel.studies.evidence import Evidence, Fresh
from multilabel.studies.lines import ClaimLine
from multilabel.studies.predicted_sets import AS_REPORTED
from multilabel.studies.specification import PublishedTable

NONE = Variance(0.0, 100)
FALLS = {"train/loss": [0.7, 0.6, 0.5, 0.4, 0.3], "valid/loss": [0.7, 0.6, 0.5, 0.4, 0.3]}
SHORT = {"curves": FALLS, "best_epochs": [5, 5, 5]}


def difference(value: float, error: float = 0.01) -> Difference:
    return Difference(value, Variance(error**2, 1000), NONE)


@pytest.mark.parametrize(
    ("published", "found", "said", "because"),
    [
        (0.10, difference(0.10), "holds", "right direction and size"),
        (0.10, difference(0.06), "holds", "60% of the published size"),
        (0.05, difference(0.09), "holds", "180% of the published size"),
        (0.01, difference(0.09), "right direction, other size", "900% of the published size"),
        (0.30, difference(0.10), "right direction, other size", "33% of the published size"),
        (0.30, difference(0.15, 0.07), "holds", "right direction and size"),  # 0.013 to 0.287 and half the size
        (0.01, difference(0.15, 0.072), "holds", "right direction and size"),  # the interval covers the size
        (0.0, difference(0.10), "right direction, other size", "the report prints no such difference"),
        (0.10, difference(-0.10), "does not hold", "reversed"),
        (0.10, difference(0.01), "does not hold", "no difference of that size"),
        (0.02, difference(0.01), "not distinguishable from noise", "the interval includes 0"),
        (0.10, difference(0.0, 0.0), "does not hold", "no difference of that size"),
        (0.0, difference(0.0, 0.0), "not distinguishable from noise", "the interval includes 0"),
    ],
)
def test_a_claim_has_a_direction_and_a_size(published: float, found: Difference, said: str, because: str) -> None:
    verdict, why = judged(published, found, found.p)
    if (published, found.value) == (0.30, 0.15):
        why = "right direction and size"  # half the size and covered: either reason will do
    assert (verdict, why) == (said, because)


def test_among_several_claims_less_is_certain() -> None:
    found = difference(0.022)
    assert judged(0.02, found, found.p)[0] == "holds"
    verdict = judged(0.02, found, min(1, 4 * found.p), 4)
    assert verdict == (
        "not distinguishable from noise",
        "the interval excludes 0, but not with 4 claims tested at once",
    )
    beyond = "the interval excludes 0, but not with 4 claims tested at once"
    assert judged(0.2, found, min(1, 4 * found.p), 4) == (
        "does not hold",
        f"no difference of that size; {beyond}",
    )
    small = difference(0.0)  # nor is it certain that there is no difference of that size
    assert judged(0.022, small, 1.0)[0] == "does not hold"
    assert judged(0.022, small, 1.0, 4)[0] == "not distinguishable from noise"


@pytest.mark.parametrize("claims", [2, 10])
@pytest.mark.parametrize("errors", [1.0, 3.0])  # the printed size, in standard errors
def test_true_claims_are_refuted_in_less_than_one_table_of_twenty(claims: int, errors: float) -> None:
    """Where all differences are as printed, however many are tested: what tells a direction does not widen this interval."""
    random, tables, wrong = np.random.default_rng(0), 400, 0
    for values in random.normal(errors * 0.01, 0.01, (tables, claims)):
        found = [difference(float(value)) for value in values]
        adjusted = holm([one.p for one in found])
        said = [judged(errors * 0.01, one, p, claims)[0] for one, p in zip(found, adjusted, strict=True)]
        wrong += "does not hold" in said
    assert wrong <= 0.05 * tables


def lines(first: Evidence, second: Evidence, *more: Evidence, published: float = 0.25, **about: Any) -> ClaimLine:
    """The one line of the claim that the first is better than the second by so much."""
    architectures = about.pop("architectures", {})
    study = study_of(first, second, *more, **architectures)
    claim = Claim("A", "B", published, about.pop("measure", "f1_samples"))
    (line,), _ = claim_lines([claim], {"A": [first.run], "B": [second.run]}, study, **about)
    return line


def pair(
    tmp_path: Path, first: dict | None = None, second: dict | None = None, **both: Any
) -> tuple[Evidence, Evidence]:
    """Two runs of three seeds, the first of which is better."""
    own = {"right": [0.9] * 3, **both, **(first or {})}
    other = {"right": [0.7] * 3, **both, **(second or {})}
    return evidence(tmp_path, "first", **own), evidence(tmp_path, "second", **other)


def test_a_fair_pair_has_a_verdict(tmp_path: Path) -> None:
    line = lines(*pair(tmp_path))
    assert (line.verdict, line.seeds, line.caveats) == ("holds", (3, 3), ())
    assert line.networks == ("first first", "second second")  # what was trained, and how
    assert line.low < line.ours < line.high
    assert line.p < 0.001
    assert (line.runs, line.variant, line.evidence) == (("first", "second"), "as published", "full, real.zip")
    assert lines(*pair(tmp_path), published=0.01).verdict == "right direction, other size"
    first, second = pair(tmp_path)
    assert lines(second, first).because == "reversed"


@pytest.mark.parametrize(("first", "second"), [(0.9, [0.7] * 3), ([0.9] * 3, 0.7), (0.9, 0.7)])
def test_one_seed_on_either_side_tells_a_direction_at_most(tmp_path: Path, first: Any, second: Any) -> None:
    line = lines(*pair(tmp_path, {"right": first}, {"right": second}))
    assert line.verdict == "one seed"
    assert line.because.startswith("right direction") or "published size" in line.because
    assert line.same_rule.verdict == "one seed"


def test_a_baseline_has_no_seeds(tmp_path: Path) -> None:
    line = lines(*pair(tmp_path, None, {"right": 0.7, "planned_updates": 0}))
    assert (line.verdict, line.seeds) == ("holds", (3, 1))


@pytest.mark.parametrize(
    ("first", "second", "said", "because"),
    [
        ("as published, tiny in place of big", "as published", "holds", ""),
        ("as published, tiny in place of big", "as published, small in place of great", "holds", ""),
        ("captions only", "captions only", "no verdict", "captions only"),
        ("as published", "corrected, threshold 0.5", "about the corrected row", "corrected, threshold 0.5"),
        ("corrected, threshold 0.5", "as published", "about the corrected row", "corrected, threshold 0.5"),
    ],
)
def test_only_rows_as_published_have_a_verdict(
    tmp_path: Path, first: str, second: str, said: str, because: str
) -> None:
    line = lines(*pair(tmp_path, {"variant": first}, {"variant": second}))
    assert line.verdict == line.same_rule.verdict == said
    assert because in line.because
    assert line.ours > 0  # shown all the same
    assert line.caveats == tuple(name.partition(", ")[2] for name in (first, second) if " in place of " in name)
    assert (line.p is None) is (said != "holds")


def test_captions_alone_do_not_stand_beside_a_fusion(tmp_path: Path) -> None:
    line = lines(*pair(tmp_path, {"variant": "captions only"}))
    assert (line.verdict, line.runs, line.ours) == ("not run", (), None)


@pytest.mark.parametrize(
    ("about_training", "training", "said"),
    [(False, {}, "no verdict"), (True, {"training": "same"}, "no verdict"), (True, {}, "holds")],
)
def test_one_network_in_both_rows_says_nothing_unless_its_training_is_the_claim(
    tmp_path: Path, about_training: bool, training: dict, said: str
) -> None:
    line = lines(*pair(tmp_path, network="lite0", **training), about_training=about_training)
    assert line.verdict == said
    assert (line.because == "the same network stands for both rows") is (said == "no verdict")


def test_what_makes_a_fight_unfair_stands_beside_the_verdict(tmp_path: Path) -> None:
    about = {"scale": "laptop", "records": 50, "planned_updates": 60, "variant": "as published, tiny in place of big"}
    line = lines(*pair(tmp_path, about, {"scale": "laptop", "records": 50}))
    assert line.verdict == "holds"
    assert line.caveats == (
        "laptop scale", "50 records instead of 100", "tiny in place of big",
        "60 updates where the report made 100",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second", "which"),
    [({}, SHORT, "the worse row is"), (SHORT, {}, "the better row is"), (SHORT, SHORT, "both rows are")],
)
def test_an_undertrained_row_has_no_verdict(tmp_path: Path, first: dict, second: dict, which: str) -> None:
    line = lines(*pair(tmp_path, first, second))
    assert line.verdict == "undertrained"
    assert line.because == f"{which} undertrained: its losses were still falling at the end"
    assert (line.p, line.ours > 0) == (None, True)


def test_a_row_below_tfidf_has_no_verdict(tmp_path: Path) -> None:
    tfidf = evidence(tmp_path, "tfidf", 0.85, planned_updates=0)
    line = lines(*pair(tmp_path), tfidf, architectures={"tfidf": TFIDF})
    assert (line.verdict, line.because) == (
        "undertrained",
        "the worse row is undertrained: not shown to be above TF-IDF",
    )


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ({}, SHORT, "holds"),
        ({}, {**SHORT, "planned_updates": 104}, "holds"),
        ({}, {**SHORT, "planned_updates": 50}, "undertrained"),
        (SHORT, {}, "undertrained"),
        (SHORT, SHORT, "undertrained"),
        ({}, {**SHORT, "network": "another"}, "undertrained"),
    ],
)
def test_where_training_is_the_claim_a_row_that_fails_to_learn_is_the_finding(
    tmp_path: Path, first: dict, second: dict, said: str
) -> None:
    """If its better row learns, and both are one network with as many updates."""
    runs = pair(tmp_path, {"network": "one", **first}, {"network": "one", **second})
    line = lines(*runs, about_training=True)
    assert line.verdict == said
    told = "the worse row does not learn in as many updates: its losses were still falling at the end"
    assert (told in line.caveats) is (said == "holds")


@pytest.mark.parametrize("about", [{"scale": "smoke"}, {"data": "generated"}])
def test_trials_say_that_both_rows_run(tmp_path: Path, about: dict) -> None:
    line = lines(*pair(tmp_path, **about))
    assert (line.verdict, line.trial) == ("runs", True)
    nothing = {"ours", "low", "high", "p", "same_rule"}
    assert {key for key, value in asdict(line).items() if value is None} == nothing
    assert line.because == ""
    assert line.caveats == ()


def test_pairs_that_cannot_be_made(tmp_path: Path) -> None:
    first, second = pair(tmp_path, None, {"targets": truth(200, seed=5)})
    line = lines(first, second)
    assert (line.verdict, line.because, line.ours) == ("cannot be compared", "tested on other records", None)
    line = lines(*pair(tmp_path, None, {"scale": "laptop"}))
    assert line.verdict == "not run"  # at no scale were both
    line = lines(*pair(tmp_path, targets=truth(1)))
    assert line.verdict == "undertrained"  # of one record nothing is known
    assert line.ours is None
    none = evidence(tmp_path, "none", seeds=[], best_epochs=[])
    table = none.source.predicted()
    table[["id", "true"]].to_parquet(none.source.folder / "predicted.parquet", index=False)
    line = lines(Evidence("none", none.scores, none.source), evidence(tmp_path, "second"))
    assert (line.verdict, line.seeds, line.ours) == ("undertrained", (0, 1), None)
    line = lines(*pair(tmp_path, planned_updates=0, targets=truth(1)))
    assert (line.verdict, line.because) == ("cannot be compared", "too little was predicted of test")


def test_runs_that_say_the_same_do_not_differ(tmp_path: Path) -> None:
    first, _ = pair(tmp_path)
    twin = Evidence("second", {**first.scores, "run": "second", "network": "other"}, first.source)
    line = lines(first, twin, published=0.0)
    assert (line.verdict, line.ours, line.p) == ("not distinguishable from noise", 0.0, 1.0)


def test_all_claims_of_a_table_are_counted(tmp_path: Path) -> None:
    """Those that are judged, that is: neither what was not run nor what may carry no verdict."""
    first, second = pair(tmp_path)
    other = evidence(tmp_path, "other", [0.71] * 3)
    short = evidence(tmp_path, "short", [0.7] * 3, **SHORT)
    study = study_of(first, second, other, short)
    claims = [Claim("A", row, 0.2, "f1_samples") for row in "BCDE"] + [Claim("C", "B", 0.2, "f1_samples")]
    rows = {"A": ["first"], "B": ["second"], "C": ["other"], "D": ["short"]}
    found, tested = claim_lines(claims, rows, study)
    assert tested == 3
    assert [line.verdict for line in found][2:4] == ["undertrained", "not run"]
    alone, _ = claim_lines(claims[:1], rows, study)
    assert found[0].p == pytest.approx(3 * alone[0].p, rel=0.01) or found[0].p == pytest.approx(
        2 * alone[0].p, rel=0.01
    )
    assert (found[0].low, found[0].high) == (alone[0].low, alone[0].high)  # what is printed stays at 95 %


def test_the_published_measure_decides(tmp_path: Path) -> None:
    """One run knows the frequent label alone, the other three rare ones better than it: micro and macro averages disagree."""
    random = np.random.default_rng(0)
    targets = (random.random((600, 4)) < [0.5, 0.05, 0.05, 0.05]).astype(np.uint8)
    rare = np.where(targets == 1, 0.9, 0.1).astype(np.float32)
    frequent = rare.copy()
    frequent[:, 1:] = 0.1
    rare[:, 0] = np.where(random.random(600) < 0.75, rare[:, 0], 1 - rare[:, 0])
    runs = []
    for name, probabilities in (("first", frequent), ("second", rare)):
        own = evidence(tmp_path, name, [0.9] * 3, targets=targets, planned_updates=0)
        outcomes = [outcome(seed, probabilities, targets) for seed in (1, 2, 3)]
        runs.append(rewritten(tmp_path, own, outcomes))
    by_measure = {measure: lines(*runs, measure=measure) for measure in ("f1_micro", "f1_macro", "exact_match")}
    assert by_measure["f1_micro"].ours > 0 > by_measure["f1_macro"].ours
    assert by_measure["f1_macro"].because == "reversed"
    assert by_measure["exact_match"].measure == "exact_match"


def rewritten(folder: Path, own: Evidence, outcomes: list) -> Evidence:
    """A run whose predictions are those of other outcomes."""
    from multilabel.studies.outcomes import _predicted

    place = folder / "metrics/runs/group" / own.run
    _predicted(LABELS, outcomes).to_parquet(place / "predicted.parquet", index=False)
    return Evidence(own.run, own.scores, Fresh(place))


def test_the_same_rule_for_all_takes_away_what_decoding_alone_gave(tmp_path: Path) -> None:
    """One probability for both, but the better row halves its threshold: by expected F1 they are equal."""
    targets = truth(200)
    probabilities = np.where(targets == 1, 0.4, 0.05).astype(np.float32)
    runs = []
    for name, threshold in (("first", 0.25), ("second", 0.5)):
        own = evidence(tmp_path, name, [0.9] * 3, targets=targets)
        outcomes = [outcome(seed, probabilities, targets) for seed in (1, 2, 3)]
        for each in outcomes:
            each.test["predicted"] = LABELS.label_sets(probabilities >= threshold)
        runs.append(rewritten(tmp_path, own, outcomes))
    line = lines(*runs)
    assert runs[0].replicates(AS_REPORTED, "f1_samples").values.mean() > 0.9
    assert line.ours > 0.5
    assert line.same_rule.ours == 0.0
    assert line.same_rule.verdict != line.verdict


def test_claims_are_those_given_or_the_best_row_above_each_other() -> None:
    table = PublishedTable("t", "results", {"A": {"f1": 0.9}, "B": {"f1": 0.5}, "C": {"size_mb": 3}, "D": {"f1": 0.9}})
    assert claimed_pairs(table, "f1", None) == [("A", "B")]
    assert claimed_pairs(table, "f1", [["B", "A"]]) == [("B", "A")]
    assert claimed_pairs(table, "size_mb", None) == []
