"""F1 of every test record by every architecture: a small file in git, by which two revisions are compared record by record."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from multilabel.core.errors import UserError
from multilabel.core.files import replacing

F1 = "f1_"  # prefix of the columns with scores
TRAINING = "@"  # between an architecture and the number of its training, of which it may have several
RECORD = ["id", "truth"]  # what tells records apart: ids may stay where labels change, so `truth` is a digest of those


@dataclass(frozen=True)
class Scored:
    """F1 of N test records by the architectures of a dataset."""

    records: pd.Index  # id and truth
    by_seed: Mapping[str, NDArray[np.floating]]  # architecture -> (S, N), a row for each of its trainings

    def in_order_of(self, records: pd.Index) -> "Scored | None":
        """The same in another order; None where these are other records."""
        if not self.records.sort_values().equals(records.sort_values()):
            return None
        places = self.records.get_indexer(records)
        return Scored(records, {name: f1[:, places] for name, f1 in self.by_seed.items()})


def per_record(
    dataset: str, predictions: Mapping[str, pd.DataFrame], by_seed: Mapping[str, NDArray[np.floating]]
) -> pd.DataFrame:
    """The predictions of a dataset's architectures -> dataset, id, truth and `f1_<architecture>`, a row per test record.

    `by_seed` has (S, N) the F1 of each; of one with S > 1 the columns are `f1_<architecture>@0` and so on.
    """
    found = pd.DataFrame()
    for name, table in predictions.items():
        if not len(found.columns):
            truth = [zlib.crc32(json.dumps(sorted(labels)).encode()) for labels in table["true"]]
            found = pd.DataFrame({"dataset": dataset, "id": table["id"], "truth": pd.Series(truth, dtype="uint32")})
        elif found["id"].tolist() != table["id"].tolist():
            raise UserError(f"the predictions of {name} are of other records than those of {next(iter(predictions))}; "
                            f"run `dvc repro` so that both see the same split")  # fmt: skip
        scores = by_seed[name]
        for number, f1 in enumerate(scores):
            found[F1 + name + (f"{TRAINING}{number}" if len(scores) > 1 else "")] = f1
    return found


def write(parts: Sequence[pd.DataFrame], path: Path) -> None:
    """Those of all datasets as one parquet file, the same bytes for the same values."""
    table = pd.concat(parts) if parts else pd.DataFrame(columns=["dataset", *RECORD])
    with replacing(path) as partial:
        table.to_parquet(partial, index=False, compression="zstd")


def read(file: BinaryIO) -> dict[str, Scored]:
    """Dataset -> what is known of its test records, in the order of the report, which draws them as often."""
    return {str(dataset): _scored(rows) for dataset, rows in pd.read_parquet(file).groupby("dataset")}


def _scored(rows: pd.DataFrame) -> Scored:
    table = rows.set_index(RECORD).filter(regex=f"^{F1}").dropna(axis="columns", how="all")
    columns: dict[str, list[str]] = {}
    for column in table.columns:
        columns.setdefault(str(column).removeprefix(F1).partition(TRAINING)[0], []).append(str(column))
    return Scored(table.index, {name: table[own].to_numpy().T for name, own in columns.items()})
