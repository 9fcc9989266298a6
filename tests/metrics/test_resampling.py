"""Scores on resampled records: those of scikit-learn on the records as they are, drawn alike for every run."""

import tracemalloc

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from multilabel.metrics.resampling import RATIOS, replicates
from multilabel.metrics.statistics import bootstrap, f1_per_record

RANDOM = np.random.default_rng(0)
TARGETS = (RANDOM.random((80, 6)) < 0.3).astype(np.uint8)
BY_SEED = (RANDOM.random((2, 80, 6)) < 0.3).astype(np.uint8)


@pytest.mark.parametrize("average", ["samples", "micro", "macro", "weighted"])
@pytest.mark.parametrize("score", RATIOS)
def test_every_average_is_that_of_scikit_learn(score: str, average: str) -> None:
    targets, by_seed = TARGETS.copy(), BY_SEED.copy()
    targets[:, 5] = 0  # a label that does not occur is no part of a macro average
    found = replicates(targets, by_seed, 300, seed=0)[f"{score}_{average}"]
    labels = 5 if average == "macro" else 6
    for value, predicted in zip(found.values, by_seed, strict=True):
        both = targets[:, :labels], predicted[:, :labels]
        reference = precision_recall_fscore_support(*both, average=average, zero_division=0)
        assert value == pytest.approx(reference[["precision", "recall", "f1"].index(score)], abs=1e-6)
    estimate = found.estimate()
    assert estimate.low < estimate.value < estimate.high


def test_a_resample_scores_what_scikit_learn_scores_on_records_drawn_as_often() -> None:
    few, predicted = TARGETS[:8], BY_SEED[:1, :8]
    random = np.random.default_rng(5)
    weights = random.multinomial(8, np.full(8, 1 / 8), size=30)
    found = replicates(few, predicted, 30, seed=5)
    named = ("f1_micro", "f1_macro", "exact_match")
    for row, micro, macro, exact in zip(weights, *(found[name].resampled[:, 0] for name in named), strict=True):
        both = np.repeat(few, row, axis=0), np.repeat(predicted[0], row, axis=0)
        there = both[0].any(axis=0)
        per_label = precision_recall_fscore_support(*both, average=None, zero_division=0)[2]
        assert macro == pytest.approx(per_label[there].mean(), abs=1e-6)
        assert micro == pytest.approx(precision_recall_fscore_support(*both, average="micro", zero_division=0)[2])
        assert exact == pytest.approx(accuracy_score(*both), abs=1e-6)


def test_the_interval_of_a_mean_is_that_of_the_bootstrap() -> None:
    found = replicates(TARGETS, BY_SEED[:1], 2000, seed=0)["f1_samples"].estimate()
    reference = bootstrap(f1_per_record(TARGETS, BY_SEED[0]), 2000, 1)
    assert reference is not None
    assert found.value == pytest.approx(reference.value, abs=1e-6)
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high), abs=0.006)


def test_a_rare_label_that_a_resample_lacks_takes_nothing_off_its_macro_average() -> None:
    targets = np.eye(100, dtype=np.uint8)
    estimate = replicates(targets, targets[None], 200, 0)["f1_macro"].estimate()
    assert (estimate.low, estimate.value, estimate.high) == (1, 1, 1)


@pytest.mark.filterwarnings("error")
def test_what_cannot_be_computed_is_left_out() -> None:
    nothing = np.zeros((3, 2), np.uint8)
    found = replicates(nothing, nothing[None], 100, 0)
    assert found["f1_samples"].estimate().high == found["f1_micro"].estimate().high == 0  # as scikit-learn counts
    assert found["exact_match"].estimate().low == 1
    assert not [name for name in found if name.endswith(("macro", "weighted"))]
    for few in (TARGETS[:0], TARGETS[:1]):
        assert replicates(few, few[None], 100, 0) == {}
    assert replicates(TARGETS, BY_SEED[:0], 100, 0) == {}


def test_resampling_in_parts_draws_what_it_draws_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = replicates(TARGETS, BY_SEED, 50, seed=0)
    monkeypatch.setattr("multilabel.metrics.resampling.CHUNK", 12 * len(TARGETS) * 7)
    for name, found in replicates(TARGETS, BY_SEED, 50, seed=0).items():
        np.testing.assert_allclose(found.resampled, whole[name].resampled, atol=1e-6)


def test_memory_does_not_grow_with_the_resamples() -> None:
    targets = (RANDOM.random((20_000, 8)) < 0.2).astype(np.uint8)
    tracemalloc.start()
    replicates(targets, targets[None], 300, 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 80 * 2**20  # at once it would take 300 * 20,000 * 12 bytes and more


def test_one_seed_shows_neither_spread_nor_interaction() -> None:
    one = replicates(TARGETS, BY_SEED[:1], 50, 0)["f1_micro"]
    assert (one.seeds, one.deviation, one.interaction) == (1, 0.0, 0.0)
    two = replicates(TARGETS, BY_SEED, 50, 0)["f1_micro"]
    assert two.deviation > 0
    assert two.interaction > 0
