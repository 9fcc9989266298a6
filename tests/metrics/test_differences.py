"""Intervals of differences hold what they promise: the truth lies inside as often as they say, by simulation."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import false_discovery_control, ttest_rel

from multilabel.metrics import differences
from multilabel.metrics.differences import (
    NOTHING,
    Difference,
    Variance,
    agrees_with_published,
    holm,
    paired_difference,
)
from multilabel.metrics.resampling import Replicates, replicates
from multilabel.metrics.statistics import Estimate

RECORDS, WORLDS, RESAMPLES = 60, 1000, 300
SPREAD = 0.3  # of F1 between records
RANDOM = np.random.default_rng(0)
WEIGHTS = RANDOM.multinomial(RECORDS, np.full(RECORDS, 1 / RECORDS), size=RESAMPLES) / RECORDS
PAIRS = [(3, 3), (1, 3), (5, 5), (3, 2), (2, 2)]  # seeds of both runs


@pytest.fixture(autouse=True)
def _each_quantile_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulation asks for thousands of quantiles: interpolate between some, to four digits."""
    freedoms, original = np.geomspace(1, 1e4, 2000), differences.student
    quantiles = [original(freedom) for freedom in freedoms]

    def student(freedom: float, level: float = 0.05) -> float:
        if level != pytest.approx(0.05):
            return original(freedom, level)
        return float(np.interp(freedom, freedoms, quantiles))

    monkeypatch.setattr(differences, "student", student)


def trained(records: NDArray, seeds: int, of_seeds: float, of_both: float, random: np.random.Generator) -> NDArray:
    """(..., S, N) of F1: what (..., N) records are like, what a seed does to all (in errors that records cause), to each."""
    shape = (*records.shape[:-1], seeds)
    to_all = random.normal(0, of_seeds * SPREAD / np.sqrt(RECORDS), (*shape, 1))
    return records[..., None, :] + to_all + random.normal(0, of_both, (*shape, RECORDS))


def of_means(scores: NDArray, chance: bool = True) -> Replicates:
    """Of the mean over (S, N) scores."""
    return Replicates(scores.mean(axis=1), WEIGHTS @ scores.T, RECORDS, chance)


def covered(first: int, second: int, of_seeds: tuple[float, float], of_both: float, chance: bool = True) -> float:
    """How often the interval holds the true difference of 0, over records and seeds drawn anew each time.

    Half of what makes records easy or hard is the same for both runs.
    """
    random, inside = np.random.default_rng(1), 0
    alike = random.normal(0.7, SPREAD / 2, (WORLDS, RECORDS))
    own, other = (
        trained(alike + random.normal(0, SPREAD / 2, alike.shape), seeds, noise, of_both, random)
        for seeds, noise in zip((first, second), of_seeds, strict=True)
    )
    for mine, its in zip(own, other, strict=True):
        found = paired_difference(of_means(mine), of_means(its, chance)).interval()
        inside += found.low <= 0 <= found.high
    return inside / WORLDS


@pytest.mark.parametrize("of_both", [0.02, 0.3])
@pytest.mark.parametrize("of_seeds", [0, 1, 4])
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_intervals_over_records_and_seeds_cover_the_truth(
    first: int, second: int, of_seeds: float, of_both: float
) -> None:
    share = covered(first, second, (of_seeds, of_seeds), of_both)
    print(f"{first} against {second} seeds, seeds {of_seeds}, interaction {of_both}: {share:.1%} covered")
    assert 0.93 <= share <= (0.99 if (first, second) == (2, 2) else 0.97)  # two seeds each: too wide


@pytest.mark.parametrize("measure", ["f1_micro", "f1_macro"])
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_intervals_of_ratios_of_counts_cover_the_truth(first: int, second: int, measure: str) -> None:
    """Label sets of records that are easy or hard for both, by runs of which each seed has a skill of its own."""
    random, worlds, inside, labels = np.random.default_rng(2), 300, 0, 4
    for _ in range(worlds):
        targets = (random.random((RECORDS, labels)) < 0.4).astype(np.uint8)
        ease = random.normal(0.8, 0.12, (RECORDS, 1))
        runs = []
        for seeds in (first, second):
            skill = ease + random.normal(0, 0.04, (seeds, 1, 1))
            wrong = random.random((seeds, RECORDS, labels)) > skill
            runs.append(replicates(targets, (targets ^ wrong).astype(np.uint8), 100, 0)[measure])
        found = paired_difference(*runs).interval()
        inside += found.low <= 0 <= found.high
    print(f"{first} against {second} seeds, {measure}: {inside / worlds:.1%} covered")
    assert 0.92 <= inside / worlds <= 0.98  # give or take two standard deviations of 300 worlds


