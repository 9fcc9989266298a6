"""What follows from stored predictions alone."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from multilabel.core.errors import UserError
from multilabel.data.labels import Labels
from multilabel.metrics.predictions import (
    BY_SEED,
    difference_by_seed,
    f1_of_sets,
    label_table,
    mean_over_seeds,
    paired_difference,
    prediction_table,
)
from multilabel.metrics.statistics import bootstrap, f1_per_record

RANDOM = np.random.default_rng(7)
TARGETS = (RANDOM.random((200, 6)) < [0.7, 0.3, 0.2, 0.1, 0.05, 0.0]).astype(np.uint8)
PROBABILITIES = np.clip(0.4 * TARGETS + RANDOM.random((200, 6)) * 0.6, 0, 1).astype(np.float32)
PREDICTED = (PROBABILITIES > 0.5).astype(np.uint8)
LABELS = Labels(list("abcdef"), [f"label {c}" for c in "abcdef"])
TABLE = prediction_table([f"r{i}" for i in range(200)], TARGETS, PREDICTED, PROBABILITIES, LABELS)


def test_a_table_holds_all_that_scores_need(tmp_path: Path) -> None:
    TABLE.to_parquet(tmp_path / "a.parquet")
    again = pd.read_parquet(tmp_path / "a.parquet")
    np.testing.assert_array_equal(f1_of_sets(again), f1_per_record(TARGETS, PREDICTED))
    by_label = label_table(again, LABELS)
    assert by_label["support"].tolist() == TARGETS.sum(axis=0).tolist()
    assert by_label["ap"].isna().tolist() == [False] * 5 + [True]


def test_the_paired_difference_is_that_of_the_records(tmp_path: Path) -> None:
    TABLE.to_parquet(tmp_path / "a.parquet")
    TABLE.assign(predicted=TABLE["true"]).to_parquet(tmp_path / "perfect.parquet")
    change = paired_difference(tmp_path / "perfect.parquet", tmp_path / "a.parquet", 200, seed=1)
    gain = f1_per_record(TARGETS, TARGETS) - f1_per_record(TARGETS, PREDICTED)
    assert change["difference"] == pytest.approx(gain.mean())
    assert 0 < change["difference_ci_low"] < gain.mean() < change["difference_ci_high"]


def test_the_difference_of_several_seeds_covers_them(tmp_path: Path) -> None:
    for name in ("own", "other"):
        (tmp_path / name).mkdir()
        TABLE.to_parquet(tmp_path / name / "test.parquet")
    own, other = tmp_path / "own" / "test.parquet", tmp_path / "other" / "test.parquet"
    f1 = f1_of_sets(TABLE)
    alike, apart = np.stack([f1 + 0.1] * 3), np.stack([f1 + 0.1 + shift for shift in (-0.08, 0, 0.08)])
    found = {}
    for name, by_seed in (("alike", alike), ("apart", apart)):
        pd.DataFrame(dict(zip("123", by_seed, strict=True))).to_parquet(own.with_name(BY_SEED))
        found[name] = paired_difference(own, other, 2000, seed=1)
        assert found[name]["difference"] == pytest.approx(0.1)
    assert found["alike"]["difference_ci_low"] == pytest.approx(0.1)
    half = 4.303 * 0.08 * np.sqrt(1 / 3 + 1)  # one seed of the other is taken to vary as much
    assert found["apart"]["difference_ci_low"] == pytest.approx(0.1 - half, abs=0.01)


def test_a_baseline_does_not_vary_with_a_seed() -> None:
    """One training is taken to vary as much as the other model's do; a baseline has one because more would be the same."""
    of_records = RANDOM.normal(0.6, 0.2, 200)
    net = of_records + RANDOM.normal(0, 0.05, (3, 1)) + RANDOM.normal(0, 0.02, (3, 200))
    widths = []
    for chance in ((True, True), (True, False)):
        found = difference_by_seed(net, of_records[None] - 0.1, 200, 1, chance)
        widths.append(found["difference_ci_high"] - found["difference_ci_low"])  # type: ignore[operator]
    assert widths[1] == pytest.approx(widths[0] / 2, rel=0.1)  # a variance of 1/3 in place of 1/3 + 1


def test_the_mean_over_seeds_has_an_interval_over_records_and_seeds() -> None:
    f1 = f1_of_sets(TABLE)
    records_alone = bootstrap(f1, 2000, 1)
    same = mean_over_seeds(np.stack([f1, f1]), 2000, 1)
    assert records_alone is not None
    assert same is not None
    assert (same.value, same.low, same.high) == pytest.approx(
        (f1.mean(), records_alone.low, records_alone.high), abs=0.004
    )
    apart = mean_over_seeds(np.stack([f1 - 0.05, f1, f1 + 0.05]), 2000, 1)
    assert apart is not None
    assert apart.high - apart.low > 0.8 * 2 * 4.303 * 0.05 / np.sqrt(3)
    assert mean_over_seeds(np.ones((3, 1)), 200, 1) is None
    ends = mean_over_seeds(np.stack([np.full(40, 0.97), np.full(40, 0.94), np.full(40, 0.03)]), 200, 1)
    assert ends is not None
    assert (ends.low, ends.high) == (0, 1)  # a score is nothing else


def test_other_records_are_refused(tmp_path: Path) -> None:
    TABLE.to_parquet(tmp_path / "a.parquet")
    TABLE.iloc[1:].to_parquet(tmp_path / "short.parquet")
    with pytest.raises(UserError, match="hold different records; run `dvc repro`"):
        paired_difference(tmp_path / "short.parquet", tmp_path / "a.parquet", 200, seed=1)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("number", [0, 1])
def test_fewer_than_two_records_have_no_interval(tmp_path: Path, number: int) -> None:
    TABLE.iloc[:number].to_parquet(tmp_path / "few.parquet")
    change = paired_difference(tmp_path / "few.parquet", tmp_path / "few.parquet", 200, seed=1)
    assert change == {"difference": 0.0 if number else None, "difference_ci_low": None, "difference_ci_high": None}
    assert json.dumps(change, allow_nan=False)
