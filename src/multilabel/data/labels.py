"""Label names <-> multi-hot vectors, and what numbers are called."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from multilabel.core.errors import UserError, shorten
from multilabel.core.files import read_json, write_json
from multilabel.core.registry import choose

# COCO category ids 1 to 19 as used by the competition; COCO itself has no id 12.
COCO = {
    "1": "person", "2": "bicycle", "3": "car", "4": "motorcycle", "5": "airplane", "6": "bus", "7": "train",
    "8": "truck", "9": "boat", "10": "traffic light", "11": "fire hydrant", "13": "stop sign", "14": "parking meter",
    "15": "bench", "16": "bird", "17": "cat", "18": "dog", "19": "horse",
}  # fmt: skip
LABEL_NAMES: dict[str, Mapping[str, str]] = {"coco": COCO, "as_given": {}}


@dataclass(frozen=True)
class Labels:
    """The label order of a dataset: ids as the source writes them, and names for people."""

    ids: list[str]
    names: list[str]

    def multi_hot(self, label_sets: Iterable[Iterable[str]]) -> NDArray[np.uint8]:
        """(N, L) zeros and ones; raises `UserError` for a label that has no place in the order."""
        place = {id: i for i, id in enumerate(self.ids)}
        rows = [list(labels) for labels in label_sets]
        targets = np.zeros((len(rows), len(self.ids)), dtype=np.uint8)
        for row, labels in enumerate(rows):
            for label in labels:
                if label not in place:
                    known = shorten(", ".join(self.ids), 200)
                    raise UserError(f"label {shorten(label, 100)!r} is not one of {known}; run encode_labels again")
                targets[row, place[label]] = 1
        return targets

    def label_sets(self, targets: NDArray[np.integer] | NDArray[np.bool_]) -> list[list[str]]:
        """The ids of each row of (N, L) zeros and ones: the inverse of `multi_hot`, in label order."""
        return [[self.ids[i] for i in np.flatnonzero(row)] for row in targets]

    def save(self, path: Path) -> None:
        """As JSON."""
        write_json(path, {"ids": self.ids, "names": self.names})

    @classmethod
    def load(cls, path: Path) -> "Labels":
        """From JSON."""
        return cls(**read_json(path))


@dataclass(frozen=True)
class LabelSets:
    """The labels of N records in columns, a tenth of the memory of N lists: which there are, and which record has which."""

    ids: list[str]
    rows: NDArray[np.int64]  # of each label that a record has: which record that is,
    places: NDArray[np.int64]  # and its place among the ids
    number: int  # of records

    def multi_hot(self, labels: Labels) -> NDArray[np.uint8]:
        """(N, L) zeros and ones in the order of `labels`, which holds all of these."""
        place = {id: i for i, id in enumerate(labels.ids)}
        targets = np.zeros((self.number, len(labels.ids)), dtype=np.uint8)
        targets[self.rows, np.array([place[id] for id in self.ids], np.int64)[self.places]] = 1
        return targets


def order(label_sets: Iterable[Iterable[str]], naming: str) -> Labels:
    """All labels that occur: by number where all are numbers, else by name; `naming` is a key of LABEL_NAMES."""
    names = choose("label naming", LABEL_NAMES, naming, "datasets.<name>.label_names")
    found = {label for labels in label_sets for label in labels}
    numbers = all(label.isascii() and label.isdecimal() for label in found)
    ids = sorted(found, key=_by_number if numbers else None)
    return Labels(ids, _distinct([names.get(id, id) for id in ids], ids))


def _by_number(digits: str) -> tuple[int, str, str]:
    """As numbers are ordered, without their limit of digits; 01 stands beside 1, always on the same side."""
    significant = digits.lstrip("0")
    return len(significant), significant, digits


def _distinct(names: list[str], ids: list[str]) -> list[str]:
    """`names`, with the id behind each that several ids share: nobody could tell these labels apart."""
    while repeated := {name for name, number in Counter(names).items() if number > 1}:
        names = [f"{name} ({id})" if name in repeated else name for name, id in zip(names, ids, strict=True)]
    return names
