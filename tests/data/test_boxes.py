"""Boxes: what can be one, and that they come back as they were written."""

from pathlib import Path

import pandas as pd
import pytest

from multilabel.data.boxes import COLUMNS, Box, read_boxes, write_boxes

NOT_A_NUMBER = float("nan")


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        ((0, 0, 1, 1), None),
        ((0.25, 0.5, 0.75, 0.5005), None),  # rounded
        ((NOT_A_NUMBER, 0, 1, 1), "box is no four numbers"),
        ((0, 0, float("inf"), 1), "box is no four numbers"),
        ((0.5, 0.5, 0, 0.1), "box is empty (0 x 0.1)"),
        ((0.5, 0.5, 0.1, -0.1), "box is empty (0.1 x -0.1)"),
        ((12, 30, 90, 60), "box is beyond the image (from 12, 30 to 102, 90; expected shares of its width and height, 0 to 1)"),
        ((-0.1, 0, 0.5, 1), "box is beyond the image (from -0.1, 0 to 0.4, 1; expected shares of its width and height, 0 to 1)"),
    ],
)  # fmt: skip
def test_what_can_be_a_box(place: tuple[float, float, float, float], fault: str | None) -> None:
    assert Box("1", *place).fault() == fault


def test_boxes_come_back_as_written(tmp_path: Path) -> None:
    boxes = [("01.jpg", Box("1", 0.1, 0.2, 0.3, 0.4)), ("01.jpg", Box("17", 0, 0, 1, 1))]
    write_boxes(tmp_path / "boxes.parquet", boxes)
    found = read_boxes(tmp_path / "boxes.parquet")
    assert list(found) == COLUMNS
    assert [(id, Box(*place)) for id, *place in found.itertuples(index=False)] == boxes


@pytest.mark.parametrize("written", [True, False])
def test_there_may_be_none(written: bool, tmp_path: Path) -> None:
    if written:
        write_boxes(tmp_path / "boxes.parquet", [])
    found = read_boxes(tmp_path / "boxes.parquet")
    assert list(found) == COLUMNS
    assert found.empty
    assert pd.Series(["1.jpg"]).isin(found["id"]).sum() == 0
