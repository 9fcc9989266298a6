"""Fix the label order of a dataset and write its targets as zeros and ones."""

import numpy as np
import pandas as pd

from multilabel.core.errors import run_stage
from multilabel.core.files import replacing
from multilabel.core.paths import labels_file, records_file, split_file, targets_file
from multilabel.core.settings import read_block
from multilabel.data.labels import order
from multilabel.data.records import read_records


def encode_labels(dataset: str) -> None:
    """Write data/encoded/<dataset>/: labels.json and targets.parquet (id, split, one column per label)."""
    records = read_records(records_file(dataset)).merge(pd.read_parquet(split_file(dataset)), on="id")

    labels = order(records["labels"], read_block("datasets", dataset).get("label_names", "as_given"))
    targets = labels.multi_hot(records["labels"])
    trained = targets[records["split"] == "train"].any(axis=0)
    untrained = [name for name, there in zip(labels.names, trained, strict=True) if not there]

    labels.save(labels_file(dataset))
    columns = dict(zip(labels.ids, targets.T, strict=True))
    with replacing(targets_file(dataset)) as partial:
        pd.DataFrame({"id": records["id"], "split": records["split"], **columns}).to_parquet(partial, index=False)
    note = f"; never seen in train: {', '.join(untrained)}" if untrained else ""
    print(f"{dataset}: {len(labels.ids)} labels, {np.mean(targets.sum(axis=1)):.3f} per record{note}")


if __name__ == "__main__":
    run_stage(encode_labels, "dataset")
