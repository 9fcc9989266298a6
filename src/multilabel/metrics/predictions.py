"""What a model said of each test record, as a table; and what follows from such tables alone."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from multilabel.core.errors import UserError
from multilabel.data.labels import Labels
from multilabel.metrics.scores import interval, per_label

PROBABILITY = "p_"  # prefix of the columns with probabilities


def prediction_table(
    ids: list[str],
    targets: NDArray[np.uint8],
    predicted: NDArray[np.uint8],
    probabilities: NDArray[np.float32],
    labels: Labels,
) -> pd.DataFrame:
    """One row per record: id, true and predicted label sets, and the probability of each label."""
    columns = {PROBABILITY + id: column for id, column in zip(labels.ids, probabilities.T, strict=True)}
    sets = {"true": labels.label_sets(targets), "predicted": labels.label_sets(predicted)}
    return pd.DataFrame({"id": ids, **sets, **columns})


def label_table(predictions: pd.DataFrame, labels: Labels) -> pd.DataFrame:
    """One row per label: precision, recall, F1, average precision, support."""
    targets, predicted = labels.multi_hot(predictions["true"]), labels.multi_hot(predictions["predicted"])
    probabilities = predictions[[PROBABILITY + id for id in labels.ids]].to_numpy()
    return per_label(targets, predicted, probabilities, labels)


def paired_difference(predictions: Path, base: Path, draws: int, seed: int) -> dict[str, float]:
    """Samples-F1 of one model minus that of another on the same records, with the interval of the mean difference."""
    own, other = pd.read_parquet(predictions), pd.read_parquet(base)
    if own["id"].tolist() != other["id"].tolist():
        raise UserError(
            f"{predictions} and {base} hold different records; run `dvc repro` so that both see the same split"
        )
    difference = f1_of_sets(own) - f1_of_sets(other)
    low, high = interval(difference, draws, seed)
    return {"difference": float(difference.mean()), "difference_ci_low": low, "difference_ci_high": high}


def f1_of_sets(predictions: pd.DataFrame) -> NDArray[np.floating]:
    """(N,) F1 of each record from its columns `true` and `predicted`."""
    pairs = zip(predictions["true"], predictions["predicted"], strict=True)
    return np.array([2 * len(set(t) & set(p)) / max(1, len(t) + len(p)) for t, p in pairs])