def test_the_interval_does_not_depend_on_which_run_comes_first() -> None:
    runs = [of_means(trained(RANDOM.normal(0.7, SPREAD, RECORDS), seeds, 1, 0.1, RANDOM)) for seeds in (3, 1)]
    one, other = paired_difference(*runs), paired_difference(*runs[::-1])
    assert (one.interval().low, one.p) == pytest.approx((-other.interval().high, other.p))


def test_a_run_that_leaves_nothing_to_chance_against_one_that_does() -> None:
    assert 0.92 <= covered(3, 3, (2, 0), 0.02) <= 0.98
    assert 0.93 <= covered(3, 1, (1, 0), 0.0, chance=False) <= 0.97


def test_one_seed_each_leaves_the_records() -> None:
    first, second = (of_means(RANDOM.normal(0.7, SPREAD, (1, RECORDS))) for _ in range(2))
    found = paired_difference(first, second)
    assert found.of_seeds == NOTHING
    assert found.of_records.value == pytest.approx(
        np.var(first.resampled[:, 0] - second.resampled[:, 0], ddof=1), rel=1e-9
    )


def test_without_seeds_p_is_that_of_the_paired_t_test() -> None:
    own, other = RANDOM.normal(0.75, SPREAD, RECORDS), RANDOM.normal(0.65, SPREAD, RECORDS)
    difference = own - other
    found = Difference(difference.mean(), Variance(difference.var(ddof=1) / RECORDS, RECORDS - 1), NOTHING)
    assert found.p == pytest.approx(ttest_rel(own, other).pvalue, rel=1e-6)
    assert (found.interval(found.p).low) == pytest.approx(0, abs=1e-9)


def test_equal_runs_differ_by_nothing() -> None:
    same = of_means(np.full((3, RECORDS), 0.7))
    assert paired_difference(same, same).interval() == Estimate(0.0, 0.0, 0.0)
    assert paired_difference(same, same).p == 1.0
    other = of_means(np.full((3, RECORDS), 0.6))
    assert paired_difference(same, other).p == pytest.approx(0.0)


def test_holm_is_the_step_down_of_bonferroni() -> None:
    adjusted = holm([0.01, 0.04, 0.03, 0.005])
    assert adjusted == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.3]) == [0.3]
    assert holm([]) == []
    some = [0.001, 0.2, 0.02, 0.9]
    later = false_discovery_control(some)  # controls less, so it never asks for more
    assert all(found >= other for found, other in zip(holm(some), later, strict=True))


def test_claims_without_truth_are_called_wrongly_in_one_table_of_twenty() -> None:
    tables = np.random.default_rng(4).random((2000, 6))
    wrong = np.mean([min(holm(list(table))) < 0.05 for table in tables])
    assert 0.035 <= wrong <= 0.065


@pytest.mark.parametrize(("n_ours", "n_published"), [(300, 60), (100, 400)])
@pytest.mark.parametrize(("seeds", "of_seeds"), [(1, 0), (3, 0), (3, 2)])
def test_the_same_procedure_on_other_records_agrees_with_what_it_printed(
    n_ours: int, n_published: int, seeds: int, of_seeds: float
) -> None:
    random, inside = np.random.default_rng(3), 0
    error = of_seeds * 0.25 / np.sqrt(n_ours)
    tested, printed = random.normal(0.8, 0.25, (WORLDS, n_ours)), random.normal(0.8, 0.25, (WORLDS, n_published))
    for ours, theirs in zip(tested, printed.mean(axis=1) + random.normal(0, error, WORLDS), strict=True):
        runs = ours.mean() + random.normal(0, error, seeds)
        half = 1.96 * ours.std(ddof=1) / np.sqrt(n_ours)
        estimate = Estimate(runs.mean(), runs.mean() - half, runs.mean() + half)
        spread = float(runs.std(ddof=1)) if seeds > 1 else 0.0
        inside += agrees_with_published(round(float(theirs), 4), 4, n_published, estimate, n_ours, seeds, spread)
    assert 0.93 <= inside / WORLDS <= 0.975
