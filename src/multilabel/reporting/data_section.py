"""The part of the report about the data themselves, before anything was learned."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from multilabel.core.paths import labels_file, records_file
from multilabel.data.labels import Labels
from multilabel.data.records import read_images
from multilabel.reporting import image_plots, plots
from multilabel.reporting.canvas import wrap
from multilabel.reporting.figures import Figures
from multilabel.reporting.markdown import Markdown, escape, shorten, table
from multilabel.reporting.results import described, stored, there

MOST_LABELS, WORDS = 40, 4  # labels whose telling words are printed, and how many of each
COLUMNS = 6  # of sample images


@dataclass(frozen=True)
class DataSection:
    """What the template prints."""

    name: str
    labels: int
    eda: dict[str, Any]
    ingest: dict[str, Any]
    reasons: str
    splits: Markdown
    figures: list[Markdown]
    words: Markdown


def data_section(dataset: str, figures: Figures) -> DataSection:
    """Reads what ingest, eda, split and encode_labels left; draws into `figures`."""
    labels = Labels.load(there(labels_file(dataset), "encode_labels", dataset))
    ingest = stored("ingest", dataset)
    return DataSection(
        name=dataset,
        labels=len(labels.ids),
        eda=stored("eda", dataset),
        ingest=ingest,
        reasons="; ".join(f"{reason}: {n}" for found in ingest["reasons"].values() for reason, n in found.items()),
        splits=_splits(stored("split", dataset)),
        figures=_figures(dataset, figures),
        words=_telling_words(described(dataset, "top_words")),
    )


def _splits(found: dict[str, Any]) -> Markdown:
    def share(value: float | None) -> str:
        return "n/a" if value is None else f"{value:.4f}"

    rows = [
        [name, found[name]["records"], share(found[name]["share_difference_max"])]
        for name in ("train", "valid", "test")
    ]
    return table(["split", "records", "largest difference of a label's share to the whole"], rows)


def _figures(dataset: str, figures: Figures) -> list[Markdown]:
    """Those that there is something to draw for: a dataset may lack labels, texts or images."""
    counts, pairs = described(dataset, "label_counts"), described(dataset, "cooccurrence")
    per_record, lengths = described(dataset, "labels_per_record"), described(dataset, "text_lengths")
    found = []
    if len(counts):
        named = list(zip(counts["name"], counts["records"].astype(int), strict=True))
        found.append(figures.draw(f"{dataset}_label_counts", "Records per label", plots.label_counts, named))
        found.append(
            figures.draw(
                f"{dataset}_labels_per_record", "Labels per record", plots.labels_per_record, _counts(per_record)
            )
        )
    if len(lengths):
        found.append(
            figures.draw(f"{dataset}_text_lengths", "Length of the texts", plots.text_lengths, _counts(lengths))
        )
    if len(pairs):
        ratios = counts["ratio"].astype(float).tolist()
        drawn = (plots.cooccurrence, _matrix(pairs, len(counts)), counts["name"].tolist(), ratios)
        found.append(figures.draw(f"{dataset}_cooccurrence", "Records with both labels", *drawn))
    return found + _sample_images(dataset, figures)


def _counts(table: pd.DataFrame) -> dict[int, int]:
    """A table of values and how many records have each."""
    values, records = (table.iloc[:, column].astype(int) for column in (0, 1))
    return dict(zip(values, records, strict=True))


def _matrix(pairs: pd.DataFrame, labels: int) -> NDArray[np.int_]:
    """(L, L) the records that have both labels, zero on the diagonal."""
    first, second, records = pairs.to_numpy(int).T
    matrix = np.zeros((labels, labels), dtype=int)
    matrix[first, second] = matrix[second, first] = records
    return matrix


def _sample_images(dataset: str, figures: Figures) -> list[Markdown]:
    chosen = described(dataset, "sample_images")
    if chosen.empty:
        return []
    images = read_images(records_file(dataset), chosen["row"].astype(int).tolist())
    titles = [wrap(title) for title in chosen["labels"]]
    return [figures.draw(f"{dataset}_sample_images", "Sample images", image_plots.image_grid, images, titles, COLUMNS)]


def _telling_words(words: pd.DataFrame) -> Markdown:
    """The words that tell most about each label, as one sentence."""
    grouped = words.groupby("label", sort=False)["word"].apply(lambda own: ", ".join(own[:WORDS]))
    shown = [f"*{escape(shorten(str(label), 60))}* {escape(own)}" for label, own in grouped[:MOST_LABELS].items()]
    rest = f"; and those of {len(grouped) - MOST_LABELS} more labels" if len(grouped) > MOST_LABELS else ""
    return Markdown("; ".join(shown) + rest)
