"""Test records that a model predicts rightly and wrongly, with what was true and what it said."""

from dataclasses import dataclass

import pandas as pd

from multilabel.core.paths import records_file
from multilabel.data.label_cells import mark_between
from multilabel.data.labels import Labels
from multilabel.data.records import read_images, read_records
from multilabel.reporting import image_plots
from multilabel.reporting.canvas import wrap
from multilabel.reporting.figures import Figures
from multilabel.reporting.markdown import Markdown, shorten, table
from multilabel.reporting.tables import examples

COLUMNS = 4  # of images
OUTCOMES = {"right": "predicted exactly", "wrong": "predicted wrongly"}


@dataclass(frozen=True)
class Samples:
    """Some records of one outcome: `shown` is a figure where they have images, a table where they have none."""

    outcome: str
    number: int
    shown: Markdown


def samples(
    dataset: str, labels: Labels, predictions: pd.DataFrame, number: int, seed: int, figures: Figures
) -> list[Samples]:
    """At most `number` records of each outcome; there may be none of one, and `number` may be 0."""
    names = dict(zip(labels.ids, labels.names, strict=True))
    mark = mark_between(labels.names)
    found = []
    for outcome, words in OUTCOMES.items():
        chosen = examples(predictions, number, outcome == "right", seed)
        rows = [
            (id, *(mark.join(names[label] for label in ids) for ids in (true, predicted)))
            for id, true, predicted in zip(chosen["id"], chosen["true"], chosen["predicted"], strict=True)
        ]
        found.append(Samples(words, len(rows), _shown(dataset, rows, outcome, figures)))
    return found if number else []


def _shown(dataset: str, rows: list[tuple[str, str, str]], outcome: str, figures: Figures) -> Markdown:
    if not rows:
        return Markdown()
    records = read_records(records_file(dataset))
    labelled = records[records["labelled"]]  # an unlabelled record may have the same id
    chosen = labelled.iloc[pd.Index(labelled["id"]).get_indexer_for([id for id, _, _ in rows])]
    texts, images = chosen["text"].tolist(), read_images(records_file(dataset), chosen.index.tolist())
    if any(image is not None for image in images):
        titles = [
            "\n".join(map(wrap, (text, f"true: {true}", f"predicted: {predicted}")))
            for text, (_, true, predicted) in zip(texts, rows, strict=True)
        ]
        return figures.draw(
            f"{dataset}_{outcome}", f"Records {OUTCOMES[outcome]}", image_plots.image_grid, images, titles, COLUMNS
        )
    lines = [[shorten(text), *map(shorten, row[1:])] for text, row in zip(texts, rows, strict=True)]
    return table(["text", "true", "predicted"], lines)
