"""A trained model against the test split, once: scores with intervals, a table per label, predictions per record."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from annotated_types import Ge, Le
from numpy.typing import NDArray

from multilabel.core.files import replacing_folder
from multilabel.data.dataset import load_split
from multilabel.inputs.cleaning import emptied
from multilabel.metrics.predictions import prediction_table
from multilabel.metrics.scores import METRICS, missing, scores
from multilabel.metrics.statistics import bootstrap, f1_per_record
from multilabel.models.folder import size_mb
from multilabel.models.limits import Limits, broken
from multilabel.models.model import Model
from multilabel.models.pretrained import coco_exposed


@dataclass(frozen=True, kw_only=True)
class EvaluationSettings:
    """How sure we want to be."""

    n_resamples: Annotated[int, Ge(100), Le(100_000)]


@dataclass(frozen=True)
class Evaluation:
    """What is known of a model after test has been scored."""

    model: Model
    row: dict[str, Any]  # of the result table
    predictions: pd.DataFrame  # a row per test record
    decodings: pd.DataFrame  # a row per rule that makes label sets of probabilities

    def save(self, folder: Path) -> None:
        """`test.parquet` and `decodings.csv`."""
        with replacing_folder(folder) as partial:
            self.predictions.to_parquet(partial / "test.parquet", index=False)
            self.decodings.to_csv(partial / "decodings.csv", index=False, float_format="%.6f")


def evaluate(folder: Path, settings: EvaluationSettings, limits: Limits) -> Evaluation:
    """Score the model stored in `folder` on test."""
    model = Model.load(folder)
    text = getattr(model.settings, "text", None)
    split = load_split(model.settings.dataset, "test")
    began = time.perf_counter()
    probabilities = model.classifier.probabilities(split.inputs)
    seconds = time.perf_counter() - began
    predicted = model.decoding.decode(probabilities)
    size = size_mb(folder)
    row = {
        "dataset": model.settings.dataset,
        "modality": model.settings.modality,
        "valid_f1_samples": model.training.valid["f1_samples"],
        **with_interval(split.targets, predicted, probabilities, settings, model.settings.seed),
        "parameters": model.classifier.parameters(),
        "size_mb": round(size, 3),
        "size_fp32_mb": round(model.classifier.fp32_mb(), 3),
        "train_seconds": round(model.training.seconds, 1),
        "predict_seconds": round(seconds, 2),
        "within_limits": "no" if broken(limits, size, model.training.seconds) else "yes",
        "coco_exposed": coco_exposed(model.settings),
        "records": len(split.ids),
        "emptied_texts": emptied(split.inputs.texts, text.clean if text else []),
        "decoding": model.decoding.rule,
        "seed": model.settings.seed,
        "device": model.training.device,
    }
    table = prediction_table(split.ids, split.targets, predicted, probabilities, model.labels)
    return Evaluation(model, row, table, side_by_side(model, split.targets, probabilities))


def side_by_side(model: Model, targets: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> pd.DataFrame:
    """What every rule, fitted on valid, makes of the same probabilities on test."""
    rows = []
    for name, rule in model.rules.items():
        predicted = rule.decode(probabilities)
        bundle = scores(targets, predicted, probabilities)
        labels = int(predicted.sum()) / max(1, len(predicted))
        rows.append({"decoding": name, "chosen": name == model.rule, **bundle, "labels_per_record": labels})
    same = [name for name, metric in METRICS.items() if metric.of_probabilities]
    return pd.DataFrame(rows).drop(columns=same)


def with_interval(
    targets: NDArray[np.uint8],
    predicted: NDArray[np.uint8],
    probabilities: NDArray[np.float32],
    settings: EvaluationSettings,
    seed: int,
) -> dict[str, Any]:
    """The bundle of scores with the interval of samples-F1 behind its mean, and a note where some cannot be computed."""
    bundle = scores(targets, predicted, probabilities)
    sure = bootstrap(f1_per_record(targets, predicted), settings.n_resamples, seed)
    low, high = (sure.low, sure.high) if sure else (None, None)
    note = missing(bundle)
    value = bundle.pop("f1_samples")
    interval = {"f1_samples": value, "f1_samples_ci_low": low, "f1_samples_ci_high": high}
    return {**interval, **bundle, **({"missing": note} if note else {})}
