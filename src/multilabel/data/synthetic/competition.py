"""A generated competition archive: the published statistics, layout and defects, with images of known content."""

import zipfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from multilabel.data.synthetic import label_sets
from multilabel.data.synthetic.captions import csv_field, write_caption
from multilabel.data.synthetic.drawings import Drawing, draw_image

FOLDER = "synthetic-competition"
REPEATED = 0.01  # of the records, how many show an image again under another id: real collections have duplicates


def write_competition(path: Path, labelled: int, unlabelled: int, seed: int) -> None:
    """`labelled` rows of train.csv, `unlabelled` of test.csv, and their images, as a zip at `path`.

    boxes.csv says where the images of train.csv show what, in shares of their width and height.
    """
    random = np.random.default_rng(seed)
    names = label_sets.label_ids()
    sets = [[names[i] for i in indices] for indices in label_sets.sample(labelled + unlabelled, random)]
    seeds = [(seed, number) for number in range(len(sets))]
    for number in np.flatnonzero(random.random(labelled) < REPEATED)[1:]:
        sets[number], seeds[number] = sets[number - 1], seeds[number - 1]
    train, test, boxes = ["ImageID,Labels,Caption"], ["ImageID,Caption"], ["ImageID,Label,x,y,width,height"]
    for number, labels in enumerate(sets):
        caption = csv_field(write_caption(labels, random), random)
        row = [f"{number}.jpg", " ".join(labels), caption] if number < labelled else [f"{number}.jpg", caption]
        (train if number < labelled else test).append(",".join(row))
    with zipfile.ZipFile(path, "w") as archive, ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        write = partial(_write, archive)
        write("train.csv", "\n".join(train).encode() + b"\n")
        write("test.csv", "\n".join(test).encode() + b"\n")
        for number, drawn in enumerate(pool.map(_drawn, sets, seeds, chunksize=64)):  # written as they are drawn
            write(f"data/{number}.jpg", drawn.image)
            if number < labelled:
                places = ((label, ",".join(f"{share:.4f}" for share in box)) for label, box in drawn.boxes)
                boxes += [f"{number}.jpg,{label},{place}" for label, place in places]
        write("boxes.csv", "\n".join(boxes).encode() + b"\n")


def _drawn(labels: list[str], seed: tuple[int, int]) -> Drawing:
    return draw_image(labels, np.random.default_rng(seed))


def _write(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """A member with a fixed date, so that the same seed gives the same archive."""
    archive.writestr(zipfile.ZipInfo(f"{FOLDER}/{name}", (2024, 1, 1, 0, 0, 0)), content)
