"""The file of F1 by record: exact, small, the same bytes for the same values."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from multilabel.core.errors import UserError
from multilabel.metrics import per_record as file_of_f1
from multilabel.metrics.per_record import read, write
from multilabel.metrics.predictions import f1_of_sets


def predictions(seed: int, number: int = 50, labels: int = 18) -> pd.DataFrame:
    """Of the same records for every seed."""
    true, predicted = np.random.default_rng(0), np.random.default_rng(seed)

    def sets(random: np.random.Generator) -> list[list[str]]:
        return [[str(label) for label in np.flatnonzero(random.random(labels) < 0.1)] for _ in range(number)]

    return pd.DataFrame({"id": [f"{n}.jpg" for n in range(number)], "true": sets(true), "predicted": sets(predicted)})


def per_record(dataset: str, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Of architectures that were trained once."""
    return file_of_f1.per_record(dataset, tables, {name: f1_of_sets(table)[None] for name, table in tables.items()})


def written(path: Path, *parts: pd.DataFrame) -> bytes:
    write(parts, path)
    return path.read_bytes()


def test_what_is_read_is_what_was_scored(tmp_path: Path) -> None:
    tables = {"b": predictions(1), "id": predictions(2)}
    content = written(
        tmp_path / "f1", per_record("photos", tables), per_record("books", {"dataset": predictions(3, 9)})
    )
    found = read(io.BytesIO(content))
    assert {dataset: list(scored.by_seed) for dataset, scored in found.items()} == {
        "photos": ["b", "id"],
        "books": ["dataset"],
    }
    for name, table in tables.items():
        ids = found["photos"].records.get_level_values("id")
        (f1,) = found["photos"].by_seed[name]
        assert dict(zip(ids, f1, strict=True)) == dict(
            zip(table["id"], f1_of_sets(table), strict=True)
        )  # to the last bit


def test_every_training_has_a_column_of_its_own(tmp_path: Path) -> None:
    tables = {"once": predictions(1, 8), "often": predictions(2, 8)}
    f1 = {"once": np.full((1, 8), 0.5), "often": np.arange(24.0).reshape(3, 8) / 24}
    content = written(tmp_path / "f1", file_of_f1.per_record("photos", tables, f1))
    columns = pd.read_parquet(io.BytesIO(content)).columns
    assert list(columns[3:]) == ["f1_once", "f1_often@0", "f1_often@1", "f1_often@2"]
    found = read(io.BytesIO(content))["photos"]
    for name, scores in f1.items():
        np.testing.assert_array_equal(found.by_seed[name], scores)


def test_twelve_architectures_on_1700_records_take_less_than_100_kb_and_the_same_bytes_each_time(
    tmp_path: Path,
) -> None:
    tables = {f"architecture_{seed}": predictions(seed, 1700) for seed in range(12)}
    content = written(tmp_path / "one", per_record("photos", tables))
    assert len(content) < 100_000
    assert written(tmp_path / "two", per_record("photos", tables)) == content


def test_another_label_makes_another_record(tmp_path: Path) -> None:
    table = predictions(1)
    other = table.assign(true=[["17"], *table["true"][1:]])
    turned = table.assign(true=[labels[::-1] for labels in table["true"]])
    index, changed, same = (
        read(io.BytesIO(written(tmp_path / "f1", per_record("d", {"a": t}))))["d"].records
        for t in (table, other, turned)
    )
    assert len(index.intersection(changed)) == 49
    assert index.equals(same)


def test_architectures_of_a_dataset_are_scored_on_the_same_records() -> None:
    with pytest.raises(UserError, match="the predictions of b are of other records than those of a; run `dvc repro`"):
        per_record("d", {"a": predictions(1), "b": predictions(1, 49)})


def test_nothing(tmp_path: Path) -> None:
    assert read(io.BytesIO(written(tmp_path / "f1"))) == {}
    assert read(io.BytesIO(written(tmp_path / "f1", per_record("d", {"a": predictions(1, 0)})))) == {}
