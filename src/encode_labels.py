"""Fix the label order of a dataset and write its targets."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from multilabel.core.errors import UserError, one_line, run_stage
from multilabel.core.files import replacing
from multilabel.core.paths import labels_file, records_file, split_file, targets_file
from multilabel.core.settings import read_block
from multilabel.data.labels import order
from multilabel.data.records import read_columns, read_labelled


def encode_labels(dataset: str) -> None:
    """Write data/encoded/<dataset>/: labels.json and targets.parquet.

    The latter has a row per labelled record: its row of records.parquet, its id, its split, and the places of its labels
    in the order.
    """
    table = pd.read_parquet(split_file(dataset))
    rows, label_sets = read_labelled(records_file(dataset))
    ids = read_columns(records_file(dataset), ["id"])["id"].iloc[rows]
    if ids.tolist() != table["id"].tolist() or not np.array_equal(rows, table["row"]):
        raise UserError(f"{split_file(dataset)}: splits other records; run `dvc repro encode_labels@{dataset}`")

    labels = order([label_sets.ids], read_block("datasets", dataset).get("label_names", "as_given"))
    targets = label_sets.multi_hot(labels)
    trained = targets[(table["split"] == "train").to_numpy()].any(axis=0).tolist()
    untrained = [name for name, there in zip(labels.names, trained, strict=True) if not there]

    labels.save(labels_file(dataset))
    with replacing(targets_file(dataset)) as partial:
        table.assign(labels=pd.Series(_places(targets))).to_parquet(partial, index=False)
    note = f"; {len(untrained)} never seen in train: {one_line(', '.join(untrained))}" if untrained else ""
    print(f"{dataset}: {len(labels.ids)} labels, {np.mean(targets.sum(axis=1)):.3f} per record{note}")


def _places(targets: NDArray[np.uint8]) -> list[NDArray[np.int_]]:
    """Where each row has its ones, all of them parts of one array."""
    rows, places = np.nonzero(targets)
    return np.split(places, np.searchsorted(rows, np.arange(1, len(targets))))


if __name__ == "__main__":
    run_stage(encode_labels, "dataset")
