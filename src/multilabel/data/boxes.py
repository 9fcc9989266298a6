"""Boxes around what labels name in images: from the source, optional, and for measuring explanations alone."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from math import isfinite
from pathlib import Path

import pandas as pd

from multilabel.core.files import replacing

ROUNDED = 1e-3  # by how much a box may leave the image: shares are written with a few digits


@dataclass(frozen=True)
class Box:
    """Where an image shows a label: the left and upper edge, width and height, in shares of the upright image's sides."""

    label: str
    x: float
    y: float
    width: float
    height: float

    def fault(self) -> str | None:
        """Why it cannot be a box of any image, if so."""
        if not all(map(isfinite, (self.x, self.y, self.width, self.height))):
            return "box is no four numbers"
        if self.width <= 0 or self.height <= 0:
            return f"box is empty ({self.width:g} x {self.height:g})"
        ends = self.x + self.width, self.y + self.height
        if min(self.x, self.y) < -ROUNDED or max(ends) > 1 + ROUNDED:
            return (
                f"box is beyond the image (from {self.x:g}, {self.y:g} to {ends[0]:g}, {ends[1]:g}; "
                f"expected shares of its width and height, 0 to 1)"
            )
        return None


COLUMNS = ["id", *(field.name for field in fields(Box))]


def write_boxes(path: Path, boxes: Iterable[tuple[str, Box]]) -> None:
    """Ids of labelled records and their boxes, to Parquet; there may be none."""
    rows = [(id, *astuple(box)) for id, box in boxes]
    table = pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(COLUMNS[:2], "string"))
    with replacing(path) as partial:
        table.astype(dict.fromkeys(COLUMNS[2:], "float64")).to_parquet(partial, index=False)


def read_boxes(path: Path) -> pd.DataFrame:
    """A row per box, `COLUMNS`; none where there is no such file: samples of studies come without."""
    return pd.read_parquet(path) if path.exists() else pd.DataFrame(columns=COLUMNS)
