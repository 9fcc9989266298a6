"""What a model said of each test record, as a table; and what follows from such tables alone."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from multilabel.core.errors import UserError
from multilabel.metrics.scores import per_label
from multilabel.metrics.statistics import bootstrap, f1_of_label_sets

PROBABILITY = "p_"  # prefix of the columns with probabilities


class LabelOrder(Protocol):
    """The labels of a dataset: ids and names in order, sets of ids as (N, L) zeros and ones, and back."""

    @property
    def ids(self) -> list[str]:
        """As the source has them."""

    @property
    def names(self) -> list[str]:
        """For people."""

    def multi_hot(self, label_sets: Iterable[Iterable[str]]) -> NDArray[np.uint8]:
        """(N, L)."""

    def label_sets(self, targets: NDArray[np.uint8]) -> list[list[str]]:
        """The inverse."""


def prediction_table(
    ids: list[str],
    targets: NDArray[np.uint8],
    predicted: NDArray[np.uint8],
    probabilities: NDArray[np.float32],
    labels: LabelOrder,
) -> pd.DataFrame:
    """One row per record: id, true and predicted label sets, and the probability of each label."""
    columns = {PROBABILITY + id: column for id, column in zip(labels.ids, probabilities.T, strict=True)}
    sets = {"true": labels.label_sets(targets), "predicted": labels.label_sets(predicted)}
    return pd.DataFrame({"id": ids, **sets, **columns})


def label_table(predictions: pd.DataFrame, labels: LabelOrder) -> pd.DataFrame:
    """One row per label: precision, recall, F1, average precision, support."""
    targets, predicted = labels.multi_hot(predictions["true"]), labels.multi_hot(predictions["predicted"])
    probabilities = predictions[[PROBABILITY + id for id in labels.ids]].to_numpy()
    return per_label(targets, predicted, probabilities, labels.ids, labels.names)


def paired_difference(predictions: Path, base: Path, n_resamples: int, seed: int) -> dict[str, float | None]:
    """Samples-F1 of one model minus that of another on the same records, with the interval of the mean difference.

    The interval is None where there are fewer than two records.
    """
    own, other = pd.read_parquet(predictions), pd.read_parquet(base)
    if own["id"].tolist() != other["id"].tolist():
        raise UserError(
            f"{predictions} and {base} hold different records; run `dvc repro` so that both see the same split"
        )
    return mean_difference(f1_of_sets(own) - f1_of_sets(other), n_resamples, seed)


def mean_difference(difference: NDArray[np.floating], n_resamples: int, seed: int) -> dict[str, float | None]:
    """(N,) differences between two models on the same records -> their mean with its interval, as above."""
    sure = bootstrap(difference, n_resamples, seed)
    low, high = (sure.low, sure.high) if sure else (None, None)
    value = float(difference.mean()) if len(difference) else None
    return {"difference": value, "difference_ci_low": low, "difference_ci_high": high}


def f1_of_sets(predictions: pd.DataFrame) -> NDArray[np.floating]:
    """(N,) F1 of each record from its columns `true` and `predicted`."""
    return f1_of_label_sets(predictions["true"], predictions["predicted"])
