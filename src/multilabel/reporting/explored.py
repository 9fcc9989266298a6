"""What the explorer shows of a dataset, as data: the leaderboard, and what each architecture says of each test record."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from multilabel.core.paths import labels_file, records_file
from multilabel.data.labels import Labels
from multilabel.data.records import read_records
from multilabel.metrics.predictions import PROBABILITY
from multilabel.reporting.results import decides, predicted, reasons_of, there
from multilabel.reporting.thumbnails import thumbnails

LEADERS = [
    "architecture", "f1_samples", "f1_samples_ci_low", "f1_samples_ci_high", "f1_samples_sd", "seeds", "f1_macro", "map",
    "exact_match", "valid_f1_samples", "size_mb", "train_seconds",
]  # fmt: skip
MOST, LEAST = 20, 3  # most probable labels of a record that are shown; all that are true or predicted are
NEGLIGIBLE = 0.01  # less probable labels are left out, but for the LEAST most probable
DIGITS = 1000  # probabilities are whole numbers of thousandths
Reasons = dict[str, list[dict[str, Any]]]  # id of a record -> its labels, and where the network looked for each


def explored(
    dataset: str,
    leaders: pd.DataFrame,
    blocks: Mapping[str, Mapping[str, Any]],
    reasons: Mapping[str, Reasons],
    number: int,
    seed: int,
) -> dict[str, Any]:
    """As JSON: `number` test records, drawn with `seed` where there are more, under every architecture of a leaderboard.

    `reasons` are those of `reasons_by_architecture`; a record that has any is always drawn.
    """
    labels = Labels.load(there(labels_file(dataset), "encode_labels", dataset))
    tables = {str(name): predicted(str(name)) for name in leaders["architecture"]}
    first = next(iter(tables.values()), pd.DataFrame({"id": [], "true": []}))
    rows = _drawn(first["id"].tolist(), {id for found in reasons.values() for id in found}, number, seed)
    ids = first["id"].iloc[rows].tolist()
    return {
        "name": dataset,
        "labels": labels.names,
        "leaders": _leaders(leaders, blocks),
        "records": len(first),
        "ids": ids,
        "truth": _places(first["true"].iloc[rows], labels),
        **_records(dataset, ids),
        "models": [_said(name, table.iloc[rows], labels, reasons.get(name, {})) for name, table in tables.items()],
    }


def reasons_by_architecture(explanations: Mapping[str, Mapping[str, Any]]) -> dict[str, Reasons]:
    """What the stage `explain` left of the blocks of `explanations:`."""
    found: dict[str, Reasons] = {}
    for name, block in explanations.items():
        found.setdefault(block["of"], {}).update(reasons_of(name))
    return found


def _leaders(leaders: pd.DataFrame, blocks: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row per architecture; None for what is not known, since JSON has no NaN."""
    return [
        {column: None if pd.isna(row[column]) else row[column] for column in LEADERS}
        | {"reads": row["modality"], "kind": _kind(blocks[row["architecture"]])}
        for row in leaders.to_dict("records")
    ]


def _kind(block: Mapping[str, Any]) -> str:
    return next((kind for kind in ("baseline", "ensemble") if block.get(kind)), "network")


def _drawn(ids: list[str], always: set[str], number: int, seed: int) -> NDArray[np.int_]:
    """(K,) places in the test split, in its order."""
    if number == 0 or len(ids) <= number:
        return np.arange(len(ids) if number else 0)
    kept = np.array([id in always for id in ids])
    others = np.random.default_rng(seed).permutation(np.flatnonzero(~kept))
    return np.sort(np.concatenate([np.flatnonzero(kept), others[: max(0, number - kept.sum())]]))


def _records(dataset: str, ids: list[str]) -> dict[str, list[str]]:
    """Their texts and thumbnails, "" for one without an image."""
    records = read_records(records_file(dataset))
    labelled = records[records["labelled"]]  # an unlabelled record may have the same id
    chosen = labelled.iloc[pd.Index(labelled["id"]).get_indexer_for(ids)]
    shown = thumbnails(records_file(dataset), chosen.index.tolist())
    return {"texts": chosen["text"].tolist(), "thumbnails": shown}


def _said(name: str, table: pd.DataFrame, labels: Labels, reasons: Reasons) -> dict[str, Any]:
    """The rule of an architecture, and of each record the labels that it gives and the probabilities that count."""
    probabilities = table[[PROBABILITY + id for id in labels.ids]].to_numpy(float)
    either = labels.multi_hot(table["true"]) | labels.multi_hot(table["predicted"])
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ranked = np.take_along_axis(probabilities, order, axis=1)
    rank = np.arange(len(labels.ids))
    kept = (rank < LEAST) | ((rank < MOST) & (ranked >= NEGLIGIBLE)) | (np.take_along_axis(either, order, axis=1) == 1)
    thousandths = np.rint(ranked * DIGITS).astype(int)
    pairs = np.stack([order, thousandths], axis=2)
    explained = {place: reasons[id] for place, id in enumerate(table["id"]) if id in reasons}
    return {
        "name": name,
        **decides(name),
        "given": _places(table["predicted"], labels),
        "said": [own[keep].ravel().tolist() for own, keep in zip(pairs, kept, strict=True)],
        "explained": explained,
    }


def _places(label_sets: Iterable[Iterable[str]], labels: Labels) -> list[list[int]]:
    """Sets of ids as places in the order of the labels."""
    return [np.flatnonzero(row).tolist() for row in labels.multi_hot(label_sets)]
