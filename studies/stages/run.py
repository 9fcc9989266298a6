"""Train one run of a study with each of its seeds, score it on test, and keep what its tables need."""

from multilabel.core.parent import end_with_parent

if __name__ == "__main__":
    end_with_parent()  # before the imports that take seconds: an orphan of that time would train, and write, for nobody

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from multilabel.core.errors import run_stage
from multilabel.core.files import read_json, write_json
from multilabel.core.paths import MODELS, RAW
from multilabel.core.settings import parsed, read_section, to_json
from multilabel.data.labels import Labels
from multilabel.metrics.predictions import PROBABILITY, f1_of_sets, label_table
from multilabel.metrics.statistics import Seeds, averages, bootstrap, f1_per_record
from multilabel.models.devices import is_main_process
from multilabel.models.evaluation import Evaluation, EvaluationSettings
from multilabel.models.limits import Limits
from multilabel.reporting.tables import read_curve
from multilabel.studies.evidence import COMMON_RULE
from multilabel.studies.runs import Run, read_run
from multilabel.studies.specification import CURVES, EXAMPLES, LABELS, PER_RECORD, RUNS, SAMPLE, SCORES
from multilabel.training.architectures import seeded
from multilabel.training.fitting import fit_and_evaluate

SHOWN = 5  # records whose predictions are kept
ABOUT = ("run", "group", "row", "variant", "scale", "weights", "from_scratch", "seeds")  # of a run, beside its scores


def run(name: str) -> None:
    """Write models/<run>/ (of the first seed) and metrics/runs/<group>/<run>/."""
    plan = read_run(name)
    settings = parsed(EvaluationSettings, read_section("evaluate"), "evaluate")
    limits = parsed(Limits, read_section("limits"), "limits")
    folder = RUNS / plan.group / name

    results = []
    for seed in plan.seeds:
        model, curves = (_of_seed(path, seed, plan) for path in (MODELS / name, folder / CURVES))
        evaluation = fit_and_evaluate(seeded(plan.architecture, seed), model, curves, settings, limits)
        results.append((evaluation, _losses(evaluation, curves)))
    if is_main_process():
        _write(folder, plan, results, settings)
        for seed in plan.seeds[1:]:
            for path in (MODELS / name, folder / CURVES):
                shutil.rmtree(_of_seed(path, seed, plan), ignore_errors=True)  # a baseline has no curves


def _of_seed(path: Path, seed: int, plan: Run) -> Path:
    """Where a seed writes; what is not the first one's goes once the run is scored."""
    return path if seed == plan.seeds[0] else path.with_name(f"{path.name}_{seed}")


def _losses(evaluation: Evaluation, curves: Path) -> dict[str, float]:
    """Of the best epoch, on train and valid."""
    losses = {}
    for split in ("train", "valid"):
        curve = read_curve(curves, f"{split}/loss")
        if curve is not None:
            epoch = min(evaluation.model.training.best_epoch, len(curve))
            losses[f"{split}_loss"] = float(curve["value"].iloc[epoch - 1])
    return losses


def _write(
    folder: Path, plan: Run, results: list[tuple[Evaluation, dict[str, float]]], settings: EvaluationSettings
) -> None:
    first, labels = results[0][0].predictions, results[0][0].model.labels
    by_seed = np.array([f1_of_sets(evaluation.predictions) for evaluation, _ in results])
    per_record = by_seed.mean(axis=0)
    common = np.mean([_by_common_rule(evaluation) for evaluation, _ in results], axis=0)
    write_json(folder / SCORES, _scores(plan, results, by_seed, settings))
    columns = {"f1": per_record.astype(np.float32), COMMON_RULE: common.astype(np.float32)}
    pd.DataFrame({"id": first["id"], **columns}).to_parquet(folder / PER_RECORD, index=False)
    label_table(first, labels).to_csv(folder / LABELS, index=False, float_format="%.6f")
    write_json(folder / EXAMPLES, _examples(first, labels))
    print(f"{plan.run}: f1_samples {per_record.mean():.4f}, {len(results)} seeds, scale {plan.scale}")


