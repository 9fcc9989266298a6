"""What is known of a run: its scores and its records, from this checkout or from a bigger run that was kept.

`results/` of a study holds runs at larger scales on data that not everyone has, in five files: scores.json, history.csv,
per_label.csv, f1_per_record.parquet and manifest.json (how each was made, and counts of the data). They are kept in
git, and tables prefer them to what this checkout ran.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from multilabel.core.files import read_json
from multilabel.metrics.statistics import Estimate, Seeds, difference_over_seeds
from multilabel.reporting.tables import read_curve
from multilabel.studies.specification import (
    AS_PUBLISHED,
    CURVES,
    EXAMPLES,
    GENERATED,
    LABELS,
    PER_RECORD,
    RESULTS,
    RUNS,
    SCORES,
)

NO_WEIGHTS = "no pretrained weights"
COMMON_RULE = "expected_f1"  # the decoding that every run can be held to: nothing of it is fitted or chosen
SMOKE, FULL = "smoke", "full"  # scales: one shows only that a run works, one is that of the reports


class Source(Protocol):
    """Where the results of one run lie."""

    def f1_per_record(self, rule: str | None = None) -> pd.Series:
        """F1 of each test record, by id; the mean over seeds. Decoded as the run decodes, or by `COMMON_RULE`."""

    def per_label(self) -> pd.DataFrame:
        """A row per label."""

    def curve(self, name: str) -> pd.DataFrame | None:
        """Columns `step` and `value`, or None if the run did not log it."""

    def examples(self) -> list[dict[str, Any]]:
        """A few records with their true and predicted labels."""


@dataclass(frozen=True)
class Fresh:
    """A run of this checkout, in its own folder."""

    folder: Path

    def f1_per_record(self, rule: str | None = None) -> pd.Series:
        """From its file."""
        return pd.read_parquet(self.folder / PER_RECORD).set_index("id")[rule or "f1"].rename("f1")

    def per_label(self) -> pd.DataFrame:
        """From its file."""
        return pd.read_csv(self.folder / LABELS, dtype={"label": str})

    def curve(self, name: str) -> pd.DataFrame | None:
        """From its folder of curves."""
        return read_curve(self.folder / CURVES, name)

    def curves(self) -> dict[str, pd.DataFrame]:
        """All that were logged, by name."""
        logged = self.folder / CURVES / "plots" / "metrics"
        names = [path.relative_to(logged).with_suffix("").as_posix() for path in sorted(logged.rglob("*.tsv"))]
        return {name: curve for name in names if (curve := self.curve(name)) is not None}

    def examples(self) -> list[dict[str, Any]]:
        """From its file."""
        found: list[dict[str, Any]] = read_json(self.folder / EXAMPLES)
        return found


@dataclass(frozen=True)
class Results:
    """The runs that a study keeps."""

    folder: Path

    @cached_property
    def scores(self) -> dict[str, dict[str, Any]]:
        """Run -> its scores, intervals and what it was."""
        path = self.folder / "scores.json"
        return dict(read_json(path)) if path.exists() else {}

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """`runs`: how each was made; `counts`: of the data; `examples` by run."""
        path = self.folder / "manifest.json"
        return dict(read_json(path)) if path.exists() else {"runs": {}, "examples": {}, "counts": None}

    @cached_property
    def history(self) -> pd.DataFrame:
        """A row per run, curve and step."""
        return pd.read_csv(self.folder / "history.csv", float_precision="round_trip")

    @cached_property
    def labels(self) -> pd.DataFrame:
        """A row per run and label."""
        return pd.read_csv(self.folder / "per_label.csv", dtype={"label": str}, float_precision="round_trip")

    @cached_property
    def records(self) -> pd.DataFrame:
        """F1 by id (rows) and run (columns, `<run>` and `<run> <rule>`); empty where a run had other test records."""
        return pd.read_parquet(self.folder / "f1_per_record.parquet").set_index("id")


@dataclass(frozen=True)
class Kept:
    """One run of `results/`."""

    results: Results
    run: str

    def f1_per_record(self, rule: str | None = None) -> pd.Series:
        """Its column."""
        return self.results.records[f"{self.run} {rule}" if rule else self.run].dropna().rename("f1")

    def per_label(self) -> pd.DataFrame:
        """Its rows."""
        table = self.results.labels
        return table[table["run"] == self.run].drop(columns="run")

    def curve(self, name: str) -> pd.DataFrame | None:
        """Its rows."""
        table = self.results.history
        found = table[(table["run"] == self.run) & (table["curve"] == name)]
        return found[["step", "value"]].reset_index(drop=True) if len(found) else None

    def examples(self) -> list[dict[str, Any]]:
        """Its entry."""
        found: list[dict[str, Any]] = self.results.manifest["examples"].get(self.run, [])
        return found


@dataclass(frozen=True)
class Evidence:
    """One run at one scale."""

    run: str
    scores: Mapping[str, Any]
    source: Source

    @property
    def label(self) -> str:
        """Scale and data, as every table shows them."""
        return f"{self.scores['scale']}, {self.scores['data']}"

    @property
    def trial(self) -> bool:
        """Whether it shows only that the run works."""
        return self.scores["scale"] == SMOKE or self.scores["data"] == GENERATED

    @property
    def lacks_weights(self) -> bool:
        """Whether the report started from published weights, and this run from random ones."""
        return self.scores["weights"] == "random" and not self.scores["from_scratch"]

    @property
    def seeds(self) -> Seeds:
        """How many, and how far samples-F1 varies between them."""
        scores = self.scores  # older results do not tell how a seed moves single records, which makes intervals wider
        return Seeds(len(scores["seeds"]), scores["f1_samples_sd"], scores.get("f1_samples_interaction", 0.0))

    def caveats(self, published_records: int) -> list[str]:
        """Why a figure of this run cannot be held against the published one; empty if it can."""
        scores = self.scores
        found = []
        if scores["scale"] != FULL:
            found.append(f"{scores['scale']} scale")
        if scores["data"] == GENERATED:
            found.append("generated data")
        elif scores["records"] < 0.9 * published_records:
            found.append(f"{scores['records']:,} records instead of {published_records:,}")
        if self.lacks_weights:
            found.append(NO_WEIGHTS)
        if scores["variant"] != AS_PUBLISHED:
            found.append("not as published")
        return found


def gather(names: Iterable[str], study: Path = Path()) -> dict[str, list[Evidence]]:
    """Run -> what is known of it, the best evidence first; runs of which nothing is known are left out."""
    here = {path.parent.name: path.parent for path in (study / RUNS).glob(f"*/*/{SCORES}")}
    results = Results(study / RESULTS)
    found: dict[str, list[Evidence]] = {}
    for name in names:
        known = []
        if name in results.scores:
            known.append(Evidence(name, results.scores[name], Kept(results, name)))
        if name in here:
            known.append(Evidence(name, read_json(here[name] / SCORES), Fresh(here[name])))
        if known:
            found[name] = sorted(known, key=_worth, reverse=True)
    return found


def paired(first: Evidence, second: Evidence) -> Estimate | None:
    """Samples-F1 of the first minus that of the second on the same records; None on other records.

    The interval covers which records were drawn and, where the spread between seeds is known, which seeds.
    """
    own, other = first.source.f1_per_record(), second.source.f1_per_record()
    if not own.index.equals(other.index) or first.label != second.label:
        return None
    return difference_over_seeds((own - other).to_numpy(), first.seeds, second.seeds)


def _worth(evidence: Evidence) -> tuple[bool, bool, bool, int]:
    """Real data before generated ones, the report's own scale before others, smoke last, more records before fewer."""
    scale = evidence.scores["scale"]
    return evidence.scores["data"] != GENERATED, scale == FULL, scale != SMOKE, evidence.scores["records"]
