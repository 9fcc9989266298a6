"""F1 of every test record by every architecture: a small file in git, by which two revisions are compared record by record."""

import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from multilabel.core.errors import UserError
from multilabel.core.files import replacing
from multilabel.metrics.predictions import f1_of_sets

F1 = "f1_"  # prefix of the columns with scores
RECORD = ["id", "truth"]  # what tells records apart: ids may stay where labels change, so `truth` is a digest of those


def per_record(
    dataset: str, predictions: Mapping[str, pd.DataFrame], over_seeds: Mapping[str, NDArray[np.floating]] | None = None
) -> pd.DataFrame:
    """The predictions of a dataset's architectures -> dataset, id, truth and `f1_<architecture>`, a row per test record.

    `over_seeds` has (N,) the mean F1 of those that were trained with several.
    """
    found = pd.DataFrame()
    for name, table in predictions.items():
        if not len(found.columns):
            truth = [zlib.crc32(json.dumps(sorted(labels)).encode()) for labels in table["true"]]
            found = pd.DataFrame({"dataset": dataset, "id": table["id"], "truth": pd.Series(truth, dtype="uint32")})
        elif found["id"].tolist() != table["id"].tolist():
            raise UserError(f"the predictions of {name} are of other records than those of {next(iter(predictions))}; "
                            f"run `dvc repro` so that both see the same split")  # fmt: skip
        found[F1 + name] = f1_of_sets(table) if over_seeds is None or name not in over_seeds else over_seeds[name]
    return found


def write(parts: Sequence[pd.DataFrame], path: Path) -> None:
    """Those of all datasets as one parquet file, the same bytes for the same values."""
    table = pd.concat(parts) if parts else pd.DataFrame(columns=["dataset", *RECORD])
    with replacing(path) as partial:
        table.to_parquet(partial, index=False, compression="zstd")


def read(file: BinaryIO) -> dict[str, pd.DataFrame]:
    """Dataset -> F1 by record (rows, in order of id) and architecture (columns)."""
    table = pd.read_parquet(file)
    return {
        str(dataset): rows.set_index(RECORD)
        .filter(regex=f"^{F1}")
        .dropna(axis="columns", how="all")
        .rename(columns=lambda column: column.removeprefix(F1))
        .sort_index()
        for dataset, rows in table.groupby("dataset")
    }
