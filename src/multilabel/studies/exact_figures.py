"""Figures without chance: a published number beside ours that is either the same or not."""

from collections.abc import Mapping
from typing import Any

from multilabel.studies.comparisons import CANNOT, FAILS, HOLDS
from multilabel.studies.origin import GENERATED


def plain_line(
    row: str, measure: str, figure: Any, ours: Any, said: str, because: str, evidence: str = "", trial: bool = False
) -> dict[str, Any]:
    """A line whose figures have no interval."""
    exact = isinstance(ours, int | float) and isinstance(figure, int | float)
    return {
        "row": row, "measure": measure, "published": figure, "run": "", "variant": "", "evidence": evidence, "trial": trial,
        "seeds": 1, "ours": ours,
        "low": None, "high": None, "difference": ours - figure if exact else None, "verdict": said, "because": because,
    }  # fmt: skip


def counted(
    row: str, measure: str, figure: Any, ours: Any, counts: Mapping[str, Any], note: str = ""
) -> dict[str, Any]:
    """A count must be the same; on generated data it says nothing."""
    if counts["data"] == GENERATED:
        return plain_line(row, measure, figure, ours, CANNOT, "generated data", trial=True)
    return plain_line(row, measure, figure, ours, HOLDS if ours == figure else FAILS, note, counts["data"])


def digits(figure: float) -> int:
    """Decimals with which a figure is printed."""
    return len(f"{figure:g}".partition(".")[2])
