"""What the seeds of a run came to -> the run's folder, wherever they were trained.

`scores.json` has, beside what the run is (`ABOUT`, `data`, `records`, ...):

- `scores`, `intervals`, `spread`: measure -> mean over seeds, its 95 % interval over records, the standard deviation
  between seeds; as the run decodes. `common` has the same three by `COMMON_RULE`, for measures of label sets alone.
- `constant`: the scores of answering every record with the label that is most frequent on test.
- `updates`, `planned_updates`: of the weights, the mean over seeds and what `epochs` would have made without patience.
- `epochs`, `best_epochs`: a number for each seed.
- `network`, `training`: equal for two runs that train the same network, or that train in the same way.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from multilabel.core.files import replacing, write_json
from multilabel.core.settings import to_json
from multilabel.data.labels import Labels
from multilabel.metrics.expected_f1 import expected_f1_sets
from multilabel.metrics.predictions import PROBABILITY, label_table
from multilabel.metrics.resampling import Bits, constant_answer, replicates
from multilabel.studies.predicted_sets import (
    AS_REPORTED,
    COMMON_RULE,
    RULES,
    predicted_sets,
    predicted_table,
)
from multilabel.studies.runs import Run
from multilabel.studies.specification import EXAMPLES, HISTORY, LABELS, PREDICTED, SCORES
from multilabel.training.settings import Architecture, NetworkArchitecture

SHOWN = 5  # records whose predictions are shown
ABOUT = ("run", "group", "row", "variant", "scale", "weights", "from_scratch", "seeds")  # of a run, beside its scores


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The records that a run had."""

    data: str  # the source, as tables show it
    records: int  # labelled, of all splits
    train_records: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one seed came to."""

    seed: int
    test: pd.DataFrame  # id, true and predicted label sets, and a column of probabilities for each label
    row: Mapping[str, Any]  # of the result table: scores, size, seconds, device
    decodings: Mapping[str, float]  # samples-F1 on test of the same probabilities under every rule
    curves: Mapping[str, pd.DataFrame]  # name -> `step` and `value`; empty for what has no epochs
    epochs: int
    best_epoch: int


def write_run(
    folder: Path, plan: Run, sample: Sample, labels: Labels, outcomes: Sequence[Outcome], n_resamples: int
) -> dict[str, Any]:
    """Write the five files of a run and return its scores; `outcomes` has one of each of the plan's seeds."""
    predicted = _predicted(labels, outcomes)
    scores = _scores(plan, sample, outcomes, predicted, n_resamples)
    first = outcomes[0].test
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / SCORES, scores)
    with replacing(folder / PREDICTED) as partial:
        predicted.to_parquet(partial, index=False, compression="zstd")
    label_table(first, labels).to_csv(folder / LABELS, index=False, float_format="%.6f")
    _history(outcomes).to_csv(folder / HISTORY, index=False)
    write_json(folder / EXAMPLES, _examples(first, labels))
    return scores


def updates(architecture: Architecture, train_records: int, epochs: float) -> int:
    """How often weights are changed in so many epochs; 0 where nothing is trained by steps."""
    if not isinstance(architecture, NetworkArchitecture):
        return 0
    return round(epochs * math.ceil(train_records / architecture.train.batch_size))


def _predicted(labels: Labels, outcomes: Sequence[Outcome]) -> pd.DataFrame:
    tables = {outcome.seed: outcome.test for outcome in outcomes}
    first = tables[outcomes[0].seed]
    reported = {seed: labels.multi_hot(table["predicted"]) for seed, table in tables.items()}
    common = {seed: expected_f1_sets(_probabilities(table, labels)) for seed, table in tables.items()}
    by_rule = {AS_REPORTED: reported, COMMON_RULE: common}
    return predicted_table(first["id"].tolist(), labels.multi_hot(first["true"]), by_rule)


def _probabilities(table: pd.DataFrame, labels: Labels) -> Any:
    return table[[PROBABILITY + id for id in labels.ids]].to_numpy()


