"""What is known of a trained model once test has been scored, and where that is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from multilabel.core.files import read_json
from multilabel.core.paths import METRICS, labels_file, predictions_file
from multilabel.core.settings import from_json
from multilabel.data.labels import Labels
from multilabel.metrics.predictions import label_table
from multilabel.models.settings import AnySettings

FACTS = "evaluation.json"  # in a folder that is handed on


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Of the data, the split and test; each is empty where it is not known."""

    data: Mapping[str, Any]  # as metrics/ingest/<dataset>.json
    split: Mapping[str, Any]  # as metrics/split/<dataset>.json
    scores: Mapping[str, Any]  # as metrics/evaluate/<architecture>.json, or of an ablation
    labels: Sequence[Mapping[str, Any]]  # for each label precision, recall, f1, ap, support


NOTHING = Facts(data={}, split={}, scores={}, labels=[])


def facts(folder: Path, settings: AnySettings) -> Facts:
    """Of the model in `folder`: from the folder itself where it was handed on, else from the project that it lies in."""
    if (folder / FACTS).exists():
        found: Facts = from_json(Facts, read_json(folder / FACTS))
        return found
    parents = folder.resolve().parents
    return _of_project(parents[2], settings) if len(parents) > 2 else NOTHING


def _of_project(root: Path, settings: AnySettings) -> Facts:
    scores = _metrics(root, "evaluate", settings.name) or _metrics(root, "ablate", settings.name)
    predictions = root / predictions_file(settings.name)
    labels: list[dict[str, Any]] = []
    if scores and predictions.exists():
        order = Labels.load(root / labels_file(settings.dataset))
        table = label_table(pd.read_parquet(predictions), order)
        labels = [
            {str(key): None if pd.isna(value) else value for key, value in row.items()}
            for row in table.to_dict("records")
        ]
    return Facts(
        data=_metrics(root, "ingest", settings.dataset),
        split=_metrics(root, "split", settings.dataset),
        scores=scores,
        labels=labels,
    )


def _metrics(root: Path, stage: str, name: str) -> Mapping[str, Any]:
    path = root / METRICS / stage / f"{name}.json"
    return read_json(path) if path.exists() else {}
