"""What follows from stored predictions alone."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from multilabel.core.errors import UserError
from multilabel.data.labels import Labels
from multilabel.metrics.predictions import f1_of_sets, label_table, paired_difference, prediction_table
from multilabel.metrics.statistics import f1_per_record

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
