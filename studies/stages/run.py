"""Train one run of a study with each of its seeds, score it on test, and keep what its tables need."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from multilabel.core.errors import run_stage
from multilabel.core.files import read_json, replacing_folder, write_json
from multilabel.core.paths import MODELS, RAW, RESOLVED
from multilabel.core.settings import parsed, read_section
from multilabel.data.labels import Labels
from multilabel.metrics.predictions import f1_of_sets, label_table
from multilabel.metrics.scores import interval
from multilabel.models.evaluation import EvaluationSettings, evaluate_model
from multilabel.models.limits import Limits
from multilabel.reporting.tables import read_curve
from multilabel.studies.measures import intervals
from multilabel.studies.places import CURVES, EXAMPLES, LABELS, RECORDS, RUNS, SAMPLE, SCORES
from multilabel.training.fitting import train_model
from multilabel.training.resumption import State, end_with_parent

SHOWN = 5  # records whose predictions are kept


def run(name: str) -> None:
    """Write models/<run>/ (of the first seed) and metrics/runs/<group>/<run>/."""
    end_with_parent()
    plan = read_json(RESOLVED / f"{name}.json")
    evaluation = parsed(EvaluationSettings, read_section("evaluate"), "evaluate")
    folder = RUNS / plan["group"] / name

    results, states = [], []
    for seed in plan["seeds"]:
        places = (_of_seed(place, seed, plan) for place in (MODELS / name, folder / CURVES))
        result, trained = _train(plan, seed, evaluation, *places)
        results.append(result)
        states += trained

    first = results[0]
    per_record = np.mean([f1_of_sets(result["predictions"]) for result in results], axis=0)
    write_json(folder / SCORES, _scores(plan, results, per_record, evaluation))
    records = pd.DataFrame({"id": first["predictions"]["id"], "f1": per_record.astype(np.float32)})
    records.to_parquet(folder / RECORDS, index=False)
    labels = label_table(first["predictions"], first["labels"])
    labels.to_csv(folder / LABELS, index=False, float_format="%.6f")
    write_json(folder / EXAMPLES, _examples(first["predictions"], first["labels"]))
    for seed in plan["seeds"][1:]:
        for place in (MODELS / name, folder / CURVES):
            shutil.rmtree(_of_seed(place, seed, plan), ignore_errors=True)  # a baseline has no curves
    for state in states:
        state.discard()
    print(f"{name}: f1_samples {per_record.mean():.4f}, {len(results)} seeds, scale {plan['scale']}")


def _train(
    plan: dict[str, Any], seed: int, evaluation: EvaluationSettings, place: Path, curves: Path
) -> tuple[dict[str, Any], list[State]]:
    """One seed: its row and predictions; the model is in `place`."""
    model, states = train_model({**plan["settings"], "seed": seed}, curves)
    with replacing_folder(place) as folder:
        model.save(folder)
        limits = parsed(Limits, read_section("limits"), "limits")
        scored = evaluate_model(model, folder, evaluation, limits)
    losses = {}
    for split in ("train", "valid"):
        curve = read_curve(curves, f"{split}/loss")
        if curve is not None:
            losses[f"{split}_loss"] = float(curve["value"].iloc[min(model.training["best_epoch"], len(curve)) - 1])
    return {"row": {**scored.row, **losses}, "predictions": scored.predictions, "labels": model.labels}, states


def _of_seed(place: Path, seed: int, plan: dict[str, Any]) -> Path:
    """Where a seed writes; what is not the first one's goes once the run is scored."""
    return place if seed == plan["seeds"][0] else place.with_name(f"{place.name}_{seed}")


def _scores(
    plan: dict[str, Any], results: list[dict[str, Any]], per_record: np.ndarray, evaluation: EvaluationSettings
) -> dict[str, Any]:
    """Means over seeds, the spread of samples-F1 between them, and intervals over records."""
    rows = pd.DataFrame([result["row"] for result in results])
    numbers = rows.select_dtypes("number").drop(columns=["seed", "f1_samples_ci_low", "f1_samples_ci_high"])
    means = {key: float(value) for key, value in numbers.mean().items()}
    bounds: dict[str, tuple[float, float]] = {}
    drawn = []
    for result in results:
        labels: Labels = result["labels"]
        table = result["predictions"]
        targets, predicted = labels.multi_hot(table["true"]), labels.multi_hot(table["predicted"])
        drawn.append(intervals(targets, predicted, evaluation.bootstrap, plan["seeds"][0]))
        constant = _constant(targets)
    for measure in drawn[0]:
        value, low, high = np.mean([one[measure] for one in drawn], axis=0)
        means[measure], bounds[measure] = float(value), (float(low), float(high))
    spread = float(rows["f1_samples"].std()) if len(results) > 1 else 0.0
    bounds["f1_samples"] = interval(per_record, evaluation.bootstrap, plan["seeds"][0])
    sample = read_json(RAW / plan["settings"]["dataset"] / SAMPLE)
    about = {key: plan[key] for key in ("run", "group", "row", "variant", "scale", "weights", "from_scratch", "seeds")}
    return {
        **about,
        "data": sample["data"],
        "records": sample["records"],
        "test_records": len(per_record),
        "scores": means,
        "intervals": bounds,
        "f1_samples_sd": spread,
        "constant": constant,
        "modality": rows["modality"].iloc[0],
        "device": rows["device"].iloc[0],
        "coco_exposed": rows["coco_exposed"].iloc[0],
    }


def _constant(targets: np.ndarray) -> dict[str, float]:
    """The scores of answering every record with the label that is most frequent on test, by measure."""
    predicted = np.zeros_like(targets)
    predicted[:, targets.sum(axis=0).argmax()] = 1
    found = {name: value for name, (value, _, _) in intervals(targets, predicted, 1, 0).items()}
    return {**found, "exact_match": float((targets == predicted).all(axis=1).mean())}


def _examples(predictions: pd.DataFrame, labels: Labels) -> list[dict[str, Any]]:
    names = dict(zip(labels.ids, labels.names, strict=True))
    return [
        {"id": row["id"], **{key: [names[id] for id in row[key]] for key in ("true", "predicted")}}
        for row in predictions.head(SHOWN).to_dict("records")
    ]


if __name__ == "__main__":
    run_stage(run, "name")