def _scores(
    plan: Run, sample: Sample, outcomes: Sequence[Outcome], predicted: pd.DataFrame, n_resamples: int
) -> dict[str, Any]:
    rows = pd.DataFrame([outcome.row for outcome in outcomes])
    numbers = rows.select_dtypes("number").drop(
        columns=["seed", "f1_samples_ci_low", "f1_samples_ci_high"], errors="ignore"
    )
    by_rule = {rule: _under(rule, predicted, n_resamples, plan.seeds[0]) for rule in RULES}
    own = by_rule[AS_REPORTED]
    sets = predicted_sets(predicted, AS_REPORTED)
    architecture = to_json(plan.architecture)
    model, image = architecture["model"], architecture["model"].get("image")
    made = [updates(plan.architecture, sample.train_records, outcome.epochs) for outcome in outcomes]
    planned = plan.architecture.train.epochs if isinstance(plan.architecture, NetworkArchitecture) else 0
    return {
        **{key: getattr(plan, key) for key in ABOUT},
        "data": sample.data,
        "records": sample.records,
        "train_records": sample.train_records,
        "test_records": len(sets.ids),
        "scores": {key: float(value) for key, value in numbers.mean().items()} | _losses(outcomes) | own["scores"],
        "intervals": own["intervals"],
        "spread": {key: float(value) for key, value in numbers.std(ddof=1).items() if len(rows) > 1} | own["spread"],
        "common": by_rule[COMMON_RULE],
        "constant": constant_scores(sets.targets),
        "decoding": to_json(plan.architecture.decoding),
        "decodings": pd.DataFrame([outcome.decodings for outcome in outcomes]).mean().to_dict(),
        "updates": round(sum(made) / len(made)),
        "planned_updates": updates(plan.architecture, sample.train_records, planned),
        "epochs": [outcome.epochs for outcome in outcomes],
        "best_epochs": [outcome.best_epoch for outcome in outcomes],
        "network": _digest({key: value for key, value in model.items() if key not in ("name", "seed")}),
        "training": _digest({key: value for key, value in architecture.items() if key != "model"}),
        "image_size": image["size"] if image else None,
        "modality": rows["modality"].iloc[0],
        "device": rows["device"].iloc[0],
        "coco_exposed": rows["coco_exposed"].iloc[0],
    }


def _under(rule: str, predicted: pd.DataFrame, n_resamples: int, seed: int) -> dict[str, dict[str, Any]]:
    """Scores, intervals and spread under one rule; nothing for fewer than two records."""
    sets = predicted_sets(predicted, rule)
    found = replicates(sets.targets, sets.by_seed, n_resamples, seed)
    estimates = {measure: own.estimate() for measure, own in found.items()}
    return {
        "scores": {measure: own.value for measure, own in estimates.items()},
        "intervals": {measure: [own.low, own.high] for measure, own in estimates.items()},
        "spread": {measure: own.deviation for measure, own in found.items() if own.seeds > 1},
    }


def constant_scores(targets: Bits) -> dict[str, float]:
    """What the constant answer scores, by measure."""
    found = replicates(targets, constant_answer(targets)[None], 1, 0)
    return {measure: float(own.values[0]) for measure, own in found.items()}


def _losses(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """On train and valid at the best epoch, the mean over seeds."""
    found: dict[str, list[float]] = {}
    for outcome in outcomes:
        for split in ("train", "valid"):
            curve = outcome.curves.get(f"{split}/loss")
            if curve is not None and len(curve):
                place = min(outcome.best_epoch, len(curve)) - 1
                found.setdefault(f"{split}_loss", []).append(float(curve["value"].iloc[place]))
    return {key: sum(values) / len(values) for key, values in found.items()}


def _digest(settings: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def _history(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    parts = [
        curve.assign(seed=outcome.seed, curve=name) for outcome in outcomes for name, curve in outcome.curves.items()
    ]
    columns = ["seed", "curve", "step", "value"]
    return pd.concat(parts)[columns] if parts else pd.DataFrame(columns=columns)


def _examples(predictions: pd.DataFrame, labels: Labels) -> list[dict[str, Any]]:
    names = dict(zip(labels.ids, labels.names, strict=True))
    return [
        {"id": row["id"], **{key: [names[id] for id in row[key]] for key in ("true", "predicted")}}
        for row in predictions.head(SHOWN).to_dict("records")
    ]
