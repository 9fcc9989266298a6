import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from multilabel.core.errors import UserError
from multilabel.data.labels import COCO, Labels, order


def test_round_trip_through_multi_hot_and_json(tmp_path: Path) -> None:
    sets = [["19", "1"], ["2"], []]
    labels = order(sets, "coco")
    assert (labels.ids, labels.names) == (["1", "2", "19"], ["person", "bicycle", "horse"])
    assert labels.label_sets(labels.multi_hot(sets)) == [["1", "19"], ["2"], []]
    labels.save(tmp_path / "labels.json")
    assert Labels.load(tmp_path / "labels.json") == labels


def test_names_sort_by_letter_and_unknown_labels_are_refused() -> None:
    labels = order([["b", "10"], ["a"]], "as_given")
    assert labels.ids == ["10", "a", "b"]
    with pytest.raises(UserError, match=r"label 'c' is not one of 10, a, b; run encode_labels again"):
        labels.multi_hot([["c"]])
    with pytest.raises(UserError, match=r"unknown label naming 'coca' .*did you mean 'coco'"):
        order([], "coca")


def test_the_competitions_eighteen_labels() -> None:
    assert [int(id) for id in COCO] == [*range(1, 12), *range(13, 20)]


@pytest.mark.parametrize("found", list(itertools.permutations(["1", "01", "001", "10", "2"])))
def test_equal_numbers_have_one_order_however_they_are_met(found: tuple[str, ...]) -> None:
    assert order([found], "as_given").ids == ["001", "01", "1", "2", "10"]


def test_the_order_does_not_depend_on_how_a_process_hashes() -> None:
    code = "from multilabel.data.labels import order; print(order([map(str, ['1', '01', '001', '0001'])], 'coco'))"
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1


@pytest.mark.parametrize(
    ("ids", "ordered"),
    [
        (["9" * 5000, "1" + "0" * 4999, "7"], ["7", "1" + "0" * 4999, "9" * 5000]),
        (["x" * 5000, "a"], ["a", "x" * 5000]),
        (["²", "10", "9"], ["10", "9", "²"]),
        (["٣", "10", "9"], ["10", "9", "٣"]),
        (["0", "00", ""], ["", "0", "00"]),
    ],
)
def test_labels_of_any_length_and_script_have_an_order(ids: list[str], ordered: list[str]) -> None:
    assert order([ids], "as_given").ids == ordered


@pytest.mark.parametrize(
    ("ids", "names"),
    [
        (["1", "person", "2"], ["person (1)", "bicycle", "person (person)"]),
        (["1", "person", "person (1)"], ["person (1) (1)", "person (person)", "person (1) (person (1))"]),
        (["1", "01"], ["01", "person"]),
    ],
)
def test_no_two_labels_have_one_name(ids: list[str], names: list[str]) -> None:
    found = order([ids], "coco")
    assert found.names == names
    assert sorted(found.ids) == sorted(ids)


def test_a_mistake_among_long_labels_is_one_short_line() -> None:
    labels = order([[str(number) * 100 for number in range(1700)]], "as_given")
    with pytest.raises(UserError) as caught:
        labels.multi_hot([["x" * 5000]])
    assert len(str(caught.value)) <= 500
    assert str(caught.value).endswith("; run encode_labels again")
