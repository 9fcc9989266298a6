"""What a dataset looks like before anything is learned: counts, co-occurrence, lengths, sizes, telling words."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer

from multilabel.data.duplicates import extra, picture_keys, text_keys
from multilabel.data.images import describe
from multilabel.data.labels import Labels


def summary(records: pd.DataFrame, targets: NDArray[np.uint8], labels: Labels) -> dict[str, Any]:
    """Numbers about all `records` (columns of `read_records` with images); `targets` are those of the labelled ones."""
    counts = targets.sum(axis=0)
    return {
        "records": len(records),
        "labelled": int(records["labelled"].sum()),
        "unlabelled": int((~records["labelled"]).sum()),
        "labels_per_record_mean": round(float(targets.sum(axis=1).mean()), 4),
        "labels_per_record": histogram(targets.sum(axis=1)),
        "label_counts": {name: int(count) for name, count in zip(labels.names, counts, strict=True)},
        "text_words": spread(word_counts(records["text"].tolist())),
        "without_text": int((records["text"].str.strip() == "").sum()),
        "images": images(records["image"].tolist()),
        "duplicates": {
            "images": extra(picture_keys(records["image"])),
            "texts": extra(text_keys(records["text"])),
        },
    }


def histogram(values: Sequence[int] | NDArray[np.integer]) -> dict[str, int]:
    """How often each value occurs, by rising value."""
    return {str(value): int(count) for value, count in sorted(Counter(np.asarray(values).tolist()).items())}


def word_counts(texts: Sequence[str]) -> list[int]:
    """Words per text, separated by spaces."""
    return [len(text.split()) for text in texts]


def spread(values: Sequence[float]) -> dict[str, float]:
    """Smallest, median, mean and largest value."""
    found = np.asarray(values)
    statistics = {"min": found.min(), "median": np.median(found), "mean": found.mean(), "max": found.max()}
    return {name: round(float(value), 2) for name, value in statistics.items()}


def images(contents: Sequence[bytes | None]) -> dict[str, Any]:
    """Sizes in pixels and modes of the pictures as stored; only their number where there is none."""
    described = [describe(content) for content in contents if content is not None]
    if not described:
        return {"number": 0}
    widths, heights, modes = zip(*described, strict=True)
    by_mode = dict(sorted(Counter(modes).items()))
    return {"number": len(described), "width": spread(widths), "height": spread(heights), "modes": by_mode}


def cooccurrence(targets: NDArray[np.uint8], labels: Labels) -> pd.DataFrame:
    """How many records have both labels (diagonal 0), and per label: the row's total, its count, and total / count."""
    counts = targets.sum(axis=0, dtype=np.int64)
    pairs = targets.T.astype(np.int64) @ targets
    np.fill_diagonal(pairs, 0)
    total = pairs.sum(axis=1)
    table = pd.DataFrame(pairs, index=labels.names, columns=labels.names)
    ratio = np.round(total / np.maximum(1, counts), 2)
    return table.assign(total=total, count=counts, ratio=ratio).rename_axis("label").reset_index()


def top_words(texts: Sequence[str], targets: NDArray[np.uint8], labels: Labels, number: int) -> pd.DataFrame:
    """Per label the words whose share among its texts most exceeds their share among all others."""
    vectorizer = CountVectorizer(binary=True, min_df=2, stop_words="english")
    found = vectorizer.fit_transform(texts)
    words = vectorizer.get_feature_names_out()
    rows = []
    for name, target in zip(labels.names, targets.T.astype(bool), strict=True):
        inside = np.asarray(found[target].mean(axis=0)).ravel() if target.any() else np.zeros(len(words))
        outside = np.asarray(found[~target].mean(axis=0)).ravel() if (~target).any() else np.zeros(len(words))
        best = np.argsort(outside - inside, kind="stable")[:number]
        rows += [
            {"label": name, "word": words[i], "share": round(inside[i], 4), "elsewhere": round(outside[i], 4)}
            for i in best
        ]
    return pd.DataFrame(rows)
