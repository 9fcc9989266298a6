"""What may be chosen, and how a choice is laid over a block."""

from typing import Any

import pytest

from multilabel.core.errors import UserError
from multilabel.search.space import First, corners, laid

BASE = {"dataset": "d", "text": {"encoder": "gru", "hidden": 8, "pooling": "last"}, "train": {"lr": 0.1, "epochs": 2}}
SPACE = {
    "train": {"lr": {"from": 1e-3, "to": 1e-1, "log": True}, "epochs": {"choose": [2, 3]}},
    "text": {"choose": [{"encoder": "gru", "hidden": {"choose": [8, 16]}}, {"encoder": "textcnn", "filters": {"from": 4, "to": 8, "step": 2}}]},
}  # fmt: skip


def test_blocks_are_merged_and_what_is_chosen_takes_the_place_of_all() -> None:
    first = First()
    assert laid(BASE, SPACE, first) == {
        "dataset": "d", "train": {"lr": 1e-3, "epochs": 2}, "text": {"encoder": "gru", "hidden": 8},
    }  # fmt: skip
    assert set(first.asked) == {"train.lr", "train.epochs", "text", "text.gru.hidden"}
    other = First({"text": "textcnn", "train.epochs": 3})
    block = laid(BASE, SPACE, other)
    assert block["text"] == {"encoder": "textcnn", "filters": 4}
    assert block["train"]["epochs"] == 3
    assert set(other.asked) == {
        "train.lr",
        "train.epochs",
        "text",
        "text.textcnn.filters",
    }  # of the one that was chosen alone
    assert BASE["text"]["hidden"] == 8  # type: ignore[index]


def test_corners_make_every_choice_once() -> None:
    blocks = list(corners(BASE, SPACE))
    assert {block["text"]["encoder"] for block in blocks} == {"gru", "textcnn"}
    assert {block["text"].get("hidden") for block in blocks} == {8, 16, None}
    assert {block["text"].get("filters") for block in blocks} == {4, 8, None}
    assert {block["train"]["lr"] for block in blocks} == {1e-3, 1e-1}
    assert len(blocks) == 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"a": {"choose": []}}, r"a: expected {choose: \[one, another\]}"),
        ({"a": {"choose": [1], "b": 2}}, r"a: expected {choose: \[one, another\]}"),
        ({"a": {"choose": [{"x": 1}, 0]}}, "a: two of its choices have the same name"),
        ({"a": {"b": {"from": 2, "to": 1}}}, r"a.b: expected {from: 1, to: 10} with `log: true` or `step: 2`"),
        ({"a": {"from": 1}}, "a: expected {from: 1, to: 10}"),
        ({"a": {"from": 0, "to": 1, "log": True}}, "a: a range in steps, or one from 0 on, has no logarithm"),
        ({"a": {"from": 1, "to": 9, "log": True, "step": 2}}, "a: a range in steps"),
        ({"a": {"from": 1, "to": float("nan")}}, "a: expected {from: 1, to: 10}"),
        ({"a": {"from": 1, "to": 10**400}}, "a: expected {from: 1, to: 10}"),
        ({"a": {"from": 1, "to": 9, "step": "x"}}, "a: step 'x' leads nowhere; write a number above 0"),
        ({"a": {"from": 1, "to": 9, "step": 0.5}}, "a: step 0.5 between whole numbers; write a whole step, or from: 1.0 for others"),
        ({"a": {"from": 1, "to": 9, "step": 0}}, "a: step 0 leads nowhere"),
        ({"a": {"from": 0.1, "to": 0.9, "step": "x"}}, "a: step 'x' leads nowhere"),
        ({"a": {"from": 0.1, "to": 0.9, "step": -1.0}}, "a: step -1.0 leads nowhere"),
        ({"a": {"from": 0.1, "to": 0.9, "step": True}}, "a: step True leads nowhere"),
    ],
)  # fmt: skip
def test_choices_that_cannot_be_read(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        laid({}, change, First())