def _scores(
    plan: Run,
    results: list[tuple[Evaluation, dict[str, float]]],
    by_seed: np.ndarray,
    settings: EvaluationSettings,
) -> dict[str, Any]:
    """Means over seeds, the spread of samples-F1 between them, and intervals over records."""
    rows = pd.DataFrame([evaluation.row | losses for evaluation, losses in results])
    numbers = rows.select_dtypes("number").drop(columns=["seed", "f1_samples_ci_low", "f1_samples_ci_high"])
    means = {key: float(value) for key, value in numbers.mean().items()}
    bounds: dict[str, tuple[float, float]] = {}
    drawn = []
    for evaluation, _ in results:
        labels, table = evaluation.model.labels, evaluation.predictions
        targets, predicted = labels.multi_hot(table["true"]), labels.multi_hot(table["predicted"])
        drawn.append(averages(targets, predicted, settings.n_resamples, plan.seeds[0]))
    for measure in drawn[0]:
        estimates = [(one[measure].value, one[measure].low, one[measure].high) for one in drawn]
        value, low, high = np.mean(estimates, axis=0)
        means[measure], bounds[measure] = float(value), (float(low), float(high))
    if sure := bootstrap(by_seed.mean(axis=0), settings.n_resamples, plan.seeds[0]):
        bounds["f1_samples"] = (sure.low, sure.high)
    spread = Seeds.of(by_seed)
    sample = read_json(RAW / plan.architecture.model.dataset / SAMPLE)
    return {
        **{key: getattr(plan, key) for key in ABOUT},
        "data": sample["data"],
        "records": sample["records"],
        "test_records": by_seed.shape[1],
        "scores": means,
        "intervals": bounds,
        "f1_samples_sd": spread.deviation,
        "f1_samples_interaction": spread.interaction,
        "decoding": to_json(plan.architecture.decoding),
        "decodings": _by_decoding([evaluation for evaluation, _ in results]),
        "constant": _constant(targets),
        "modality": rows["modality"].iloc[0],
        "device": rows["device"].iloc[0],
        "coco_exposed": rows["coco_exposed"].iloc[0],
    }


def _by_common_rule(evaluation: Evaluation) -> np.ndarray:
    """F1 of each record under the rule that every run can be held to, whatever its own."""
    labels, table = evaluation.model.labels, evaluation.predictions
    probabilities = table[[PROBABILITY + id for id in labels.ids]].to_numpy()
    return f1_per_record(labels.multi_hot(table["true"]), evaluation.model.rules[COMMON_RULE].decode(probabilities))


def _by_decoding(evaluations: list[Evaluation]) -> dict[str, float]:
    """Samples-F1 of the same probabilities under every decoding, fitted on valid; the mean over seeds."""
    table = pd.concat([evaluation.decodings for evaluation in evaluations])
    return {str(name): float(value) for name, value in table.groupby("decoding")["f1_samples"].mean().items()}


def _constant(targets: np.ndarray) -> dict[str, float]:
    """The scores of answering every record with the label that is most frequent on test, by measure."""
    predicted = np.zeros_like(targets)
    predicted[:, targets.sum(axis=0).argmax()] = 1
    found = {name: estimate.value for name, estimate in averages(targets, predicted, 1, 0).items()}
    return {**found, "exact_match": float((targets == predicted).all(axis=1).mean())}


def _examples(predictions: pd.DataFrame, labels: Labels) -> list[dict[str, Any]]:
    names = dict(zip(labels.ids, labels.names, strict=True))
    return [
        {"id": row["id"], **{key: [names[id] for id in row[key]] for key in ("true", "predicted")}}
        for row in predictions.head(SHOWN).to_dict("records")
    ]


if __name__ == "__main__":
    run_stage(run, "name")
