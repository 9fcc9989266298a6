"""Count what the EDA tables of the reports show: labels, pairs, label sets, lengths after cleaning; on all records."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from multilabel.core.errors import run_stage
from multilabel.core.files import write_json
from multilabel.core.paths import records_file
from multilabel.core.settings import parsed, read_block, read_section
from multilabel.data import profile
from multilabel.data.labels import order
from multilabel.data.records import read_records
from multilabel.inputs.cleaning import CLEANINGS, clean
from multilabel.studies.specification import COUNTS, ROOT, origin

WORDS = 3  # telling words per label


@dataclass(frozen=True, kw_only=True)
class CountSettings:
    """Records that the report's parser swallows."""

    lost: Sequence[str]


def count(dataset: str) -> None:
    """Write data/counts.json: all labelled records, and the same without those that the report lost."""
    lost = parsed(CountSettings, read_section("count"), "count").lost
    records = read_records(ROOT / records_file(dataset))
    labelled = records[records["labelled"]]
    kept = labelled[~labelled["id"].isin(lost)]
    names = read_block("datasets", dataset).get("label_names", "as_given")

    content = {
        "data": origin(dataset),
        "all": _counts(labelled, names),
        "without_lost": {"lost": len(labelled) - len(kept), **_counts(kept, names)},
        "cleaned_lengths": _cleaned_lengths(labelled["text"].tolist()),
    }
    write_json(COUNTS, content)
    print(f"{dataset}: {len(labelled):,} labelled records counted, {content['data']}")


def _counts(records: pd.DataFrame, names: str) -> dict[str, Any]:
    labels = order(records["labels"], names)
    targets = labels.multi_hot(records["labels"])
    counts = profile.label_counts(targets, labels)
    pairs = np.zeros((len(labels.ids), len(labels.ids)), dtype=int)
    for first, second, number in profile.cooccurrence(targets).itertuples(index=False):
        pairs[first, second] = pairs[second, first] = number
    words = profile.top_words(records["text"].tolist(), targets, labels, WORDS).groupby("label", sort=False)["word"]
    sets = Counter(" ".join(sorted(found, key=str)) for found in records["labels"])
    return {
        "records": len(records),
        "ids": int(records["id"].nunique()),
        "labels": labels.ids,
        "names": labels.names,
        "label_counts": counts["records"].tolist(),
        "labels_per_record": profile.histogram(targets.sum(axis=1)),
        "pairs": pairs.tolist(),
        "totals": counts["others"].tolist(),
        "ratios": counts["ratio"].tolist(),
        "label_sets": dict(sets.most_common(2)),
        "top_words": {name: ", ".join(found) for name, found in words},
    }


def _cleaned_lengths(texts: list[str]) -> dict[str, int]:
    """Histogram of words per text after the four steps of report r4."""
    return profile.histogram(profile.word_counts(clean(texts, list(CLEANINGS))))


if __name__ == "__main__":
    run_stage(count, "dataset")
