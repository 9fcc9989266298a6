"""What a dataset looks like before anything is learned: counts, co-occurrence, lengths, sizes, telling words.

`eda` writes these as tables to data/eda/<dataset>/, which the report draws. All of them may be empty. A label's text
is never the name of a column, since it may be any text.

    label_counts.csv       id, name, records, others, ratio   a row per label, in label order; see `label_counts`
    labels_per_record.csv  labels, records                    by rising number of labels
    cooccurrence.csv       first, second, records             rows of label_counts.csv; only pairs that occur
    text_lengths.csv       words, records                     by rising length; empty where no record has a text
    top_words.csv          label, word, share, elsewhere      `label` is a name; the most telling words first
    sample_images.csv      row, id, labels                    row of records.parquet; `labels` are names
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, triu
from sklearn.feature_extraction.text import CountVectorizer

from multilabel.data.duplicates import extra, text_keys
from multilabel.data.labels import Labels

TEXTS = 10_000  # whose words are counted at a time
LEAST_TEXTS = 2  # in which a word must stand to tell anything
CELLS = 4_000_000  # of a table of labels and words that is held in memory at a time


def summary(records: pd.DataFrame, targets: NDArray[np.uint8], labels: Labels) -> dict[str, Any]:
    """Numbers about all `records`; `targets` are those of the labelled ones. None where there is nothing to count."""
    counts, sizes = targets.sum(axis=0, dtype=np.int64), targets.sum(axis=1, dtype=np.int64)
    texts = records["text"]
    without_text = sum(not text.strip() for text in texts)
    return {
        "records": len(records),
        "labelled": int(records["labelled"].sum()),
        "unlabelled": int((~records["labelled"]).sum()),
        "labels_per_record_mean": round(float(sizes.mean()), 4) if len(sizes) else None,
        "labels_per_record": histogram(sizes),
        "label_counts": {name: int(count) for name, count in zip(labels.names, counts, strict=True)},
        "text_words": spread(word_counts(texts)) if without_text < len(texts) else None,
        "without_text": without_text,
        "images": images(records),
        "duplicates": {
            "images": extra(records["image_digest"].dropna()),
            "texts": extra(text_keys(texts)),
        },
    }


def histogram(values: Sequence[int] | NDArray[np.integer]) -> dict[str, int]:
    """How often each value occurs, by rising value."""
    return {str(value): count for value, count in sorted(Counter(np.asarray(values).tolist()).items())}


def word_counts(texts: Iterable[str]) -> list[int]:
    """Words per text, separated by spaces."""
    return [len(text.split()) for text in texts]


def spread(values: Sequence[float] | pd.Series) -> dict[str, float]:
    """Smallest, median, mean and largest of at least one value."""
    found = np.asarray(values)
    statistics = {"min": found.min(), "median": np.median(found), "mean": found.mean(), "max": found.max()}
    return {name: round(float(value), 2) for name, value in statistics.items()}


def images(records: pd.DataFrame) -> dict[str, Any]:
    """Sizes in pixels and modes of the images as stored; only their number where there is none."""
    found = records[records["image_digest"].notna()]
    if found.empty:
        return {"number": 0}
    modes = dict(sorted(Counter(found["image_mode"]).items()))
    width, height = spread(found["image_width"]), spread(found["image_height"])
    return {"number": len(found), "width": width, "height": height, "modes": modes}


def label_counts(targets: NDArray[np.uint8], labels: Labels) -> pd.DataFrame:
    """Per label: its records, the other labels on these, counted record by record, and their ratio."""
    counts, sizes = targets.sum(axis=0, dtype=np.int64), targets.sum(axis=1, dtype=np.int64)
    others = csr_array(targets, dtype=np.int64).T @ sizes - counts
    ratio = np.round(others / np.maximum(1, counts), 2)
    return pd.DataFrame({"id": labels.ids, "name": labels.names, "records": counts, "others": others, "ratio": ratio})


def cooccurrence(targets: NDArray[np.uint8]) -> pd.DataFrame:
    """How many records have both labels, for all pairs of label numbers first < second that occur together."""
    table = csr_array(targets, dtype=np.int64)
    pairs = triu(table.T @ table, k=1).tocoo()
    found = pd.DataFrame({"first": pairs.row, "second": pairs.col, "records": pairs.data})
    return found.sort_values(["first", "second"], ignore_index=True)


def top_words(texts: Iterable[str], targets: NDArray[np.uint8], labels: Labels, number: int) -> pd.DataFrame:
    """Per label the words whose share among its texts most exceeds their share among all others.

    Stop words aside, and words of a single text; there may be none left.
    """
    rows: list[dict[str, Any]] = []
    words, everywhere, together = _word_counts_by_label(texts, targets)
    if not len(words):
        return pd.DataFrame(columns=["label", "word", "share", "elsewhere"])
    counts = targets.sum(axis=0, dtype=np.int64)
    step = max(1, CELLS // len(words))
    for first in range(0, len(labels.names), step):
        having = together[first : first + step].toarray()
        for name, count, own in zip(labels.names[first:], counts[first:], having, strict=False):
            inside, outside = own / max(1, count), (everywhere - own) / max(1, len(targets) - count)
            best = np.argsort(outside - inside, kind="stable")[:number]
            rows += [
                {"label": name, "word": words[i], "share": round(inside[i], 4), "elsewhere": round(outside[i], 4)}
                for i in best
            ]
    return pd.DataFrame(rows, columns=["label", "word", "share", "elsewhere"])


def _word_counts_by_label(
    texts: Iterable[str], targets: NDArray[np.uint8]
) -> tuple[NDArray[np.str_], NDArray[np.int64], csr_array]:
    """The words that stand in two texts or more, in how many (W,), and in how many of each label (L, W).

    Some thousand texts at a time: what scikit-learn keeps of all of them is larger than they are.
    """
    analyze = CountVectorizer(stop_words="english").build_analyzer()
    place: dict[str, int] = {}
    number, everywhere = len(targets), np.zeros(0, np.int64)
    together = csr_array((targets.shape[1], 0), dtype=np.int64)
    waiting = iter(texts)
    for first in range(0, number, TEXTS):
        own = [{place.setdefault(word, len(place)) for word in analyze(text)} for text in islice(waiting, TEXTS)]
        starts = np.cumsum([0, *map(len, own)])
        columns = np.fromiter(chain.from_iterable(own), np.int64, starts[-1])
        there = csr_array((np.ones(len(columns), np.int64), columns, starts), shape=(len(own), len(place)))
        everywhere = np.pad(everywhere, (0, len(place) - len(everywhere))) + there.sum(axis=0)
        together.resize(targets.shape[1], len(place))
        together = together + csr_array(targets[first : first + TEXTS], dtype=np.int64).T @ there
    words = np.array(list(place), dtype=object)
    kept = np.flatnonzero(everywhere >= LEAST_TEXTS)
    kept = kept[np.argsort(words[kept], kind="stable")]
    return words[kept], everywhere[kept], csr_array(together)[:, kept]


def sample_images(records: pd.DataFrame, targets: NDArray[np.uint8], labels: Labels, most: int) -> pd.DataFrame:
    """For each of the first `most` labels the first image that shows it alone, or with the fewest others."""
    sizes, there = targets.sum(axis=1, dtype=np.int64), records["image_digest"].notna().to_numpy()
    rows = []
    for place, name in enumerate(labels.names[:most]):
        having = np.flatnonzero(targets[:, place] & there)
        if len(having):
            best = having[np.argmin(sizes[having])]
            others = [labels.names[i] for i in np.flatnonzero(targets[best]) if i != place]
            own = records.iloc[best]
            rows.append({"row": own["row"], "id": own["id"], "labels": " + ".join([name, *others])})
    return pd.DataFrame(rows, columns=["row", "id", "labels"])
