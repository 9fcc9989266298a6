"""What a model says of some records, typed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from multilabel.metrics.predictions import PROBABILITY


@dataclass(frozen=True)
class Prediction:
    """What a model says of one record."""

    labels: list[str]  # the names of the labels that it gives, in label order
    probabilities: dict[str, float]  # of each label by name, in label order

    def top(self, number: int) -> dict[str, float]:
        """The most probable labels, most probable first."""
        ranked = sorted(self.probabilities.items(), key=lambda pair: -pair[1])
        return dict(ranked[:number])


@dataclass(frozen=True)
class Predictions:
    """What a model says of N records, in their order; a sequence of `Prediction`."""

    names: list[str]  # of the L labels, in label order
    decided: NDArray[np.uint8]  # (N, L): 1 where a label is given
    probabilities: NDArray[np.float32]  # (N, L)

    def __len__(self) -> int:
        return len(self.decided)

    def __getitem__(self, row: int) -> Prediction:
        values = dict(zip(self.names, self.probabilities[row].tolist(), strict=True))
        return Prediction(self._named(row), values)

    def __iter__(self) -> Iterator[Prediction]:
        return (self[row] for row in range(len(self)))

    @property
    def labels(self) -> list[list[str]]:
        """The names of the labels of each record."""
        return [self._named(row) for row in range(len(self))]

    def to_pandas(self) -> pd.DataFrame:
        """One row per record: `labels`, and `p_<name>` with the probability of each label."""
        columns = {PROBABILITY + name: column for name, column in zip(self.names, self.probabilities.T, strict=True)}
        return pd.DataFrame({"labels": self.labels, **columns})

    def _named(self, row: int) -> list[str]:
        return [self.names[place] for place in np.flatnonzero(self.decided[row])]
