"""Targets, predicted sets and probabilities, (N, L) each -> the scores that every table shows.

A macro average runs over the labels that occur in the targets. What cannot be computed is None.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, f1_score, precision_recall_fscore_support

Floats = NDArray[np.floating]
Bits = NDArray[np.uint8]


@dataclass(frozen=True)
class Metric:
    """One score: of targets, predicted sets and probabilities."""

    heading: str  # in tables
    function: Callable[[Bits, Bits, Floats], float]
    higher_is_better: bool = True
    of_probabilities: bool = False  # so that no decoding changes it
    needs_positives: bool = False  # so that without any label in the targets there is none

    def score(self, targets: Bits, predicted: Bits, probabilities: Floats) -> float | None:
        """None without a record, or without a label where one is needed."""
        if not len(targets) or (self.needs_positives and not targets.any()):
            return None
        return self.function(targets, predicted, probabilities)

    def better(self, value: float | None) -> float:
        """The value, turned round where lower is better: what can be compared and ranked. None comes last."""
        if value is None:
            return float("-inf")
        return value if self.higher_is_better else -value


def f1_samples(targets: Bits, predicted: Bits, probabilities: Floats) -> float:
    """The mean over records of the F1 of their label sets; the competition's "Mean F1-Score"."""
    return float(f1_score(*_columns(targets, predicted), average="samples", zero_division=0))


def f1_micro(targets: Bits, predicted: Bits, probabilities: Floats) -> float:
    """F1 over all label decisions at once."""
    return float(f1_score(*_columns(targets, predicted), average="micro", zero_division=0))


def f1_macro(targets: Bits, predicted: Bits, probabilities: Floats) -> float:
    """The mean over labels of their F1."""
    there = np.flatnonzero(targets.any(axis=0))
    both = _columns(targets[:, there], predicted[:, there])
    return float(f1_score(*both, average="macro", labels=range(len(there)), zero_division=0))


def f1_weighted(targets: Bits, predicted: Bits, probabilities: Floats) -> float:
    """The same, each label weighed by how many records have it."""
    return float(f1_score(*_columns(targets, predicted), average="weighted", zero_division=0))


def mean_average_precision(targets: Bits, predicted: Bits, probabilities: Floats) -> float:
    """The mean over labels of the area under precision and recall."""
    there = targets.any(axis=0)
    pairs = zip(targets[:, there].T, probabilities[:, there].T, strict=True)
    return float(np.mean([average_precision_score(target, probability) for target, probability in pairs]))


def exact_match(targets: Bits, predicted: Bits, probabilities: Floats) -> float:
    """The share of records whose set is right as a whole."""
    return float((targets == predicted).all(axis=1).mean())


def hamming(targets: Bits, predicted: Bits, probabilities: Floats) -> float:
    """The share of wrong label decisions."""
    return float((targets != predicted).mean())


METRICS: dict[str, Metric] = {
    "f1_samples": Metric("samples-F1", f1_samples),
    "f1_micro": Metric("micro-F1", f1_micro),
    "f1_macro": Metric("macro-F1", f1_macro, needs_positives=True),
    "f1_weighted": Metric("weighted-F1", f1_weighted, needs_positives=True),
    "map": Metric("mAP", mean_average_precision, of_probabilities=True, needs_positives=True),
    "exact_match": Metric("exact", exact_match),
    "hamming": Metric("Hamming", hamming, higher_is_better=False),
}


def scores(targets: Bits, predicted: Bits, probabilities: Floats) -> dict[str, float | None]:
    """Every metric, by name."""
    return {name: metric.score(targets, predicted, probabilities) for name, metric in METRICS.items()}


def missing(found: Mapping[str, float | None]) -> str:
    """A note on the metrics that could not be computed; empty if there are none."""
    names = [name for name in METRICS if name in found and found[name] is None]
    if not names:
        return ""
    why = "no record has a label" if all(METRICS[name].needs_positives for name in names) else "there is no record"
    return f"{', '.join(names)}: {why}"


def as_text(value: float | None, form: str = ".4f") -> str:
    """A score for people."""
    return "n/a" if value is None else format(value, form)


def mean_of(values: Iterable[float | None]) -> float | None:
    """The mean of a score over seeds; None where one of them has none."""
    every = list(values)
    known = [value for value in every if value is not None]
    return fmean(known) if len(known) == len(every) else None


def per_label(
    targets: Bits, predicted: Bits, probabilities: Floats, ids: Sequence[str], names: Sequence[str]
) -> pd.DataFrame:
    """One row per label: precision, recall, F1, average precision (empty without a positive), support."""
    number = targets.shape[1]
    found = precision_recall_fscore_support(*_columns(targets, predicted), average=None, zero_division=0)
    precision, recall, f1, support = (column[:number] for column in found)
    ap = [average_precision_score(t, p) if t.any() else None for t, p in zip(targets.T, probabilities.T, strict=True)]
    columns = {"precision": precision, "recall": recall, "f1": f1, "ap": ap, "support": support}
    return pd.DataFrame({"label": ids, "name": names, **columns})


def _columns(targets: Bits, predicted: Bits) -> tuple[Bits, Bits]:
    """Both with an empty label where there is only one, which scikit-learn would take for two classes."""
    if targets.shape[1] > 1:
        return targets, predicted
    return np.pad(targets, ((0, 0), (0, 1))), np.pad(predicted, ((0, 0), (0, 1)))
