"""Coverage counts what a report prints, and of that what was run as published beyond smoke on real data."""

from dataclasses import asdict
from typing import Any

import pytest

from multilabel.studies.coverage import Coverage, coverage
from multilabel.studies.lines import ClaimLine, FigureLine


def figure(row: str, measure: str = "f1", ours: float | None = 0.5, **about: Any) -> dict[str, Any]:
    about = {"variant": "as published", "verdict": "cannot be compared", **about}
    return asdict(FigureLine(row=row, measure=measure, published=0.5, ours=ours, **about))


def claim(better: str, worse: str, ours: float | None = 0.1, **about: Any) -> dict[str, Any]:
    about = {"variant": "as published", "verdict": "holds", **about}
    return asdict(ClaimLine(better=better, worse=worse, published=0.1, measure="f1_samples", ours=ours, **about))


NOT_RUN: dict[str, Any] = {"ours": None, "variant": "", "verdict": "not run"}
TRIAL: dict[str, Any] = {"ours": None, "trial": True, "verdict": "runs"}


@pytest.mark.parametrize(
    ("lines", "rows", "evident", "images"),
    [
        ([figure("A"), figure("A", "precision")], 1, 1, 0),
        ([figure("A", modality="image+text"), figure("B", **NOT_RUN)], 2, 1, 1),
        ([figure("A", **TRIAL), figure("A, captions only", variant="captions only", verdict="no verdict")], 1, 0, 0),
        ([figure("A", variant="as published, tiny in place of big")], 1, 1, 0),
        ([figure("A", "size_mb"), figure("B", "train_minutes"), figure("C", "f1_macro_per_hour")], 0, 0, 0),
        ([figure("A"), figure("A, put right")], 1, 1, 0),
        ([figure("A"), figure("A, put right, captions only", variant="captions only", verdict="no verdict")], 1, 1, 0),
        ([], 0, 0, 0),
    ],
)
def test_rows_with_a_score(lines: list, rows: int, evident: int, images: int) -> None:
    found = coverage([{"kind": "results", "figures": lines, "claims": []}])
    assert (found.rows, found.rows_with_evidence, found.rows_with_images) == (rows, evident, images)


def test_rows_of_undertrained_networks_are_told_apart_and_networks_counted_once() -> None:
    table = {"kind": "results", "claims": [], "figures": [
        figure("A", network="big", undertrained="still falling"), figure("A", "precision", network="big"),
        figure("B", network="big", undertrained="still falling"), figure("C", network="small"), figure("D", network=""),
        figure("E, captions only", variant="captions only", network="other"), figure("A", "size_mb", network="declared"),
    ]}  # fmt: skip
    found = coverage([table, table])
    assert (found.rows_with_evidence, found.rows_undertrained, found.networks) == (8, 2, 2)


def test_claims_and_what_was_judged() -> None:
    claims = [
        claim("A", "B", modality="image"), claim("A", "B", variant="captions only", verdict="no verdict"),
        claim("A", "C", verdict="undertrained"),
        claim("A", "D", verdict="one seed"),
        claim("A", "E", variant="as published; corrected, rate", verdict="about the corrected row"),
        claim("A", "F", **NOT_RUN), claim("A", "G", **TRIAL),
        claim("A", "H", verdict="does not hold", variant="as published, tiny in place of big; as published"),
        claim("A", "I", ours=0.0, verdict="no verdict"),  # one stand-in for both rows
    ]  # fmt: skip
    found = coverage([{"kind": "results", "figures": [], "claims": claims}])
    assert (found.claims, found.claims_with_evidence, found.claims_with_images, found.claims_judged) == (8, 4, 1, 2)


def test_tables_and_reports_add_up_and_settings_count_for_nothing() -> None:
    table = {"kind": "results", "figures": [figure("A")], "claims": [claim("A", "B")]}
    both = coverage([table, table, {"kind": "settings", "figures": [figure("A")], "claims": []}])
    assert both == coverage([table]) + coverage([table])  # of networks without a name
    assert coverage([]) == Coverage()
