import json

import numpy as np
import pandas as pd
import pytest

from multilabel.data.labels import Labels, order
from multilabel.data.profile import cooccurrence, label_counts, sample_images, summary, top_words

HOSTILE = ["label", "total", "count", "ratio", "id", "split", "name", "records", "first", "row", "nan", "0"]


def frame(texts: list[str], digests: list[str | None] | None = None) -> pd.DataFrame:
    """Labelled records as `eda` reads them."""
    number = len(texts)
    digests = digests or [None] * number
    there = [digest is not None for digest in digests]
    return pd.DataFrame(
        {
            "row": range(number),
            "id": [f"{i}.jpg" for i in range(number)],
            "text": texts,
            "labelled": True,
            "image_digest": pd.Series(digests, dtype=object),
            "image_width": [40.0 * (i + 1) if there[i] else None for i in range(number)],
            "image_height": [30.0 if there[i] else None for i in range(number)],
            "image_mode": ["RGB" if there[i] else None for i in range(number)],
        }
    )


def described(texts: list[str], sets: list[list[str]]) -> tuple[Labels, np.ndarray, dict]:
    labels = order(sets, "as_given")
    targets = labels.multi_hot(sets)
    return labels, targets, summary(frame(texts), targets, labels)


def test_pairs_and_ratios_are_those_of_a_count_by_hand() -> None:
    random = np.random.default_rng(0)
    targets = (random.random((200, 7)) < 0.3).astype(np.uint8)
    labels = Labels(list("abcdefg"), list("ABCDEFG"))
    by_hand = [
        [i, j, int((targets[:, i] & targets[:, j]).sum())]
        for i in range(7)
        for j in range(i + 1, 7)
        if (targets[:, i] & targets[:, j]).any()
    ]
    assert cooccurrence(targets).to_numpy().tolist() == by_hand
    counts = label_counts(targets, labels)
    assert counts["name"].tolist() == list("ABCDEFG")
    assert counts["records"].tolist() == [int(column.sum()) for column in targets.T]
    assert counts["others"].tolist() == [int(targets[column == 1].sum() - column.sum()) for column in targets.T]
    np.testing.assert_allclose(counts["ratio"], counts["others"] / counts["records"], atol=0.005)


def test_more_than_a_byte_of_records_is_counted() -> None:
    targets = np.ones((1000, 300), np.uint8)
    assert label_counts(targets, Labels(["x"] * 300, ["x"] * 300)).iloc[0].tolist()[2:] == [1000, 299_000, 299]
    assert set(cooccurrence(targets)["records"]) == {1000}


def test_labels_named_like_columns_are_labels() -> None:
    labels, targets, numbers = described(["a word here"] * 3, [HOSTILE, HOSTILE[:2], HOSTILE[5:]])
    counts = label_counts(targets, labels)
    assert counts["name"].tolist() == labels.names == sorted(HOSTILE)
    assert dict(zip(counts["name"], counts["records"], strict=True)) == numbers["label_counts"]
    assert len(cooccurrence(targets)) == 66


def test_telling_words_are_those_that_a_count_per_label_finds() -> None:
    texts = ["red rose", "red rose garden", "green leaf", "green leaf garden", "red leaf"]
    labels, targets, _ = described(texts, [["1"], ["1"], ["2"], ["2"], ["1", "2"]])
    found = top_words(texts, targets, labels, 2)
    assert found.to_numpy().tolist() == [
        ["1", "red", 1.0, 0.0],
        ["1", "rose", 0.6667, 0.0],
        ["2", "leaf", 1.0, 0.0],
        ["2", "green", 0.6667, 0.0],
    ]


def test_telling_words_do_not_depend_on_how_many_labels_are_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    texts = [" ".join(f"w{i}" for i in random.integers(0, 60, 8)) for _ in range(200)]
    sets = [[str(i) for i in random.integers(0, 30, 3)] for _ in range(200)]
    labels, targets, _ = described(texts, sets)
    at_once = top_words(texts, targets, labels, 5)
    monkeypatch.setattr("multilabel.data.profile.CELLS", 100)
    pd.testing.assert_frame_equal(top_words(texts, targets, labels, 5), at_once)
    assert at_once["label"].nunique() == 30
    monkeypatch.setattr("multilabel.data.profile.TEXTS", 7)
    pd.testing.assert_frame_equal(top_words(iter(texts), targets, labels, 5), at_once)


@pytest.mark.parametrize(
    "texts",
    [["", "", ""], [" ", "\n", ""], ["the", "is a", "of the"], ["红玫瑰", "绿叶", "大海"], ["ab", "cd", "ef"], ["!?", "...", "😀"]],
    ids=["empty", "blank", "stop words", "Chinese", "no word twice", "no word"],
)  # fmt: skip
def test_texts_without_a_telling_word(texts: list[str]) -> None:
    labels, targets, numbers = described(texts, [["a"], ["b"], ["a"]])
    assert top_words(texts, targets, labels, 3).empty
    assert (numbers["text_words"] is None) == (not "".join(texts).strip())
    json.dumps(numbers, allow_nan=False)


@pytest.mark.parametrize("sets", [[["a"]], [[]], [["a", "b"]]])
def test_one_record(sets: list[list[str]]) -> None:
    labels, targets, numbers = described(["a red rose"], sets)
    assert top_words(["a red rose"], targets, labels, 3).empty
    assert len(label_counts(targets, labels)) == len(sets[0])
    assert numbers["labels_per_record_mean"] == len(sets[0])
    assert sample_images(frame(["a red rose"]), targets, labels, 5).empty
    json.dumps(numbers, allow_nan=False)


def test_images_are_described_by_what_ingest_stored() -> None:
    labels = Labels(["a"], ["a"])
    targets = np.ones((3, 1), np.uint8)
    numbers = summary(frame(["x y", "x y", "z"], ["d", None, "d"]), targets, labels)
    assert numbers["images"] == {
        "number": 2,
        "width": {"min": 40, "median": 80, "mean": 80, "max": 120},
        "height": {"min": 30, "median": 30, "mean": 30, "max": 30},
        "modes": {"RGB": 2},
    }
    assert numbers["duplicates"] == {"images": 1, "texts": 1}


def test_a_sample_image_shows_its_label_with_the_fewest_others() -> None:
    labels = Labels(["1", "2", "3"], ["cat", "dog", "fox"])
    targets = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 0], [0, 1, 1], [1, 1, 1]], np.uint8)
    records = frame(["x"] * 5, [None, "b", "c", "d", "e"])
    records["row"] += 10
    chosen = sample_images(records, targets, labels, 2)
    assert chosen.to_numpy().tolist() == [[12, "2.jpg", "cat"], [11, "1.jpg", "dog + cat"]]
    assert sample_images(records, targets, labels, 0).empty
    assert sample_images(records, targets[:, :1] * 0, Labels(["1"], ["cat"]), 2).empty
