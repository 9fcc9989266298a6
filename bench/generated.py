"""Records that are made up: images with a patch for each label on a background, captions that name some labels."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from multilabel.inputs.examples import Examples

LABELS = 18
WORDS = ("car", "cat", "dog", "bus", "cup", "bed", "kite", "boat", "bird", "sofa", "fork", "bench", "train", "apple",
         "clock", "horse", "person", "bottle")  # fmt: skip
OTHERS = ("a", "the", "with", "near", "on", "two", "small", "red", "old", "street", "table", "water", "sky", "looks")


@dataclass(frozen=True)
class Generated:
    """Pixels (N, S, S, 3), one caption each, and targets (N, `LABELS`)."""

    pixels: NDArray[np.uint8]
    texts: list[str]
    targets: NDArray[np.float32]

    def images(self) -> Examples:
        """As a network for images reads them."""
        return Examples(self.pixels, np.arange(len(self.pixels)), None, self.targets)

    def write_jpegs(self, folder: Path) -> list[Path]:
        """Each image as a file, as people keep them."""

        def write(number: int) -> Path:
            path = folder / f"{number}.jpg"
            Image.fromarray(self.pixels[number]).save(path, quality=90)
            return path

        folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor() as pool:
            return list(pool.map(write, range(len(self.pixels))))


def generate(number: int, size: int, seed: int) -> Generated:
    """`number` records with images of `size` pixels a side; the same patches whatever the seed."""
    random, side = np.random.default_rng(seed), max(4, size // 4)
    patches = [_enlarged(patch, side) for patch in np.random.default_rng(0).integers(0, 256, (LABELS, 4, 4, 3))]
    noise = random.integers(0, 24, (size, size, 3))
    pixels = np.empty((number, size, size, 3), np.uint8)
    targets = np.zeros((number, LABELS), np.float32)
    texts = []
    for i in range(number):
        image = _enlarged(random.integers(64, 192, (6, 6, 3)), size) + np.roll(
            noise, int(random.integers(size)), axis=1
        )
        labels = random.choice(LABELS, int(random.integers(1, 5)), replace=False)
        for label in labels:
            top, left = random.integers(0, size - side + 1, 2)
            image[top : top + side, left : left + side] = patches[label]
        pixels[i], targets[i, labels] = image, 1
        words = [WORDS[label] for label in labels if random.random() < 0.7]
        texts.append(" ".join(random.permutation([*words, *random.choice(OTHERS, int(random.integers(6, 14)))])))
    return Generated(pixels, texts, targets)


def _enlarged(tile: NDArray[np.int_], size: int) -> NDArray[np.int_]:
    times = -(-size // len(tile))
    return tile.repeat(times, axis=0).repeat(times, axis=1)[:size, :size]
