"""Describe a dataset in numbers and tables; nothing downstream reads them but the report, which draws them."""

import csv
from typing import Any

import numpy as np
import pandas as pd

from multilabel.core.errors import run_stage
from multilabel.core.files import replacing_folder, write_json
from multilabel.core.paths import EDA, METRICS, records_file
from multilabel.core.settings import parsed, read_block, read_section
from multilabel.data import profile
from multilabel.data.labels import order
from multilabel.data.records import read_columns, read_labelled
from multilabel.reporting.settings import EdaSettings

COLUMNS = ("id", "text", "image_digest", "image_width", "image_height", "image_mode")


def eda(dataset: str) -> None:
    """Write metrics/eda/<dataset>.json and the tables in data/eda/<dataset>/."""
    settings = parsed(EdaSettings, read_section("eda"), "eda")
    records = read_columns(records_file(dataset), COLUMNS).reset_index(names="row")
    rows, label_sets = read_labelled(records_file(dataset))
    records["labelled"] = np.isin(records["row"], rows)
    labels = order([label_sets.ids], read_block("datasets", dataset).get("label_names", "as_given"))
    targets = label_sets.multi_hot(labels)

    numbers = profile.summary(records, targets, labels)
    lengths = profile.histogram(profile.word_counts(records["text"])) if numbers["text_words"] else {}
    tables = {
        "label_counts": profile.label_counts(targets, labels),
        "labels_per_record": _histogram("labels", numbers["labels_per_record"]),
        "cooccurrence": profile.cooccurrence(targets),
        "text_lengths": _histogram("words", lengths),
        "top_words": profile.top_words(records["text"].iloc[rows], targets, labels, settings.top_words),
        "sample_images": profile.sample_images(
            records[["row", "id", "image_digest"]].iloc[rows], targets, labels, settings.max_sample_images
        ),
    }
    notes = _notes(numbers, tables)

    write_json(METRICS / "eda" / f"{dataset}.json", {**numbers, "notes": notes})
    with replacing_folder(EDA / dataset) as folder:
        for name, table in tables.items():
            table.to_csv(folder / f"{name}.csv", index=False, quoting=csv.QUOTE_NONNUMERIC)
    print(f"{dataset}: {numbers['records']} records, {len(labels.ids)} labels, "
          f"{numbers['labels_per_record_mean']} labels per record", *notes, sep="; ")  # fmt: skip


def _notes(numbers: dict[str, Any], tables: dict[str, pd.DataFrame]) -> list[str]:
    """What is missing, and why."""
    notes = []
    if tables["label_counts"].empty:
        notes.append("no record has a label: nothing to count per label")
    if numbers["text_words"] is None:
        notes.append("no record has a text: no lengths, no telling words")
    elif tables["top_words"].empty:
        notes.append("no telling words: stop words aside, no word stands in two texts of labelled records")
    return notes


def _histogram(name: str, counts: dict[str, int]) -> pd.DataFrame:
    return pd.DataFrame({name: counts.keys(), "records": counts.values()}).astype(int)


if __name__ == "__main__":
    run_stage(eda, "dataset")
