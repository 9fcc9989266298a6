"""What eda, split and encode_labels make of records, and how later stages read it."""

import json
import runpy
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT, image

from multilabel.core.errors import UserError
from multilabel.core.paths import EDA, METRICS, records_file, split_file, targets_file
from multilabel.data.dataset import join, load_labels, load_split, load_unlabelled, subset
from multilabel.data.records import Record, read_records, write_records
from multilabel.data.splits import SPLITS

STAGES = {name: runpy.run_path(str(ROOT / "src" / f"{name}.py"))[name] for name in ("eda", "split", "encode_labels")}
PARAMS = {
    "datasets": {"d": {"format": "table", "source": "x"}, "coco": {"format": "table", "source": "x", "label_names": "coco"}},
    "eda": {"top_words": 3, "max_sample_images": 2},
    "split": {"valid": 0.2, "test": 0.3, "seed": 1},
}  # fmt: skip
HOSTILE = [
    "label", "total", "count", "ratio", "id", "split", "row", "labels", "y_0", "p_0", "index", "", " ", "nan", "null", "0", "a,b",
    'q"u', "x\ry", "line\nbreak", "=1+1", "<b>", "../x", "é", "e\u0301", "🌹", "x" * 5000,
]  # fmt: skip


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty project as the current folder."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS))


def records(sets: Sequence[list[str] | None], texts: Sequence[str] | None = None) -> list[Record]:
    return [
        Record(f"{number}.jpg", texts[number] if texts else f"record number{number} of many", labels)
        for number, labels in enumerate(sets)
    ]


def run(found: list[Record], dataset: str = "d") -> dict:
    """The records through all three stages; what eda says in numbers."""
    write_records(records_file(dataset), found)
    for stage in STAGES.values():
        stage(dataset)
    text = (METRICS / "eda" / f"{dataset}.json").read_text(encoding="utf-8")
    return json.loads(text, parse_constant=pytest.fail)


def read(table: str, dataset: str = "d") -> pd.DataFrame:
    """A table of eda as the report reads it."""
    return pd.read_csv(EDA / dataset / f"{table}.csv", dtype=str, keep_default_na=False)


def loaded(dataset: str = "d") -> dict[str, set[str]]:
    """id -> labels of all splits, as later stages see them."""
    labels = load_labels(dataset)
    found = {}
    for name in SPLITS:
        split = load_split(dataset, name)
        assert split.targets.shape == (len(split.ids), len(labels.ids))
        assert len(split.ids) == len(split.inputs.texts) == len(split.inputs.rows) > 0
        found |= dict(zip(split.ids, map(set, labels.label_sets(split.targets)), strict=True))
    return found


def test_labels_of_any_text_come_back(capsys: pytest.CaptureFixture[str]) -> None:
    sets = [[HOSTILE[i % len(HOSTILE)], HOSTILE[(i * 7 + 1) % len(HOSTILE)]] for i in range(80)]
    run(records(sets))
    assert loaded() == {f"{i}.jpg": set(labels) for i, labels in enumerate(sets)}
    assert read("label_counts")["id"].tolist() == load_labels("d").ids == sorted(HOSTILE)
    counts = read("label_counts")
    for first, second, number in read("cooccurrence").astype(int).itertuples(index=False):
        pair = {counts["id"][first], counts["id"][second]}
        assert number == sum(pair <= set(labels) for labels in sets)
    assert max(map(len, capsys.readouterr().out.splitlines())) < 1000


def test_an_unlabelled_record_may_repeat_a_labelled_id() -> None:
    found = [Record(f"{i}.jpg", f"labelled number{i}", ["a" if i % 2 else "b"]) for i in range(20)]
    found.insert(5, Record("3.jpg", "unlabelled three", None))
    found.append(Record("4.jpg", "unlabelled four", None))
    found[0] = Record("0.jpg", "labelled number0", ["b"], image(["1"]))
    run(found)
    ids, inputs = load_unlabelled("d")
    assert (ids, inputs.texts, inputs.rows.tolist()) == (
        ["3.jpg", "4.jpg"],
        ["unlabelled three", "unlabelled four"],
        [5, 21],
    )
    whole = join(join(load_split("d", "train"), load_split("d", "valid")), load_split("d", "test"))
    assert sorted(whole.ids) == sorted(f"{i}.jpg" for i in range(20))
    texts = read_records(records_file("d"), ["text"])["text"]
    for id, text, row, target in zip(whole.ids, whole.inputs.texts, whole.inputs.rows, whole.targets, strict=True):
        number = int(id.removesuffix(".jpg"))
        assert text == texts[row] == f"labelled number{number}"
        assert target.tolist() == [number % 2, 1 - number % 2]
    part = subset(whole, np.array([3, 1]))
    assert part.ids == [whole.ids[3], whole.ids[1]]
    assert part.inputs.rows.tolist() == whole.inputs.rows[[3, 1]].tolist()


def test_sample_images_are_those_of_labelled_records() -> None:
    found = [Record(f"{i}.jpg", f"number{i}", ["a"], image(["1"], i)) for i in range(12)]
    run([Record("0.jpg", "unlabelled", None, image(["2"])), *found])
    assert read("sample_images").to_numpy().tolist() == [["1", "0.jpg", "a"]]


