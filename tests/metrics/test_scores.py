import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from multilabel.core.errors import UserError
from multilabel.data.labels import Labels
from multilabel.metrics.predictions import label_table, paired_difference, prediction_table
from multilabel.metrics.scores import f1_per_record, interval, scores

RANDOM = np.random.default_rng(7)
TARGETS = (RANDOM.random((200, 6)) < [0.7, 0.3, 0.2, 0.1, 0.05, 0.0]).astype(np.uint8)
PROBABILITIES = np.clip(0.4 * TARGETS + RANDOM.random((200, 6)) * 0.6, 0, 1).astype(np.float32)
PREDICTED = (PROBABILITIES > 0.5).astype(np.uint8)
LABELS = Labels(list("abcdef"), [f"label {c}" for c in "abcdef"])


def test_the_bundle_against_formulas_and_scikit_learn() -> None:
    found = scores(TARGETS, PREDICTED, PROBABILITIES)
    tp, predicted, true = (TARGETS & PREDICTED).sum(0), PREDICTED.sum(0), TARGETS.sum(0)
    f1 = 2 * tp / np.maximum(1, predicted + true)
    assert found["f1_micro"] == pytest.approx(2 * tp.sum() / (predicted.sum() + true.sum()))
    assert found["f1_macro"] == pytest.approx(f1[:5].mean())  # the sixth label does not occur
    assert found["f1_weighted"] == pytest.approx((f1 * true).sum() / true.sum())
    assert found["f1_samples"] == pytest.approx(f1_per_record(TARGETS, PREDICTED).mean())
    assert found["f1_samples"] == pytest.approx(
        metrics.f1_score(TARGETS, PREDICTED, average="samples", zero_division=0)
    )
    assert found["exact_match"] == pytest.approx(metrics.accuracy_score(TARGETS, PREDICTED))
    assert found["hamming"] == pytest.approx((TARGETS != PREDICTED).mean())
    ap = [metrics.average_precision_score(TARGETS[:, i], PROBABILITIES[:, i]) for i in range(5)]
    assert found["map"] == pytest.approx(np.mean(ap))


def test_a_perfect_prediction_scores_one() -> None:
    found = scores(TARGETS, TARGETS, TARGETS.astype(np.float32))
    assert found.pop("hamming") == 0
    assert all(value == pytest.approx(1) for name, value in found.items() if name != "f1_samples")


def test_the_interval_is_that_of_a_mean() -> None:
    values = RANDOM.random(2000)
    low, high = interval(values, draws=2000, seed=1)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.1 * half)
    assert interval(values, 200, seed=1) == interval(values, 200, seed=1)


def test_the_intervals_coverage() -> None:
    covered = 0
    for seed in range(200):
        sample = np.random.default_rng(seed).beta(2, 1, size=150)
        low, high = interval(sample, 200, seed)
        covered += low <= 2 / 3 <= high
    assert 180 <= covered <= 199  # 95 % of 200, give or take three standard deviations


def test_prediction_tables_hold_all_that_scores_need(tmp_path) -> None:
    ids = [f"r{i}" for i in range(200)]
    table = prediction_table(ids, TARGETS, PREDICTED, PROBABILITIES, LABELS)
    table.to_parquet(tmp_path / "a.parquet")
    table.assign(predicted=table["true"]).to_parquet(tmp_path / "perfect.parquet")
    change = paired_difference(tmp_path / "perfect.parquet", tmp_path / "a.parquet", 200, seed=1)
    gain = f1_per_record(TARGETS, TARGETS) - f1_per_record(TARGETS, PREDICTED)
    some = TARGETS.any(axis=1)
    assert change["difference"] == pytest.approx(gain.mean())
    assert change["difference_ci_low"] < gain[some].mean()
    assert change["difference_ci_low"] > 0
    by_label = label_table(pd.read_parquet(tmp_path / "a.parquet"), LABELS)
    assert by_label["support"].tolist() == TARGETS.sum(0).tolist()
    assert by_label["ap"].isna().tolist() == [False] * 5 + [True]
    expected = metrics.f1_score(TARGETS, PREDICTED, average=None, zero_division=0)
    np.testing.assert_allclose(by_label["f1"], expected)
    table.iloc[1:].to_parquet(tmp_path / "short.parquet")
    with pytest.raises(UserError, match="hold different records; run `dvc repro`"):
        paired_difference(tmp_path / "short.parquet", tmp_path / "a.parquet", 200, seed=1)
