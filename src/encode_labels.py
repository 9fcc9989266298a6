"""Fix the label order of a dataset and write its targets."""

import numpy as np
import pandas as pd

from multilabel.core.errors import UserError, one_line, run_stage
from multilabel.core.files import replacing
from multilabel.core.paths import labels_file, records_file, split_file, targets_file
from multilabel.core.settings import read_block
from multilabel.data.labels import order
from multilabel.data.records import read_records


def encode_labels(dataset: str) -> None:
    """Write data/encoded/<dataset>/: labels.json and targets.parquet.

    The latter has a row per labelled record: its row of records.parquet, its id, its split, and the places of its labels
    in the order.
    """
    table = pd.read_parquet(split_file(dataset))
    records = read_records(records_file(dataset))
    records = records[records["labelled"]]
    if records["id"].tolist() != table["id"].tolist() or records.index.tolist() != table["row"].tolist():
        raise UserError(f"{split_file(dataset)}: splits other records; run `dvc repro encode_labels@{dataset}`")

    labels = order(records["labels"], read_block("datasets", dataset).get("label_names", "as_given"))
    targets = labels.multi_hot(records["labels"])
    trained = targets[(table["split"] == "train").to_numpy()].any(axis=0).tolist()
    untrained = [name for name, there in zip(labels.names, trained, strict=True) if not there]

    labels.save(labels_file(dataset))
    with replacing(targets_file(dataset)) as partial:
        table.assign(labels=pd.Series(map(np.flatnonzero, targets))).to_parquet(partial, index=False)
    note = f"; {len(untrained)} never seen in train: {one_line(', '.join(untrained))}" if untrained else ""
    print(f"{dataset}: {len(labels.ids)} labels, {np.mean(targets.sum(axis=1)):.3f} per record{note}")


if __name__ == "__main__":
    run_stage(encode_labels, "dataset")
