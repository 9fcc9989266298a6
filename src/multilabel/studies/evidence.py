"""What is known of a run: its scores and its records, from this checkout or from a record of a bigger run elsewhere.

A record, in `record/<run>/` of a study, is what `run` wrote at a larger scale on data that not everyone has. It is kept
in git, and tables prefer it to what this checkout ran.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import hypot, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from multilabel.core.files import read_json
from multilabel.metrics.scores import interval
from multilabel.studies.origin import GENERATED
from multilabel.studies.places import RECORD, RECORDS, RUNS, SCORES

AS_PUBLISHED = "as published"  # the variant of a run whose block names none
NO_WEIGHTS = "no pretrained weights"
SCALES = ("smoke", "cpu", "full")  # by rising worth as evidence


@dataclass(frozen=True)
class Evidence:
    """One run at one scale."""

    folder: Path
    scores: Mapping[str, Any]

    @property
    def label(self) -> str:
        """Scale and data, as every table shows them."""
        return f"{self.scores['scale']}, {self.scores['data']}"

    @property
    def trial(self) -> bool:
        """Whether it shows only that the run works."""
        return self.scores["scale"] == "smoke" or self.scores["data"] == GENERATED

    @property
    def lacks_weights(self) -> bool:
        """Whether the report started from published weights, and this run from random ones."""
        return self.scores["weights"] == "random" and not self.scores["from_scratch"]

    def f1_per_record(self) -> pd.Series:
        """F1 of each test record, by id; the mean over seeds."""
        return pd.read_parquet(self.folder / RECORDS).set_index("id")["f1"]

    def caveats(self, published_records: int) -> list[str]:
        """Why a figure of this run cannot be held against the published one; empty if it can."""
        scores = self.scores
        found = []
        if scores["scale"] != "full":
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
    found: dict[str, list[Evidence]] = {}
    for name in names:
        folders = [
            folder for folder in (study / RECORD / name, here.get(name)) if folder and (folder / SCORES).exists()
        ]
        known = [Evidence(folder, read_json(folder / SCORES)) for folder in folders]
        if known:
            found[name] = sorted(known, key=_worth, reverse=True)
    return found


def paired(first: Evidence, second: Evidence, draws: int, seed: int) -> tuple[float, float, float] | None:
    """Samples-F1 of the first minus that of the second on the same records, with its interval; None on other records.

    The interval covers which records were drawn and, where the spread between seeds is known, which seeds.
    """
    own, other = first.f1_per_record(), second.f1_per_record()
    if not own.index.equals(other.index) or first.label != second.label:
        return None
    difference: NDArray[np.floating] = (own - other).to_numpy()
    value, (low, high) = float(difference.mean()), interval(difference, draws, seed)
    noise = _between_seeds(first, second)
    return value, value - hypot(value - low, noise), value + hypot(high - value, noise)


def _between_seeds(first: Evidence, second: Evidence) -> float:
    """Half the 95 % interval of a difference of means over seeds; 0 where both runs have one seed."""
    spread = max(evidence.scores["f1_samples_sd"] for evidence in (first, second))
    return 1.96 * spread * sqrt(sum(1 / len(evidence.scores["seeds"]) for evidence in (first, second)))


def _worth(evidence: Evidence) -> tuple[bool, int]:
    return evidence.scores["data"] != GENERATED, SCALES.index(evidence.scores["scale"])
