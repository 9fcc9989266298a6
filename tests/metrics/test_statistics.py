"""Intervals of means and shares hold what they promise."""

import tracemalloc

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import f1_score

from multilabel.metrics.statistics import bootstrap, f1_of_label_sets, f1_per_record, wilson

RANDOM = np.random.default_rng(0)
TARGETS = (RANDOM.random((80, 6)) < 0.3).astype(np.uint8)
PREDICTED = (RANDOM.random((80, 6)) < 0.3).astype(np.uint8)


def test_f1_per_record_is_the_samples_average_and_that_of_label_sets() -> None:
    found = f1_per_record(TARGETS, PREDICTED)
    assert found.mean() == pytest.approx(f1_score(TARGETS, PREDICTED, average="samples", zero_division=0))
    true, predicted = ([[str(i) for i in np.flatnonzero(row)] for row in bits] for bits in (TARGETS, PREDICTED))
    np.testing.assert_array_equal(f1_of_label_sets(true, predicted), found)
    np.testing.assert_array_equal(f1_of_label_sets([[], ["a"], ["a", "a"]], [[], [], ["a"]]), [0, 0, 1])
    assert f1_of_label_sets([], []).shape == (0,)


def test_resampling_a_mean_in_parts_draws_what_it_draws_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    values = RANDOM.random(80)
    mean = bootstrap(values, 50, 0)
    monkeypatch.setattr("multilabel.metrics.statistics.CHUNK", 16 * len(values) * 7)
    assert bootstrap(values, 50, 0) == mean


def test_memory_does_not_grow_with_the_resamples_of_a_mean() -> None:
    values = RANDOM.random(20_000)
    tracemalloc.start()
    bootstrap(values, 300, 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 70 * 2**20  # at once it would take 300 * 20,000 * 16 bytes and more


def test_nothing_is_drawn_of_fewer_than_two_records() -> None:
    for few in (TARGETS[:0], TARGETS[:1]):
        assert bootstrap(f1_per_record(few, few), 100, 0) is None


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
