"""Assign every labelled record to train, valid or test, once."""

import numpy as np
import pandas as pd

from multilabel.core.errors import run_stage
from multilabel.core.files import replacing, write_json
from multilabel.core.paths import METRICS, records_file, split_file
from multilabel.core.settings import parsed, read_section
from multilabel.data.duplicates import groups, text_keys
from multilabel.data.labels import order
from multilabel.data.records import read_columns, read_labelled
from multilabel.data.splits import SplitSettings, balance
from multilabel.data.splits import split as assign


def split(dataset: str) -> None:
    """Write data/splits/<dataset>.parquet (row of records.parquet, id, split) and metrics/split/<dataset>.json."""
    settings = parsed(SplitSettings, read_section("split"), "split")
    file = records_file(dataset)
    rows, label_sets = read_labelled(file)
    targets = label_sets.multi_hot(order([label_sets.ids], "as_given"))
    digests = read_columns(file, ["image_digest"])["image_digest"].iloc[rows].fillna("").tolist()
    together = groups(digests, text_keys(read_columns(file, ["text"])["text"].iloc[rows]))
    del digests
    assigned = assign(targets, together, settings)

    with replacing(split_file(dataset)) as partial:
        ids = read_columns(file, ["id"])["id"].iloc[rows]
        table = pd.DataFrame({"row": rows, "id": ids.tolist(), "split": assigned})
        table.to_parquet(partial, index=False)
    in_groups = int((np.bincount(together)[together] > 1).sum())
    report = {"records": len(rows), "records_with_duplicates": in_groups, **balance(targets, assigned)}
    write_json(METRICS / "split" / f"{dataset}.json", report)
    print(f"{dataset}: " + ", ".join(f"{name} {report[name]['records']}" for name in ("train", "valid", "test")))


if __name__ == "__main__":
    run_stage(split, "dataset")
