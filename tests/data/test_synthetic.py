"""The generated data follow what was published, and are no easier than they should be."""

import csv
import hashlib
import io
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from multilabel.core.yaml_files import read_yaml
from multilabel.data.archives import open_source
from multilabel.data.images import open_rgb
from multilabel.data.readers import Competition
from multilabel.data.records import Findings
from multilabel.data.synthetic import drawings, write_competition, write_goodreads
from multilabel.data.synthetic.captions import NOUNS, csv_field, write_caption
from multilabel.data.synthetic.drawings import DRAWINGS, Drawing, draw_image
from multilabel.data.synthetic.label_sets import PUBLISHED, distribution, label_ids, sample

LINE = 9  # pixels: half a line's width, with what a joint of lines, blur and JPEG add
QUARTERS = [
    [[[162, 168, 134], [165, 145, 117]], [[163, 158, 140], [145, 116, 111]]],
    [[[138, 141, 125], [133, 152, 146]], [[124, 126, 133], [113, 139, 143]]],
    [[[149, 86, 94], [132, 103, 114]], [[134, 130, 135], [177, 171, 165]]],
]
PUBLISHED_NUMBERS = read_yaml(PUBLISHED)


def test_the_label_sets_have_the_published_marginals() -> None:
    members, probability = distribution()
    counts = np.array(list(PUBLISHED_NUMBERS["label_counts"].values()))
    np.testing.assert_allclose(probability @ members, counts / 30_000, atol=2e-4)
    pairs = (members.T * probability) @ members.astype(float)
    np.fill_diagonal(pairs, 0)
    np.testing.assert_allclose(pairs, np.array(PUBLISHED_NUMBERS["pair_counts"]) / 29_996, atol=2e-4)
    sizes = members.sum(axis=1)
    for size, count in PUBLISHED_NUMBERS["labels_per_record"].items():
        assert probability[sizes == size].sum() == pytest.approx(count / 30_000, abs=2e-4)


def test_samples_are_sets_of_published_sizes() -> None:
    sets = sample(2000, np.random.default_rng(0))
    assert all(len(set(s)) == len(s) for s in sets)
    assert Counter(map(len, sets))[1] / 2000 == pytest.approx(19377 / 30_000, abs=0.04)


def test_every_label_can_be_drawn_and_named() -> None:
    assert list(DRAWINGS) == list(NOUNS) == label_ids()


def test_pictures_come_in_the_published_sizes_and_several_modes() -> None:
    random = np.random.default_rng(0)
    opened = [Image.open(io.BytesIO(draw_image(["1", "17"], random).image)) for _ in range(150)]
    assert {"RGB", "L", "CMYK"} <= {image.mode for image in opened}
    upright = [image for image in opened if image.mode != "RGBA"]
    assert all(240 <= side <= 320 for image in upright for side in image.size)


def objects(label: str, seed: int, patch: pytest.MonkeyPatch) -> tuple[np.ndarray, Drawing]:
    """Which pixels of a drawing show an object: those that are the same before a black and a white scene."""
    seen = []
    for colour in ("black", "white"):
        patch.setattr(drawings, "_scene", lambda *size, colour=colour: Image.new("RGB", size[:2], colour))
        drawn = draw_image([label], np.random.default_rng(seed))
        seen.append(np.asarray(open_rgb(drawn.image)).astype(int))
    return abs(seen[0] - seen[1]).max(axis=2) < 128, drawn


@pytest.mark.parametrize("mode", ["RGB", "EXIF"])
def test_boxes_lie_around_what_is_drawn(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawings, "MODES", {mode: 1.0})
    for seed, label in enumerate(DRAWINGS):
        shown, drawn = objects(label, seed, monkeypatch)
        height, width = shown.shape
        boxes = np.array([box for _, box in drawn.boxes])
        assert {named for named, _ in drawn.boxes} == {label}
        assert boxes.min() >= 0
        edges = [*boxes[:, :2].min(axis=0), *(boxes[:, :2] + boxes[:, 2:]).max(axis=0)]
        rows, columns = np.nonzero(shown)
        found = [columns.min() / width, rows.min() / height, (columns.max() + 1) / width, (rows.max() + 1) / height]
        assert abs(np.subtract(found, edges)).max() * max(width, height) <= LINE


def test_unlabelled_images_have_no_boxes_and_the_others_those_of_their_labels(tmp_path: Path) -> None:
    write_competition(tmp_path / "a.zip", labelled=12, unlabelled=3, seed=3)
    records = list(Competition().read(open_source(tmp_path / "a.zip", 1), findings := Findings("error"), 1))
    assert not findings.counts()["rejected"]
    for record in records:
        assert {box.label for box in record.boxes} == set(record.labels or [])


def test_boxes_changed_nothing_that_is_drawn_or_written(tmp_path: Path) -> None:
    """What seed 3 gave before there were boxes: the table, and the mean colours of the quarters of three images."""
    write_competition(tmp_path / "a.zip", labelled=40, unlabelled=4, seed=3)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        table = hashlib.sha256(archive.read("synthetic-competition/train.csv")).hexdigest()
        images = [open_rgb(archive.read(f"synthetic-competition/data/{number}.jpg")) for number in range(3)]
    assert table.startswith("9e98582ba33ccb34")
    quarters = [np.asarray(image.resize((2, 2), Image.Resampling.BOX)).astype(int) for image in images]
    np.testing.assert_allclose(quarters, QUARTERS, atol=2)  # decoders round


def test_captions_name_about_four_fifths_of_what_is_shown() -> None:
    random = np.random.default_rng(0)
    words = ("cat", "kitten", "tabby", "kitty", "animal", "pet")
    captions = [write_caption(["17"], random).lower() for _ in range(1000)]
    named = sum(any(word in caption for word in words) for caption in captions)
    assert 700 < named < 860


def test_broken_csv_fields_come_back_through_the_reader(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    fields = [csv_field(write_caption(["13", "1"], random), random) for _ in range(3000)]
    (tmp_path / "train.csv").write_text(
        "ImageID,Labels,Caption\n" + "".join(f"{i}.jpg,1 13,{f}\n" for i, f in enumerate(fields))
    )
    findings = Findings("reject")
    records = list(Competition().read(open_source(tmp_path / "train.csv", 1), findings, 1))
    assert [record.text for record in records] == [field[1:-1] for field in fields]
    assert set(findings.counts()["repaired"]) == {"unescaped quotes", "line break inside the field"}
    assert any(record.text.endswith("/") for record in records)


def test_books_have_about_the_published_genre_shares(tmp_path: Path) -> None:
    write_goodreads(tmp_path / "books.csv", 1500, 0, seed=1)
    with (tmp_path / "books.csv").open(newline="") as file:
        genres = [row["genres"] for row in csv.DictReader(file)]
    published = {"Fiction": 0.853, "Romance": 0.420, "Fantasy": 0.407, "Young Adult": 0.322, "Contemporary": 0.286}
    for name, share in published.items():
        assert sum(name in g for g in genres) / 1500 == pytest.approx(share, abs=0.09)
