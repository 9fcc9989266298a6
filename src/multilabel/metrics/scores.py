"""Targets, predicted sets and probabilities, (N, L) each -> the scores that every table shows.

`f1_*` and `map` are better when higher, `hamming` (share of wrong label decisions) when lower. A macro average runs
over the labels that occur in the targets.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, f1_score, hamming_loss, precision_recall_fscore_support

from multilabel.data.labels import Labels

Floats = NDArray[np.floating]
Bits = NDArray[np.uint8]
CONFIDENCE = 0.95


def scores(targets: Bits, predicted: Bits, probabilities: Floats) -> dict[str, float]:
    """The bundle: samples-, micro-, macro-, weighted-F1, mean average precision, exact match, Hamming."""
    there = targets.any(axis=0)
    averages = {
        f"f1_{a}": f1_score(targets, predicted, average=a, zero_division=0) for a in ("samples", "micro", "weighted")
    }
    macro = f1_score(targets[:, there], predicted[:, there], average="macro", zero_division=0)
    precision = average_precision_score(targets[:, there], probabilities[:, there], average="macro")
    bundle = {
        "f1_samples": averages["f1_samples"],
        "f1_micro": averages["f1_micro"],
        "f1_macro": macro,
        "f1_weighted": averages["f1_weighted"],
        "map": precision,
        "exact_match": (targets == predicted).all(axis=1).mean(),
        "hamming": hamming_loss(targets, predicted),
    }
    return {name: float(value) for name, value in bundle.items()}


def per_label(targets: Bits, predicted: Bits, probabilities: Floats, labels: Labels) -> pd.DataFrame:
    """One row per label: precision, recall, F1, average precision (empty without a positive), support."""
    precision, recall, f1, support = precision_recall_fscore_support(targets, predicted, average=None, zero_division=0)
    ap = [average_precision_score(t, p) if t.any() else None for t, p in zip(targets.T, probabilities.T, strict=True)]
    columns = {"precision": precision, "recall": recall, "f1": f1, "ap": ap, "support": support}
    return pd.DataFrame({"label": labels.ids, "name": labels.names, **columns})


def f1_per_record(targets: Bits, predicted: Bits) -> Floats:
    """(N,) F1 of each record's label set; its mean is the samples average. 0 where both sets are empty."""
    both = (targets & predicted).sum(axis=1)
    return 2 * both / np.maximum(1, targets.sum(axis=1) + predicted.sum(axis=1))


def interval(per_record: Floats, draws: int, seed: int) -> tuple[float, float]:
    """The bootstrap percentile interval of a mean: resample records `draws` times, take the middle 95 %."""
    random = np.random.default_rng(seed)
    means = np.array([per_record[random.integers(len(per_record), size=len(per_record))].mean() for _ in range(draws)])
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)
