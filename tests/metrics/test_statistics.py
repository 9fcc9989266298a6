"""Intervals hold what they promise: the truth lies inside as often as they say, by simulation."""

import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import f1_score, precision_recall_fscore_support

from multilabel.metrics import statistics
from multilabel.metrics.statistics import (
    RATIOS,
    Estimate,
    Seeds,
    agrees_with_published,
    averages,
    bootstrap,
    difference_over_seeds,
    f1_of_label_sets,
    f1_per_record,
    wilson,
)

RECORDS, WORLDS = 60, 1000
SPREAD = 0.3  # of F1 between records
RANDOM = np.random.default_rng(0)
TARGETS = (RANDOM.random((80, 6)) < 0.3).astype(np.uint8)
PREDICTED = (RANDOM.random((80, 6)) < 0.3).astype(np.uint8)


@pytest.fixture(autouse=True)
def _each_quantile_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulation asks for thousands of quantiles: interpolate between some, to four digits."""
    freedoms = np.geomspace(1, 1e4, 2000)
    quantiles = [statistics.student(freedom) for freedom in freedoms]
    monkeypatch.setattr(statistics, "student", lambda freedom: float(np.interp(freedom, freedoms, quantiles)))


def trained(records: NDArray, seeds: int, of_seeds: float, of_both: float, random: np.random.Generator) -> NDArray:
    """(..., S, N) of F1: what (..., N) records are like, what a seed does to all (in errors that records cause), to each."""
    shape = (*records.shape[:-1], seeds)
    to_all = random.normal(0, of_seeds * SPREAD / np.sqrt(RECORDS), (*shape, 1))
    return records[..., None, :] + to_all + random.normal(0, of_both, (*shape, RECORDS))


def covered(first: int, second: int, of_seeds: tuple[float, float], of_both: float) -> float:
    """How often the interval holds the true difference of 0, over records and seeds drawn anew each time.

    Half of what makes records easy or hard is the same for both runs.
    """
    random, inside = np.random.default_rng(1), 0
    alike = random.normal(0.7, SPREAD / 2, (WORLDS, RECORDS))
    own, other = (
        trained(alike + random.normal(0, SPREAD / 2, alike.shape), seeds, noise, of_both, random)
        for seeds, noise in zip((first, second), of_seeds, strict=True)
    )
    differences = own.mean(axis=1) - other.mean(axis=1)
    for difference, mine, its in zip(differences, own, other, strict=True):
        found = difference_over_seeds(difference, Seeds.of(mine), Seeds.of(its))
        inside += found.low <= 0 <= found.high
    return inside / WORLDS


@pytest.mark.parametrize("of_both", [0.02, 0.3])
@pytest.mark.parametrize("of_seeds", [0, 1, 4])
@pytest.mark.parametrize(("first", "second"), [(3, 3), (1, 3), (5, 5)])
def test_intervals_over_records_and_seeds_cover_the_truth(
    first: int, second: int, of_seeds: float, of_both: float
) -> None:
    assert 0.93 <= covered(first, second, (of_seeds, of_seeds), of_both) <= 0.97


def test_the_interval_does_not_depend_on_which_run_comes_first() -> None:
    runs = [trained(RANDOM.normal(0.7, SPREAD, RECORDS), seeds, 1, 0.1, RANDOM) for seeds in (3, 1)]
    difference = runs[0].mean(axis=0) - runs[1].mean(axis=0)
    one = difference_over_seeds(difference, *map(Seeds.of, runs))
    other = difference_over_seeds(-difference, *map(Seeds.of, runs[::-1]))
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))


def test_a_run_that_leaves_nothing_to_chance_against_one_that_does() -> None:
    assert 0.92 <= covered(3, 3, (2, 0), 0.02) <= 0.98


def test_without_the_interaction_intervals_are_wide_rather_than_short() -> None:
    runs = [trained(np.full(RECORDS, 0.7), 3, 0, 0.3, RANDOM) for _ in range(2)]
    seeds = [Seeds.of(run) for run in runs]
    known = difference_over_seeds(runs[0].mean(axis=0) - runs[1].mean(axis=0), *seeds)
    blind = [Seeds(each.number, each.deviation) for each in seeds]
    unknown = difference_over_seeds(runs[0].mean(axis=0) - runs[1].mean(axis=0), *blind)
    assert unknown.low < known.low
    assert unknown.high > known.high


def test_one_seed_each_leaves_the_records() -> None:
    values = RANDOM.normal(0, 1, 4000)
    found, reference = difference_over_seeds(values, Seeds(1, 0.0), Seeds(1, 0.0)), bootstrap(values, 2000, 0)
    assert found.value == reference.value
    assert found.low == pytest.approx(reference.low, abs=0.003)


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
        known = Seeds(seeds, float(runs.std(ddof=1)) if seeds > 1 else 0.0)
        inside += agrees_with_published(round(float(theirs), 4), 4, n_published, estimate, n_ours, known)
    assert 0.93 <= inside / WORLDS <= 0.975


@pytest.mark.parametrize("average", ["samples", "micro", "macro", "weighted"])
@pytest.mark.parametrize("score", RATIOS)
def test_every_average_is_that_of_scikit_learn(score: str, average: str) -> None:
    targets, predicted = TARGETS.copy(), PREDICTED.copy()
    targets[:, 5] = 0  # a label that does not occur is no part of a macro average
    found = averages(targets, predicted, 300, seed=0)[f"{score}_{average}"]
    reference = (targets[:, :5], predicted[:, :5]) if average == "macro" else (targets, predicted)
    values = precision_recall_fscore_support(*reference, average=average, zero_division=0)
    assert found.value == pytest.approx(values[["precision", "recall", "f1"].index(score)], abs=1e-6)
    assert found.low < found.value < found.high


@pytest.mark.filterwarnings("error")
def test_what_cannot_be_computed_is_left_out() -> None:
    nothing = np.zeros((3, 2), np.uint8)
    found = averages(nothing, nothing, 100, 0)
    assert found["f1_samples"] == found["f1_micro"] == Estimate(0.0, 0.0, 0.0)  # as scikit-learn counts
    assert not [name for name in found if name.endswith(("macro", "weighted"))]
    for few in (TARGETS[:0], TARGETS[:1]):
        assert averages(few, few, 100, 0) == {}
        assert bootstrap(f1_per_record(few, few), 100, 0) is None
        assert difference_over_seeds(f1_per_record(few, few), Seeds(3, 0.1), Seeds(3, 0.1)) is None
    assert difference_over_seeds(np.ones(5), Seeds(3, 0.0), Seeds(3, 0.0)) == Estimate(1.0, 1.0, 1.0)
    assert Seeds.of(np.ones((1, 5))) == Seeds(1, 0.0)


def test_resampling_in_parts_draws_what_it_draws_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    values = RANDOM.random(80)
    whole, mean = averages(TARGETS, PREDICTED, 50, seed=0), bootstrap(values, 50, 0)
    monkeypatch.setattr("multilabel.metrics.statistics.CHUNK", 16 * len(TARGETS) * 7)
    assert bootstrap(values, 50, 0) == mean
    for name, found in averages(TARGETS, PREDICTED, 50, seed=0).items():
        assert (found.low, found.high) == pytest.approx((whole[name].low, whole[name].high), abs=1e-6)


def test_memory_does_not_grow_with_the_resamples() -> None:
    targets = (RANDOM.random((20_000, 8)) < 0.2).astype(np.uint8)
    tracemalloc.start()
    averages(targets, targets, 300, 0)
    bootstrap(targets.mean(axis=1), 300, 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 70 * 2**20  # at once it would take 300 * 20,000 * 12 bytes and more


def test_f1_per_record_is_the_samples_average_and_that_of_label_sets() -> None:
    found = f1_per_record(TARGETS, PREDICTED)
    assert found.mean() == pytest.approx(f1_score(TARGETS, PREDICTED, average="samples", zero_division=0))
    true, predicted = ([[str(i) for i in np.flatnonzero(row)] for row in bits] for bits in (TARGETS, PREDICTED))
    np.testing.assert_array_equal(f1_of_label_sets(true, predicted), found)
    np.testing.assert_array_equal(f1_of_label_sets([[], ["a"], ["a", "a"]], [[], [], ["a"]]), [0, 0, 1])
    assert f1_of_label_sets([], []).shape == (0,)


def test_the_bootstrap_interval_is_that_of_the_mean() -> None:
    values = RANDOM.normal(3, 2, 1000)
    found, half = bootstrap(values, 2000, seed=1), 1.96 * values.std() / np.sqrt(1000)
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.1 * half)
    assert bootstrap(values, 100, 1) == bootstrap(values, 100, 1)


def test_the_bootstrap_interval_covers_the_mean() -> None:
    covered = 0
    for seed in range(200):
        found = bootstrap(np.random.default_rng(seed).beta(2, 1, size=150), 200, seed)
        covered += found.low <= 2 / 3 <= found.high
    assert 180 <= covered <= 199  # 95 % of 200, give or take three standard deviations


@pytest.mark.parametrize(("hits", "number"), [(0, 1), (1, 1), (0, 20), (7, 20), (399, 497), (1000, 1000)])
def test_wilson_is_that_of_scipy(hits: int, number: int) -> None:
    expected, found = binomtest(hits, number).proportion_ci(method="wilson"), wilson(hits, number)
    assert found is not None
    assert found.value == hits / number
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-6)
    assert wilson(0, 0) is None
