"""Archives of any size as a person would have them: small images, a table with captions and labels; never whole in memory."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

TABLE = "train.csv"
AT_ONCE = 10_000  # records that are made together
MOST_LABELS = 4  # of a record
LABEL_NAMED = 0.8  # share of a record's labels that its caption names
WORDS = 3_000  # that name no label
FILLING = (6, 12)  # such words in a caption


@dataclass(frozen=True)
class Catalogue:
    """How many records, of how many labels, with images of how many pixels a side."""

    records: int
    labels: int
    side: int = 32
    seed: int = 42
    different: int = (
        256  # images; a record has one of them with its own number as a comment, so that no two files are equal
    )

    def write(self, archive: Path) -> None:
        """A zip with `images/` and `train.csv`, and the same table beside it, as prediction reads one."""
        table = archive.with_suffix(".csv")
        images = list(self._images())
        with zipfile.ZipFile(archive, "w") as packed, table.open("w", encoding="utf-8", newline="\n") as rows:
            rows.write("ImageID,Labels,Caption\n")
            for first in range(0, self.records, AT_ONCE):
                last = min(first + AT_ONCE, self.records)
                for number, line in zip(range(first, last), self._lines(first, last), strict=True):
                    packed.writestr(f"images/{number}.jpg", _numbered(images[number % self.different], number))
                    rows.write(line)
            rows.flush()
            packed.write(table, TABLE)

    def _images(self) -> Iterator[bytes]:
        random = np.random.default_rng(self.seed)
        for _ in range(self.different):
            coarse = Image.fromarray(random.integers(0, 256, (6, 6, 3), np.uint8))
            fine = random.integers(-24, 25, (self.side, self.side, 3))
            smooth = np.asarray(coarse.resize((self.side, self.side), Image.Resampling.BICUBIC)).astype(int)
            buffer = io.BytesIO()
            Image.fromarray((smooth + fine).clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=80)
            yield buffer.getvalue()

    def _lines(self, first: int, last: int) -> Iterator[str]:
        """Rows of the table; the first records hold every label once, since all must occur."""
        random = np.random.default_rng((self.seed, first))
        number = last - first
        shares = 1 / np.arange(3, self.labels + 3)  # a few frequent labels and a long tail
        labels = random.choice(self.labels, (number, MOST_LABELS), p=shares / shares.sum())
        every = np.arange(first, last)
        labels[every < self.labels, 0] = every[every < self.labels]
        sizes = random.integers(1, MOST_LABELS + 1, number)
        named = random.random(labels.shape) < LABEL_NAMED
        lengths = random.integers(*FILLING, number)
        others = (WORDS * random.random((number, FILLING[1])) ** 3).astype(int)  # few words stand in many captions
        for row in range(number):
            own = labels[row, : sizes[row]]
            words = [
                *(f"thing{label}" for label in own[named[row, : sizes[row]]]),
                *(f"word{word}" for word in others[row, : lengths[row]]),
            ]
            yield f"{every[row]}.jpg,{' '.join(str(label + 1) for label in dict.fromkeys(own.tolist()))},{' '.join(words)}\n"


def _numbered(image: bytes, number: int) -> bytes:
    """A JPEG with a comment behind its first marker."""
    note = str(number).encode()
    return image[:2] + b"\xff\xfe" + (len(note) + 2).to_bytes(2, "big") + note + image[2:]
