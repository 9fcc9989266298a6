"""Describe a dataset in numbers, tables and figures; nothing downstream reads them but the report."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from annotated_types import Ge
from numpy.typing import NDArray

from multilabel.core.errors import run_stage
from multilabel.core.files import replacing_folder, write_json
from multilabel.core.paths import METRICS, REPORTS, records_file
from multilabel.core.settings import parsed, read_block, read_section
from multilabel.data import profile
from multilabel.data.labels import Labels, order
from multilabel.data.records import read_records
from multilabel.reporting import plots


@dataclass(frozen=True, kw_only=True)
class EdaSettings:
    """How much is shown."""

    top_words: Annotated[int, Ge(1)]
    max_sample_images: Annotated[int, Ge(0)]


def eda(dataset: str) -> None:
    """Write metrics/eda/<dataset>.json and reports/eda/<dataset>/."""
    settings = parsed(EdaSettings, read_section("eda"), "eda")
    records = read_records(records_file(dataset), images=True)
    labelled = records[records["labelled"]]
    labels = order(labelled["labels"], read_block("datasets", dataset).get("label_names", "as_given"))
    targets = labels.multi_hot(labelled["labels"])

    numbers = profile.summary(records, targets, labels)
    pairs = profile.cooccurrence(targets, labels)
    words = profile.top_words(labelled["text"], targets, labels, settings.top_words)

    write_json(METRICS / "eda" / f"{dataset}.json", numbers)
    with replacing_folder(REPORTS / "eda" / dataset) as folder:
        pairs.to_csv(folder / "cooccurrence.csv", index=False)
        words.to_csv(folder / "top_words.csv", index=False)
        plots.label_counts(numbers["label_counts"], folder / "label_counts.png")
        per_record = numbers["labels_per_record"]
        plots.bars(per_record, "Labels per record", "labels", folder / "labels_per_record.png")
        plots.lengths(profile.word_counts(records["text"].tolist()), folder / "text_length.png")
        plots.cooccurrence(pairs, folder / "cooccurrence.png")
        _sample_images(labelled, targets, labels, settings.max_sample_images, folder / "sample_images.png")
    print(f"{dataset}: {numbers['records']} records, {len(labels.ids)} labels, "
          f"{numbers['labels_per_record_mean']} labels per record")  # fmt: skip


def _sample_images(records: pd.DataFrame, targets: NDArray[np.uint8], labels: Labels, most: int, path: Path) -> None:
    """For each label the first picture that shows it alone, or with the fewest others."""
    if records["image"].isna().all() or most == 0:
        return
    contents, titles = [], []
    for place, name in enumerate(labels.names[:most]):
        having = np.flatnonzero(targets[:, place])
        best = having[np.argmin(targets[having].sum(axis=1))]
        others = [labels.names[i] for i in np.flatnonzero(targets[best]) if i != place]
        contents.append(records["image"].iloc[best])
        titles.append(plots.wrap(" + ".join([name, *others])))
    plots.pictures(contents, titles, 6, path)


if __name__ == "__main__":
    run_stage(eda, "dataset")
