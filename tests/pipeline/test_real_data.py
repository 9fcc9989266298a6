"""The real competition and the real books, where they are at hand: nothing is lost, and published counts come out."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from multilabel.core.yaml_files import read_yaml
from multilabel.data.archives import open_source
from multilabel.data.labels import order
from multilabel.data.profile import cooccurrence, histogram, label_counts
from multilabel.data.readers import Competition, Goodreads
from multilabel.data.records import Findings, Record
from multilabel.data.synthetic.label_sets import PUBLISHED

pytestmark = pytest.mark.slow
# The records that `read_csv(escapechar="/")` loses, because the caption before each ends in `/`.
LOST = {"4788.jpg", "14713.jpg", "14958.jpg", "29878.jpg"}
# Co-occurrence ratios as report r3 prints them (Figure 2), in label order.
RATIOS = [0.62, 2.13, 2.00, 1.83, 0.79, 2.16, 0.91, 2.13, 1.10, 2.18, 1.46, 1.43, 1.76, 1.32, 0.60, 0.36, 0.93, 1.06]


@pytest.fixture
def captions(real_data: Path) -> tuple[list[Record], Findings]:
    findings = Findings("error")
    source = open_source(real_data / "captions-competition-csv-30k.zip", 1)
    return list(Competition().read(source, findings, 50)), findings


def test_all_forty_thousand_records_come_out(captions: tuple[list[Record], Findings]) -> None:
    records, findings = captions
    assert [record.id for record in records] == [f"{i}.jpg" for i in range(40_000)]
    assert sum(record.labels is not None for record in records) == 30_000
    assert findings.counts() == {
        "repaired": {"unescaped quotes": 111, "line break inside the field": 4},
        "rejected": {},
    }
    texts = {record.id: record.text for record in records}
    assert texts["4787.jpg"] == "Man and his dog laying on the floor inside of a room/"
    assert texts["14957.jpg"] == 'A red stop sign next to a paper sign that reads "COURT"/'
    assert texts["1338.jpg"] == 'A man surfing with titling that reads "spray."'
    assert texts["1814.jpg"] == 'A stop sign at an intersection, with "Hammer Time" printed on it'
    assert texts["2259.jpg"] == "Men loading up a van with bags and suitcases.\n."


def test_counts_are_those_that_the_reports_print(captions: tuple[list[Record], Findings]) -> None:
    labelled = [record for record in captions[0] if record.labels is not None]
    published = read_yaml(PUBLISHED)
    sizes = histogram([len(record.labels or []) for record in labelled])
    assert sizes == {str(size): count for size, count in published["labels_per_record"].items()}
    counts = Counter(label for record in labelled for label in record.labels or [])
    assert counts == {str(label): count for label, count in published["label_counts"].items()}

    kept = [record.labels or [] for record in labelled if record.id not in LOST]
    labels = order(kept, "coco")
    targets, expected = labels.multi_hot(kept), np.triu(published["pair_counts"], k=1)
    found = np.zeros_like(expected)
    pairs = cooccurrence(targets)
    found[pairs["first"], pairs["second"]] = pairs["records"]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(label_counts(targets, labels)["ratio"], RATIOS, atol=0.0051)


def test_images_and_captions_of_the_real_archive(real_data: Path) -> None:
    findings = Findings("reject")
    source = open_source(real_data / "captions-competition-8k.zip", 1)
    records = list(Competition().read(source, findings, 50))
    assert (len(records), sum(record.labels is not None for record in records)) == (9001, 8001)
    assert all(record.image for record in records)
    assert findings.counts()["rejected"] == {}


def test_every_book_is_kept_or_listed(real_data: Path) -> None:
    findings = Findings("reject")
    path = real_data / "goodreads-books-2k.csv"
    books = list(Goodreads().read(open_source(path, 1), findings, 50))
    assert len(books) + len(findings.items) == len(pd.read_csv(path)) == 2468
    assert findings.counts()["rejected"] == {
        "empty description": 7, "empty label": 28, "none of the 5 most common genres": 48,
    }  # fmt: skip
    assert Counter(label for book in books for label in book.labels or []).most_common(1)[0][0] == "fiction"
