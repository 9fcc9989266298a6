"""A dataset as the stages after encode_labels read it: the records of one split with their targets."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from multilabel.core.paths import labels_file, records_file, targets_file
from multilabel.data.labels import Labels
from multilabel.data.records import read_records


@dataclass(frozen=True)
class Inputs:
    """Some records of a records file: their row numbers in it, and their texts."""

    records: Path
    rows: NDArray[np.int_]
    texts: list[str]


@dataclass(frozen=True)
class Split:
    """Ids, inputs and multi-hot targets (N, L) of some labelled records."""

    ids: list[str]
    inputs: Inputs
    targets: NDArray[np.uint8]


def load_labels(dataset: str) -> Labels:
    """The label order of a dataset."""
    return Labels.load(labels_file(dataset))


def load_split(dataset: str, name: str) -> Split:
    """The records of `train`, `valid` or `test`."""
    own = pd.read_parquet(targets_file(dataset), filters=[("split", "==", name)])
    targets = np.zeros((len(own), len(load_labels(dataset).ids)), np.uint8)
    for target, places in zip(targets, own["labels"], strict=True):
        target[places] = 1
    return Split(own["id"].tolist(), _inputs(dataset, own["row"].to_numpy()), targets)


def load_unlabelled(dataset: str) -> tuple[list[str], Inputs]:
    """Ids and inputs of the records whose labels are to be predicted, in the order of the source."""
    records = read_records(records_file(dataset), ["id", "labels"])
    unlabelled = records[~records["labelled"]]
    return unlabelled["id"].tolist(), _inputs(dataset, unlabelled.index.to_numpy())


def _inputs(dataset: str, rows: NDArray[np.int_]) -> Inputs:
    """By row, since an unlabelled record may have the id of a labelled one."""
    texts = read_records(records_file(dataset), ["text"])["text"]
    return Inputs(records_file(dataset), rows, texts.iloc[rows].tolist())


def subset(split: Split, chosen: NDArray[Any]) -> Split:
    """The records with these numbers, or where a mask is true."""
    rows = np.arange(len(split.ids))[chosen]
    inputs = Inputs(split.inputs.records, split.inputs.rows[rows], [split.inputs.texts[row] for row in rows])
    return Split([split.ids[row] for row in rows], inputs, split.targets[rows])


def join(first: Split, second: Split) -> Split:
    """The records of both, of one dataset."""
    rows = np.concatenate([first.inputs.rows, second.inputs.rows])
    inputs = Inputs(first.inputs.records, rows, first.inputs.texts + second.inputs.texts)
    return Split(first.ids + second.ids, inputs, np.concatenate([first.targets, second.targets]))
