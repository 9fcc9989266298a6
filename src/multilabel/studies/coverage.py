"""How much of what a report prints has been run here beyond smoke, on real data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from multilabel.studies.comparison import RATIOS, SECONDS
from multilabel.studies.lines import JUDGED, NO_VERDICT, NOT_RUN, PUT_RIGHT
from multilabel.studies.specification import AS_PUBLISHED, kind

NO_SCORES = {"size_mb", "time_saved", "loss", "train_loss", "valid_loss", *SECONDS, *RATIOS}  # measures


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Published rows that have a score, claims between rows, and how many of each have evidence beyond smoke on real data.

    Evidence is a run with the settings of the row, however much smaller, whatever stands in for published weights; captions
    alone are none for a fusion. Of claims both rows must have been run, by two networks: where one stand-in makes them the
    same, nothing was compared. `with_images` counts those where either run reads images.
    """

    rows: int = 0
    rows_with_evidence: int = 0
    rows_with_images: int = 0
    rows_undertrained: int = 0  # of those with evidence: by runs that may carry no verdict alone
    networks: int = 0  # that were trained for these rows: a report prints one network in several tables
    claims: int = 0
    claims_with_evidence: int = 0
    claims_with_images: int = 0
    claims_judged: int = 0  # with a verdict, whichever it is

    def __add__(self, other: "Coverage") -> "Coverage":
        """Of two reports together."""
        return Coverage(**{key: value + getattr(other, key) for key, value in vars(self).items()})


def coverage(tables: Iterable[Mapping[str, Any]]) -> Coverage:
    """Of one report; `tables` are its finished tables as JSON."""
    results = [table for table in tables if table["kind"] == "results"]
    trained = {line["network"] for table in results for lines in _rows(table) for line in _evident(lines)} - {""}
    return replace(sum(map(_of_table, results), Coverage()), networks=len(trained))


def _of_table(table: Mapping[str, Any]) -> Coverage:
    claims: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for line in table["claims"]:
        claims.setdefault((line["better"], line["worse"]), []).append(line)
    rows = _rows(table)
    seen = [_evident(lines) for lines in rows]
    of_claims = [_evident(line for line in lines if line["verdict"] != NO_VERDICT) for lines in claims.values()]
    return Coverage(
        rows=len(rows),
        rows_with_evidence=sum(map(bool, seen)),
        rows_with_images=sum(map(_with_images, seen)),
        rows_undertrained=sum(bool(lines) and all(line["undertrained"] for line in lines) for lines in seen),
        claims=len(claims),
        claims_with_evidence=sum(map(bool, of_claims)),
        claims_with_images=sum(map(_with_images, of_claims)),
        claims_judged=sum(any(line["verdict"] in JUDGED for line in lines) for lines in of_claims),
    )


def _rows(table: Mapping[str, Any]) -> list[list[Mapping[str, Any]]]:
    """The lines of each published row; those that are put right and those of other variants are no rows of the report."""
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for line in table["figures"]:
        if line["measure"] not in NO_SCORES and line["published"] is not None:
            rows.setdefault(_published_row(line), []).append(line)
    return list(rows.values())


def _published_row(line: Mapping[str, Any]) -> str:
    return str(line["row"]).removesuffix(f", {kind(line['variant'])}").removesuffix(PUT_RIGHT)


def _evident(lines: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of runs as published that are no trial."""
    return [
        line
        for line in lines
        if not line["trial"]
        and line["verdict"] != NOT_RUN
        and line["ours"] is not None
        and all(kind(variant) == AS_PUBLISHED for variant in line["variant"].split("; "))
    ]


def _with_images(lines: Iterable[Mapping[str, Any]]) -> bool:
    return any("image" in line["modality"] for line in lines)
