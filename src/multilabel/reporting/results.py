"""What the stages left for the report, or which stage to run where it is missing."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from multilabel.core.errors import UserError
from multilabel.core.files import read_json
from multilabel.core.paths import EDA, EXPLAINED, EXPLANATIONS, METRICS, decoding_file, decodings_file, predictions_file
from multilabel.metrics.predictions import read_f1_by_seed

SCORED = (
    "dataset", "modality", "valid_f1_samples", "f1_samples", "f1_samples_ci_low", "f1_samples_ci_high", "f1_micro",
    "f1_macro", "map", "exact_match", "parameters", "size_mb", "size_fp32_mb", "train_seconds", "within_limits",
    "coco_exposed", "emptied_texts", "device",
)  # fmt: skip
OF_SEEDS = ("seeds", "f1_samples_sd")  # where an architecture was trained with several
NEEDED = {  # stage -> keys of its JSON that the report prints
    "eda": ("records", "labelled", "unlabelled", "labels_per_record_mean", "images", "duplicates"),
    "ingest": ("source", "findings", "reasons"),
    "split": ("train", "valid", "test"),
    "evaluate": SCORED,
    "ablate": ("base", "f1_samples", "difference", "difference_ci_low", "difference_ci_high"),
    "explain": (
        "records", "hits", "pointing", "pointing_ci_low", "pointing_ci_high", "pointing_centre", "records_off_centre",
        "pointing_off_centre", "deletion_records", "deletion_left_out", "deletion", "deletion_by_other_map",
        "deletion_difference", "deletion_difference_ci_low", "deletion_difference_ci_high",
    ),
    "submission": ("architecture", "rows", "labels_per_row"),
}  # fmt: skip


def there(path: Path, stage: str, name: str) -> Path:
    """`path`; raises `UserError` with the stage that writes it if nothing is there."""
    if not path.exists():
        raise UserError(f"{path} is missing; run `dvc repro {stage}@{name}` before the report, or `dvc pull`")
    return path


def stored(stage: str, name: str, metrics: Path = METRICS) -> dict[str, Any]:
    """What a stage wrote to metrics/<stage>/<name>.json."""
    path = there(metrics / stage / f"{name}.json", stage, name)
    try:
        content = read_json(path)
    except ValueError:
        raise UserError(f"{path} is no JSON; write it again with `dvc repro -f {stage}@{name}`") from None
    keys = NEEDED[stage]
    missing = [key for key in keys if key not in content] if isinstance(content, dict) else list(keys)
    if missing:
        raise UserError(f"{path} lacks {', '.join(missing)}; write it again with `dvc repro -f {stage}@{name}`")
    return content


def described(dataset: str, name: str) -> pd.DataFrame:
    """One of the tables that `eda` wrote to data/eda/<dataset>/, as texts: a label may be called 01 or nan."""
    path = there(EDA / dataset / f"{name}.csv", "eda", dataset)
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def predicted(name: str) -> pd.DataFrame:
    """What a model said of each test record."""
    return pd.read_parquet(there(predictions_file(name), "evaluate", name))


def f1_by_seed(name: str) -> NDArray[np.floating]:
    """(S, N) its F1 of each test record, by each of its trainings."""
    return read_f1_by_seed(there(predictions_file(name), "evaluate", name))


def decoded(name: str) -> pd.DataFrame:
    """Its scores on test, a row per rule that makes label sets of probabilities."""
    return pd.read_csv(there(decodings_file(name), "evaluate", name))


def decides(name: str) -> dict[str, Any]:
    """The rule that makes label sets of its probabilities, with what was fitted of it on valid."""
    rule: dict[str, Any] = read_json(there(decoding_file(name), "evaluate", name))
    return rule


def reasons_of(explanation: str) -> dict[str, list[dict[str, Any]]]:
    """Of the records that it explains why they have their labels: name, probability, heat and words of each."""
    reasons: dict[str, list[dict[str, Any]]] = read_json(
        there(EXPLANATIONS / explanation / EXPLAINED, "explain", explanation)
    )
    return reasons
