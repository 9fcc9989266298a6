"""Label sets as numbers: nothing is lost, whatever the number of labels up to 64."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from multilabel.core.errors import UserError
from multilabel.studies.predicted_sets import packed, predicted_sets, predicted_table, unpacked

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("labels", [1, 5, 33, 64])
def test_sets_become_numbers_and_sets_again(labels: int, tmp_path: Path) -> None:
    targets, *seeds = (RANDOM.random((4, 20, labels)) < 0.5).astype(np.uint8)
    np.testing.assert_array_equal(unpacked(packed(targets), labels), targets)
    by_rule = {"as_reported": {7: seeds[0], 8: seeds[1]}, "expected_f1": {7: seeds[2]}}
    ids = [f"{i}.jpg" for i in range(20)]
    predicted_table(ids, targets, by_rule).to_parquet(tmp_path / "sets.parquet", index=False)
    found = predicted_sets(pd.read_parquet(tmp_path / "sets.parquet"), "as_reported")
    assert found.ids.tolist() == ids
    used = found.targets.shape[1]  # labels that occur nowhere above it are left out
    np.testing.assert_array_equal(found.targets, targets[:, :used])
    np.testing.assert_array_equal(found.by_seed, np.array(seeds[:2])[:, :, :used])
    assert not targets[:, used:].any()


def test_more_labels_than_a_number_has_bits_is_one_line() -> None:
    with pytest.raises(UserError, match=r"^a study keeps predictions of at most 64 labels, and these are 65; \S.*$"):
        packed(np.zeros((1, 65), np.uint8))


def test_no_record_and_no_label_at_all() -> None:
    empty = np.zeros((0, 3), np.uint8)
    found = predicted_sets(predicted_table([], empty, {"as_reported": {1: empty}}), "as_reported")
    assert found.by_seed.shape == (1, 0, 1)
    none = np.zeros((2, 3), np.uint8)
    found = predicted_sets(predicted_table(["a", "b"], none, {"as_reported": {1: none}}), "as_reported")
    assert found.targets.tolist() == [[0], [0]]