@pytest.mark.parametrize(
    ("texts", "note"),
    [
        ([""] * 20, "no record has a text: no lengths, no telling words"),
        ([" \n "] * 20, "no record has a text: no lengths, no telling words"),
        (["the of is"] * 10 + ["and"] * 10, "no telling words: stop words aside, no word stands in two texts"),
        ([chr(0x4E00 + i) * 5 for i in range(20)], "no telling words: stop words aside, no word stands in two texts"),
        ([f"word{i}" for i in range(20)], "no telling words: stop words aside, no word stands in two texts"),
        (["x" * 100_000] + ["word"] * 19, None),
    ],
    ids=["empty", "blank", "stop words", "Chinese", "no word twice", "a long word"],
)
def test_texts_that_say_nothing(texts: list[str], note: str | None) -> None:
    sets = [[str(i % 3)] for i in range(20)]
    distinct = [
        Record(f"{i}.jpg", text, labels, image(["1"], i))
        for i, (text, labels) in enumerate(zip(texts, sets, strict=True))
    ]
    if len(set(texts)) < 10:  # records of one text stand together: too few to be split
        write_records(records_file("d"), distinct)
        STAGES["eda"]("d")
        numbers = json.loads((METRICS / "eda" / "d.json").read_text(), parse_constant=pytest.fail)
    else:
        numbers = run(distinct)
    assert [n.startswith(note) for n in numbers["notes"]] == [True] if note else numbers["notes"] == []
    assert (numbers["text_words"] is None) == (not "".join(texts).strip()) == read("text_lengths").empty
    assert read("top_words").empty == (note is not None)
    assert len(read("sample_images")) == 2


@pytest.mark.parametrize(
    ("sets", "labels"),
    [
        ([["a"]] * 30, 1),
        ([["a"], *[[]] * 29], 1),
        ([[str(i)] for i in range(30)], 30),
        ([[str(i // 3)] for i in range(60)], 20),
        ([[f"{i}-{j}" for j in range(100)] for i in range(17)], 1700),
    ],
    ids=["one", "one record", "a record each", "three records each", "1,700"],
)
def test_few_rare_and_many_labels(sets: list[list[str]], labels: int) -> None:
    numbers = run(records(sets))
    assert len(load_labels("d").ids) == labels == len(numbers["label_counts"])
    assert loaded() == {f"{i}.jpg": set(own) for i, own in enumerate(sets)}
    split = json.loads((METRICS / "split" / "d.json").read_text(), parse_constant=pytest.fail)
    assert abs(split["valid"]["records"] - 0.2 * len(sets)) <= 1
    assert abs(split["test"]["records"] - 0.3 * len(sets)) <= 1


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([["a"]], "split: only 1 different labelled records; at least 10 are needed for three splits"),
        ([["a"], *[None] * 30], "split: only 1 different labelled records; at least 10 are needed for three splits"),
        ([[]] * 30, "split: no record has a label, so there is nothing to learn; at least one label is needed"),
    ],
)
def test_too_little_to_split_is_described_and_then_refused(found: list[list[str] | None], message: str) -> None:
    with pytest.raises(UserError) as caught:
        run(records(found))
    assert str(caught.value) == message
    numbers = json.loads((METRICS / "eda" / "d.json").read_text(), parse_constant=pytest.fail)
    assert numbers["records"] == len(found)
    assert len(read("label_counts")) == (1 if found[0] else 0)


def test_a_name_that_two_labels_share_is_told_apart() -> None:
    run(records([["1", "person"], ["1"], ["person"], ["2"]] * 8), "coco")
    assert load_labels("coco").names == ["person (1)", "bicycle", "person (person)"]
    assert read("label_counts", "coco")["records"].tolist() == ["16", "8", "16"]


def test_a_split_of_other_records_is_refused() -> None:
    found = records([["a"], ["b"]] * 10)
    run(found)
    write_records(records_file("d"), found[::-1])
    with pytest.raises(UserError, match=r"data/splits/d.parquet: .*other records.*dvc repro"):
        STAGES["encode_labels"]("d")


def test_no_stage_reads_image_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Record(f"{i // 2}-{i}.jpg", f"number{i}", ["a"], image(["1"], i // 2)) for i in range(40)]
    write_records(records_file("d"), found)
    digests = pd.read_parquet(records_file("d")).assign(image=b"no image at all")
    digests.to_parquet(records_file("d"))
    for stage in STAGES.values():
        stage("d")
    assert json.loads((METRICS / "eda" / "d.json").read_text())["images"]["number"] == 40
    assigned = pd.read_parquet(split_file("d"))
    assert (assigned["split"].to_numpy()[::2] == assigned["split"].to_numpy()[1::2]).all()
    assert json.loads((METRICS / "split" / "d.json").read_text())["records_with_duplicates"] == 40
    assert list(pd.read_parquet(targets_file("d")).columns) == ["row", "id", "split", "labels"]
