"""What a model said of each test record, as a table; and what follows from such tables alone."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from multilabel.core.errors import UserError
from multilabel.metrics.differences import paired_difference as difference_of
from multilabel.metrics.resampling import of_means
from multilabel.metrics.scores import per_label
from multilabel.metrics.statistics import Estimate, bootstrap, f1_of_label_sets

BY_SEED = "f1_by_seed.parquet"  # beside the predictions, of what was trained with several seeds
PROBABILITY = "p_"  # prefix of the columns with probabilities
Chance = tuple[bool, bool]  # of two models, whether another seed would give something else: not of a baseline
BOTH: Chance = (True, True)


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


def paired_difference(
    predictions: Path, base: Path, n_resamples: int, seed: int, chance: Chance = BOTH
) -> dict[str, float | None]:
    """Samples-F1 of one model minus that of another on the same records, with the interval of the mean difference.

    Where either was trained with several seeds it is that of the means over seeds, and the interval covers them as well. It
    is None where there are fewer than two records.
    """
    if pd.read_parquet(predictions)["id"].tolist() != pd.read_parquet(base)["id"].tolist():
        raise UserError(
            f"{predictions} and {base} hold different records; run `dvc repro` so that both see the same split"
        )
    return difference_by_seed(read_f1_by_seed(predictions), read_f1_by_seed(base), n_resamples, seed, chance)


def difference_by_seed(
    own: NDArray[np.floating], other: NDArray[np.floating], n_resamples: int, seed: int, chance: Chance = BOTH
) -> dict[str, float | None]:
    """(S, N) and (T, N) scores of the same records by the trainings of two models -> the same."""
    if len(own) == len(other) == 1 or own.shape[1] < 2:
        return mean_difference(own.mean(axis=0) - other.mean(axis=0), n_resamples, seed)
    first, second = (
        of_means(scores, n_resamples, seed, chance=varies) for scores, varies in zip((own, other), chance, strict=True)
    )
    found = difference_of(first, second)
    sure = found.interval()
    return {"difference": found.value, "difference_ci_low": sure.low, "difference_ci_high": sure.high}


def mean_difference(difference: NDArray[np.floating], n_resamples: int, seed: int) -> dict[str, float | None]:
    """(N,) differences between two models on the same records -> their mean with its interval, as above."""
    sure = bootstrap(difference, n_resamples, seed)
    low, high = (sure.low, sure.high) if sure else (None, None)
    value = float(difference.mean()) if len(difference) else None
    return {"difference": value, "difference_ci_low": low, "difference_ci_high": high}


def mean_over_seeds(by_seed: NDArray[np.floating], n_resamples: int, seed: int) -> Estimate | None:
    """(S, N) scores of several seeds -> their mean with an interval that covers records and seeds; None for one record."""
    if by_seed.shape[1] < 2:
        return None
    nothing = of_means(np.zeros((1, by_seed.shape[1])), n_resamples, seed, chance=False)
    sure = difference_of(of_means(by_seed, n_resamples, seed), nothing).interval()
    return replace(sure, low=max(sure.low, 0.0), high=min(sure.high, 1.0))  # a quantile of Student's t knows no end


def read_f1_by_seed(predictions: Path) -> NDArray[np.floating]:
    """(S, N) F1 of each record by each training; of one alone it is that of the predictions."""
    path = predictions.with_name(BY_SEED)
    if path.exists():
        return pd.read_parquet(path).to_numpy().T
    return f1_of_sets(pd.read_parquet(predictions))[None]


def f1_of_sets(predictions: pd.DataFrame) -> NDArray[np.floating]:
    """(N,) F1 of each record from its columns `true` and `predicted`."""
    return f1_of_label_sets(predictions["true"], predictions["predicted"])
