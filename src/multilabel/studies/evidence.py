"""What is known of a run: its scores and its predictions, from this checkout or from a bigger run that was kept.

`results/` of a study holds runs at larger scales on data that not everyone has, in five files: scores.json, history.csv,
per_label.csv, predicted.parquet and manifest.json (how each was made, and counts of the data). They are kept in git, and
tables prefer them to what this checkout ran.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from multilabel.core.files import read_json
from multilabel.metrics.differences import Difference, paired_difference
from multilabel.metrics.resampling import RATIOS, Replicates, constant_answer, replicates
from multilabel.studies.lines import NO_WEIGHTS, RECORDS
from multilabel.studies.predicted_sets import AS_REPORTED, COMMON_RULE, RULES, PredictedSets, packed, predicted_sets
from multilabel.studies.specification import (
    AS_PUBLISHED,
    EXAMPLES,
    GENERATED,
    HISTORY,
    LABELS,
    PREDICTED,
    RESULTS,
    RUNS,
    SCORES,
    kind,
)

MANIFEST = "manifest.json"
SMOKE, FULL = "smoke", "full"  # scales: one shows only that a run works, one is that of the reports
RESAMPLES, DRAW = 1000, 0  # of the records, the same for every run, so that differences are paired


class Source(ABC):
    """Where the results of one run lie."""

    @abstractmethod
    def predicted(self) -> pd.DataFrame:
        """Label sets of test, as `predicted_sets` reads them."""

    @abstractmethod
    def per_label(self) -> pd.DataFrame:
        """A row per label, of the first seed."""

    @abstractmethod
    def history(self) -> pd.DataFrame:
        """Columns `seed`, `curve`, `step` and `value`; no rows for what has no epochs."""

    @abstractmethod
    def examples(self) -> list[dict[str, Any]]:
        """A few records with their true and predicted labels."""

    def curve(self, name: str) -> pd.DataFrame | None:
        """Columns `step` and `value`, the mean over seeds up to where the shortest ended; None if the run did not log it."""
        found = self.history()
        own = found[found["curve"] == name]
        if own.empty:
            return None
        means = own.groupby("step")["value"].agg(["mean", "size"])
        shared = means[means["size"] == own["seed"].nunique()]["mean"]
        return shared.rename("value").reset_index()


@dataclass(frozen=True)
class Fresh(Source):
    """A run of this checkout, in its own folder."""

    folder: Path

    def predicted(self) -> pd.DataFrame:
        """From its file."""
        return pd.read_parquet(self.folder / PREDICTED)

    def per_label(self) -> pd.DataFrame:
        """From its file."""
        return pd.read_csv(self.folder / LABELS, dtype={"label": str})

    def history(self) -> pd.DataFrame:
        """From its file."""
        return pd.read_csv(self.folder / HISTORY, float_precision="round_trip")

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
        """`<run>@<scale>` -> its scores, intervals and what it was; nothing where no predictions were kept."""
        whole = (self.folder / PREDICTED).exists()
        return dict(read_json(self.folder / SCORES)) if whole else {}

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """`runs`: how each was made; `counts`: of the data; `examples` by run."""
        path = self.folder / MANIFEST
        return dict(read_json(path)) if path.exists() else {"runs": {}, "examples": {}, "counts": None}

    @cached_property
    def history(self) -> pd.DataFrame:
        """A row per run, seed, curve and step."""
        return pd.read_csv(self.folder / HISTORY, float_precision="round_trip")

    @cached_property
    def labels(self) -> pd.DataFrame:
        """A row per run and label."""
        return pd.read_csv(self.folder / LABELS, dtype={"label": str}, float_precision="round_trip")

    @cached_property
    def predicted(self) -> pd.DataFrame:
        """A row per run and record; the columns of seeds that a run does not have are empty."""
        return pd.read_parquet(self.folder / PREDICTED, dtype_backend="numpy_nullable")


@dataclass(frozen=True)
class Kept(Source):
    """One run of `results/`, by its name and scale as `kept_as` joins them."""

    results: Results
    run: str

    def predicted(self) -> pd.DataFrame:
        """Its rows."""
        return self._own(self.results.predicted).dropna(axis="columns", how="all")

    def per_label(self) -> pd.DataFrame:
        """Its rows."""
        return self._own(self.results.labels)

    def history(self) -> pd.DataFrame:
        """Its rows."""
        return self._own(self.results.history)

    def examples(self) -> list[dict[str, Any]]:
        """Its entry."""
        found: list[dict[str, Any]] = self.results.manifest["examples"].get(self.run, [])
        return found

    def _own(self, table: pd.DataFrame) -> pd.DataFrame:
        return table[table["run"] == self.run].drop(columns="run").reset_index(drop=True)


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
    def variant(self) -> str:
        """How it departs from the report, and what stands in for published weights."""
        return str(self.scores["variant"])

    @property
    def kind(self) -> str:
        """What its variant is, without details."""
        return kind(self.variant)

    @property
    def trial(self) -> bool:
        """Whether it shows only that the run works."""
        return self.scores["scale"] == SMOKE or self.scores["data"] == GENERATED

    @property
    def lacks_weights(self) -> bool:
        """Whether the report started from published weights, and this run from random ones."""
        return self.scores["weights"] == "random" and not self.scores["from_scratch"]

    @property
    def seeds(self) -> int:
        """How many."""
        return len(self.scores["seeds"])

    @property
    def by_chance(self) -> bool:
        """Whether another seed would give something else: baselines are fitted without chance."""
        return bool(self.scores["planned_updates"])

    @property
    def trained(self) -> str:
        """The network and its training, whatever it is called; empty for a baseline."""
        return f"{self.scores['network']} {self.scores['training']}" if self.by_chance else ""

    @cached_property
    def _predicted(self) -> pd.DataFrame:
        return self.source.predicted()

    def sets(self, rule: str) -> PredictedSets:
        """What it predicts of test under a rule."""
        return predicted_sets(self._predicted, rule)

    def per_label(self) -> pd.DataFrame:
        """Precision, recall and F1 of each label (index), the mean over seeds; as the run decodes."""
        own, order = self.sets(AS_REPORTED), self.source.per_label()["label"]
        true = (own.by_seed & own.targets).sum(axis=1)
        positive, claimed = np.broadcast_to(own.targets.sum(axis=0), true.shape), own.by_seed.sum(axis=1)
        known = {name: ratio(true, positive, claimed).mean(axis=0) for name, ratio in RATIOS.items()}
        found = pd.DataFrame(known, index=order[: true.shape[1]])
        return found.reindex(order, fill_value=0.0)  # labels that occur nowhere come last

    @cached_property
    def _replicates(self) -> dict[str, dict[str, Replicates]]:
        found = {rule: self.sets(rule) for rule in RULES}
        return {
            rule: replicates(own.targets, own.by_seed, RESAMPLES, DRAW, chance=self.by_chance)
            for rule, own in found.items()
        }

    @cached_property
    def _constant(self) -> dict[str, Replicates]:
        targets = self.sets(COMMON_RULE).targets
        return replicates(targets, constant_answer(targets)[None], RESAMPLES, DRAW, chance=False)

    def constant(self, measure: str) -> Replicates | None:
        """The same of answering every test record with the most frequent label."""
        return self._constant.get(measure)

    def replicates(self, rule: str, measure: str) -> Replicates | None:
        """A score of label sets on resamples of test; None where it cannot be computed, or is none of sets."""
        return self._replicates[rule].get(measure)

    def caveats(self, published_records: int) -> list[str]:
        """Why a figure of this run cannot be held against the published one; empty if it can."""
        scores = self.scores
        found = []
        if scores["scale"] != FULL:
            found.append(f"{scores['scale']} scale")
        if scores["data"] == GENERATED:
            found.append("generated data")
        elif scores["records"] < 0.9 * published_records:
            found.append(f"{scores['records']:,}{RECORDS}{published_records:,}")
        if self.lacks_weights:
            found.append(NO_WEIGHTS)
        if self.variant != AS_PUBLISHED:
            found.append(self.variant.removeprefix(f"{AS_PUBLISHED}, "))
        return found


def kept_as(scores: Mapping[str, Any]) -> str:
    """How `results/` calls a run: it may be kept at several scales."""
    return f"{scores['run']}@{scores['scale']}"


def gather(names: Iterable[str], study: Path = Path()) -> dict[str, list[Evidence]]:
    """Run -> what is known of it, the best evidence first; runs of which nothing is known are left out."""
    here = {path.parent.name: path.parent for path in (study / RUNS).glob(f"*/*/{SCORES}")}
    results = Results(study / RESULTS)
    found: dict[str, list[Evidence]] = {}
    for name in names:
        known = []
        for key, scores in results.scores.items():
            if scores["run"] == name:
                known.append(Evidence(name, scores, Kept(results, key)))
        if name in here:
            known.append(Evidence(name, read_json(here[name] / SCORES), Fresh(here[name])))
        if known:
            found[name] = sorted(known, key=_worth, reverse=True)
    return found


def paired(first: Evidence, second: Evidence, measure: str, rule: str) -> Difference | None:
    """A score of the first minus that of the second on the same records under one rule; None where there is no such thing."""
    if first.label != second.label or not same_records(first, second):
        return None
    own, other = first.replicates(rule, measure), second.replicates(rule, measure)
    return paired_difference(own, other) if own and other else None


def same_records(first: Evidence, second: Evidence) -> bool:
    """Whether two runs were tested on the same records with the same labels."""
    own, other = first.sets(COMMON_RULE), second.sets(COMMON_RULE)
    return own.ids.equals(other.ids) and packed(own.targets).tolist() == packed(other.targets).tolist()


def _worth(evidence: Evidence) -> tuple[bool, bool, bool, int]:
    """Real data before generated ones, the report's own scale before others, smoke last, more records before fewer."""
    scale = evidence.scores["scale"]
    return evidence.scores["data"] != GENERATED, scale == FULL, scale != SMOKE, evidence.scores["records"]
