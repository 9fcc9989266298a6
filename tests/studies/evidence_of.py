"""Runs as `run` leaves them, made up."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from multilabel.core.files import write_json
from multilabel.studies.evidence import Evidence, Fresh


def evidence(folder: Path, name: str, f1: list[float], common: list[float] | None = None, **about: Any) -> Evidence:
    """A run with these F1 of its records, stored as `run` stores it."""
    scores = {
        "run": name, "group": "group", "scale": "full", "data": "real.zip", "records": 100, "test_records": len(f1),
        "weights": "none", "from_scratch": True, "seeds": [1], "variant": "as published", "f1_samples_sd": 0.0,
        "device": "cpu x1",
        "scores": {"f1_samples": float(np.mean(f1)), "train_seconds": 60.0, "predict_seconds": 1.0},
        "intervals": {"f1_samples": [np.mean(f1) - 0.01, np.mean(f1) + 0.01]},
    } | about  # fmt: skip
    place = folder / "metrics/runs/group" / name
    write_json(place / "scores.json", scores)
    columns = {"id": [f"{i}.jpg" for i in range(len(f1))], "f1": f1, "expected_f1": common or f1}
    pd.DataFrame(columns).astype({"f1": "float32", "expected_f1": "float32"}).to_parquet(
        place / "f1_per_record.parquet", index=False
    )
    labels = pd.DataFrame({"label": ["01", "2"], "name": ["dog", "cat"], "precision": [0.1, 1 / 3], "f1": [0.25, 0.5]})
    labels.to_csv(place / "per_label.csv", index=False)
    write_json(place / "examples.json", [{"id": "0.jpg", "true": ["dog"], "predicted": ["cat"]}])
    for curve, values in {"train/loss": [0.7, 0.1 + 0.2], "lr": [1e-5, 3.3e-5]}.items():
        path = place / "curves/plots/metrics" / f"{curve}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        table = pd.DataFrame({"step": [0, 1], curve.rpartition("/")[2]: values})
        table.to_csv(path, sep="\t", index=False)
    return Evidence(name, scores, Fresh(place))
