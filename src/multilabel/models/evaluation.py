"""A trained model against the test split, once: scores with intervals, a table per label, predictions per record."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from annotated_types import Ge, Le
from numpy.typing import NDArray

from multilabel.core.files import replacing_folder
from multilabel.data.dataset import load_split
from multilabel.inputs.cleaning import emptied
from multilabel.metrics.predictions import BY_SEED, f1_of_sets, mean_over_seeds, prediction_table
from multilabel.metrics.scores import METRICS, mean_of, missing, scores
from multilabel.metrics.statistics import bootstrap, f1_per_record
from multilabel.models.folder import SEEDS, size_mb
from multilabel.models.limits import Limits, broken
from multilabel.models.model import Model
from multilabel.models.pretrained import coco_exposed
from multilabel.models.settings import networks


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
    f1_by_seed: pd.DataFrame | None = None  # of each test record, a column per training where there are several

    def save(self, folder: Path) -> None:
        """`test.parquet`, `decodings.csv` and, of several trainings, `f1_by_seed.parquet`."""
        with replacing_folder(folder) as partial:
            if self.f1_by_seed is not None:
                self.f1_by_seed.to_parquet(partial / BY_SEED, index=False)
            self.predictions.to_parquet(partial / "test.parquet", index=False)
            self.decodings.to_csv(partial / "decodings.csv", index=False, float_format="%.6f")


def evaluate(folder: Path, settings: EvaluationSettings, limits: Limits) -> Evaluation:
    """Score the model stored in `folder` on test; where it has other trainings, scores are the means over all.

    Predictions, decodings and what a model weighs are those of the first, which predicts.
    """
    found = _evaluate(folder, settings, limits)
    others = [_evaluate(other, settings, limits) for other in sorted((folder / SEEDS).glob("*"))]
    if not others:
        return found
    every = [found, *others]
    f1 = pd.DataFrame({str(one.row["seed"]): f1_of_sets(one.predictions) for one in every})
    return replace(found, row=_mean(every, f1, settings, limits), f1_by_seed=f1)


def _mean(every: list[Evaluation], f1: pd.DataFrame, settings: EvaluationSettings, limits: Limits) -> dict[str, Any]:
    """The first row with the mean of every score, samples-F1 with its spread and an interval over records and seeds."""
    first = every[0].row
    averaged = (*METRICS, "valid_f1_samples", "train_seconds", "predict_seconds")
    row = dict(first)
    for name in averaged:
        if name in row:
            row[name] = mean_of(one.row[name] for one in every)
    row["within_limits"] = _within(limits, row["size_mb"], row["train_seconds"])
    sure = mean_over_seeds(f1.to_numpy().T, settings.n_resamples, first["seed"])
    row["f1_samples_ci_low"], row["f1_samples_ci_high"] = (sure.low, sure.high) if sure else (None, None)
    spread = float(np.std([one.row["f1_samples"] for one in every], ddof=1))
    return {**row, "seeds": len(every), "f1_samples_sd": spread}


def _evaluate(folder: Path, settings: EvaluationSettings, limits: Limits) -> Evaluation:
    """One training on test."""
    model = Model.load(folder)
    split = load_split(model.settings.dataset, "test")
    began = time.perf_counter()
    probabilities = model.classifier.probabilities(split.inputs)
    seconds = time.perf_counter() - began
    predicted = model.decoding.decode(probabilities)
    size = size_mb(folder)
    cleanings = [network.text.clean for network in networks(model.settings) if network.text]
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
        "within_limits": _within(limits, size, model.training.seconds),
        "coco_exposed": coco_exposed(model.settings),
        "records": len(split.ids),
        "emptied_texts": max((emptied(split.inputs.texts, steps) for steps in cleanings), default=0),
        "decoding": model.decoding.rule,
        "seed": model.settings.seed,
        "device": model.training.device,
    }
    table = prediction_table(split.ids, split.targets, predicted, probabilities, model.labels)
    return Evaluation(model, row, table, side_by_side(model, split.targets, probabilities))


def _within(limits: Limits, size_mb: float, seconds: float) -> str:
    return "no" if broken(limits, size_mb, seconds) else "yes"


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
