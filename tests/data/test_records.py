import hashlib
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from conftest import image

from multilabel.data import records
from multilabel.data.labels import order
from multilabel.data.records import (
    SCHEMA,
    Findings,
    Record,
    copy_records,
    has_images,
    iter_images,
    read_columns,
    read_images,
    read_labelled,
    read_records,
    write_records,
)

JPEG = image(["1", "2"], size=(24, 20))


def some(number: int) -> list[Record]:
    """Every third one without an image, every fourth without labels."""
    return [
        Record(str(i), f"text {i}", None if i % 4 == 0 else ["a"], None if i % 3 == 0 else image(["1"], i % 200))
        for i in range(number)
    ]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "records.parquet"
    write_records(path, [Record("1", "x", ["b", "a"], JPEG), Record("2", "y", None)])
    assert pq.read_schema(path).equals(SCHEMA)
    frame = read_records(path)
    assert list(frame.columns) == ["id", "text", "labels", "labelled"]
    assert frame["labelled"].tolist() == [True, False]
    assert list(frame["labels"][0]) == ["b", "a"]
    assert read_images(path, [0, 1]) == [JPEG, None]


def test_what_stages_need_of_an_image_is_known_without_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "records.parquet"
    write_records(path, [Record("1", "x", None, JPEG), Record("2", "y", None)])
    frame = read_records(path, ["image_digest", "image_width", "image_height", "image_mode"])
    assert frame.loc[0].tolist() == [hashlib.sha256(JPEG).hexdigest(), 24, 20, "RGB"]
    assert frame.loc[1].isna().all()


def test_images_of_chosen_rows_come_in_their_order_and_from_their_groups_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "ROWS_PER_GROUP", 7)
    path, content = tmp_path / "records.parquet", some(50)
    write_records(path, content)
    random = np.random.default_rng(0)
    for rows in ([], [49], [0, 6, 7, 13, 14], [20, 3, 20], random.permutation(50).tolist()):
        assert read_images(path, rows) == [content[row].image for row in rows]
    read, read_row_group = [], pq.ParquetFile.read_row_group
    monkeypatch.setattr(
        pq.ParquetFile, "read_row_group", lambda file, i, **kw: read.append(i) or read_row_group(file, i, **kw)
    )
    read_images(path, [48, 8, 9])
    assert read == [1, 6]
    assert [image for group in iter_images(path) for image in group] == [record.image for record in content]


def test_chosen_rows_are_copied_with_all_they_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "ROWS_PER_GROUP", 7)
    content = some(30)
    write_records(tmp_path / "all", content)
    rows = np.array([0, 1, 6, 7, 20, 29])
    copy_records(tmp_path / "all", tmp_path / "some", rows)
    assert pq.read_table(tmp_path / "some").equals(pq.read_table(tmp_path / "all").take(rows))
    assert pq.read_schema(tmp_path / "some").equals(SCHEMA)
    copy_records(tmp_path / "all", tmp_path / "none", rows[:0])
    assert read_records(tmp_path / "none").empty


def test_groups_are_bounded_by_rows_and_by_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "ROWS_PER_GROUP", 5)
    monkeypatch.setattr(records, "BYTES_PER_GROUP", 3 * len(JPEG))
    path = tmp_path / "records.parquet"
    write_records(path, [Record(str(i), "", None, JPEG if i < 7 else None) for i in range(20)])
    metadata = pq.ParquetFile(path).metadata
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [3, 3, 5, 5, 4]


def test_records_are_written_as_they_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "ROWS_PER_GROUP", 10)

    def peak(number: int) -> int:
        tracemalloc.start()
        write_records(tmp_path / "x", (Record(str(i), "", None, JPEG + bytes(20_000)) for i in range(number)))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(20)  # whatever is loaded once
    assert peak(400) < peak(40) + 400_000  # 8 MB of images more


def test_whether_there_are_images(tmp_path: Path) -> None:
    path = tmp_path / "records.parquet"
    for last, there in ((None, False), (JPEG, True)):
        write_records(path, [Record("1", "", None), Record("2", "", None, last)])
        assert has_images(path) is there


def test_findings_are_counted_by_reason_without_details() -> None:
    findings = Findings("reject")
    findings.rejected("1", "t.csv:2", "image is absent (a/1.jpg)")
    findings.rejected("2", "t.csv:3", "image is absent (a/2.jpg)")
    findings.stand_in("3", "t.csv:4", "image is absent (a/3.jpg)")
    assert findings.counts() == {"repaired": {"image is absent": 1}, "rejected": {"image is absent": 2}}
    assert isinstance(findings.table(), pd.DataFrame)
    assert findings.table()["reason"][2] == "image is absent (a/3.jpg); replaced by a grey image"


def test_labels_in_columns_are_those_in_lists(tmp_path: Path) -> None:
    sets = [["b"], None, [], ["a", "c"], ["c", "c"], None, ["a"]] * 400  # of several groups of rows
    write_records(tmp_path / "r.parquet", [Record(str(i), "", labels) for i, labels in enumerate(sets)])
    frame = read_records(tmp_path / "r.parquet")
    labelled = frame[frame["labelled"]]
    rows, label_sets = read_labelled(tmp_path / "r.parquet")
    assert rows.tolist() == labelled.index.tolist()
    labels = order(labelled["labels"], "as_given")
    assert order([label_sets.ids], "as_given") == labels
    np.testing.assert_array_equal(label_sets.multi_hot(labels), labels.multi_hot(labelled["labels"]))


@pytest.mark.parametrize("sets", [[None, None], [[]], []])
def test_no_labels_in_columns(tmp_path: Path, sets: list) -> None:
    write_records(tmp_path / "r.parquet", [Record(str(i), "", labels) for i, labels in enumerate(sets)])
    rows, label_sets = read_labelled(tmp_path / "r.parquet")
    assert (len(rows), label_sets.ids) == (sum(labels is not None for labels in sets), [])
    assert label_sets.multi_hot(order([[]], "as_given")).shape == (len(rows), 0)


def test_columns_hold_what_the_records_hold(tmp_path: Path) -> None:
    write_records(tmp_path / "r.parquet", [Record(str(i), f"text {i}", ["a"]) for i in range(1500)])
    columns = ["id", "text", "image_digest"]
    lean, usual = read_columns(tmp_path / "r.parquet", columns), read_records(tmp_path / "r.parquet", columns)
    assert lean[["id", "text"]].to_numpy().tolist() == usual[["id", "text"]].to_numpy().tolist()
    assert lean["image_digest"].isna().all()
    assert str(lean["text"].dtype) == "large_string[pyarrow]"  # or rows of more than 2 GB of text could not be taken
