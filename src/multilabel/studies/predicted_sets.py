"""The label sets that a run predicts: of every record, seed and decoding rule, so that any score of sets can be computed again.

A table has the columns `id`, `true` and `<rule>_<seed>`. A set is a whole number whose bit i is label i, in the
order of the run's `per_label.csv`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from multilabel.core.errors import UserError

Bits = NDArray[np.uint8]
AS_REPORTED = "as_reported"  # the run's own decoding
COMMON_RULE = "expected_f1"  # the decoding that every run can be held to: nothing of it is fitted or chosen
RULES = (AS_REPORTED, COMMON_RULE)
WIDEST = 64  # labels that a whole number has bits for


@dataclass(frozen=True)
class PredictedSets:
    """What a run says of some records under one rule."""

    ids: pd.Index
    targets: Bits  # (N, L)
    by_seed: Bits  # (S, N, L)


def packed(sets: Bits) -> NDArray[np.uint64]:
    """(N, L) zeros and ones -> (N,) whole numbers; raises `UserError` for more labels than they have bits."""
    if sets.shape[1] > WIDEST:
        raise UserError(f"a study keeps predictions of at most {WIDEST} labels, and these are {sets.shape[1]}; "
                        f"take fewer labels in its `datasets:` block")  # fmt: skip
    return (sets.astype(np.uint64) << np.arange(sets.shape[1], dtype=np.uint64)).sum(axis=1, dtype=np.uint64)


def unpacked(numbers: NDArray[np.uint64], labels: int) -> Bits:
    """The inverse, (..., L)."""
    places = np.arange(labels, dtype=np.uint64)
    return ((numbers[..., None] >> places) & np.uint64(1)).astype(np.uint8)


def predicted_table(ids: list[str], targets: Bits, predicted: Mapping[str, Mapping[int, Bits]]) -> pd.DataFrame:
    """`predicted` is rule -> seed -> (N, L)."""
    columns = {f"{rule}_{seed}": packed(sets) for rule, seeds in predicted.items() for seed, sets in seeds.items()}
    return pd.DataFrame({"id": ids, "true": packed(targets), **columns})


def predicted_sets(table: pd.DataFrame, rule: str) -> PredictedSets:
    """What a table says under one rule, of the seeds that it has."""
    columns = [name for name in table.columns if str(name).startswith(f"{rule}_")]
    numbers = table[["true", *columns]].to_numpy(np.uint64).T
    labels = max(1, int(numbers.max(initial=0)).bit_length())  # what lies above occurs nowhere
    true, *by_seed = unpacked(numbers, labels)
    shape = (len(columns), len(table), labels)
    return PredictedSets(pd.Index(table["id"]), true, np.array(by_seed, np.uint8).reshape(shape))
