"""Why a record has its labels, as data: heat over its picture, and words with their weights, label by label."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from multilabel.models.settings import ImageSettings
from multilabel.reporting.explained import Explained

OPAQUE = 0.55  # heat over a picture, where it is hottest


@dataclass(frozen=True)
class Word:
    """A word of a text and what it adds to the logit of a label: 1 or -1 is the most that any word of the text adds."""

    text: str
    weight: float


@dataclass(frozen=True)
class LabelWhy:
    """Why one label has its probability."""

    name: str
    probability: float
    heat: Image.Image | None  # the picture, and over it where the network looked
    words: list[Word] | None

    def as_json(self, encode: Callable[[Image.Image], str]) -> dict[str, Any]:
        """With its heat as `encode` makes a text of it."""
        heat = None if self.heat is None else encode(self.heat)
        words = None if self.words is None else [asdict(word) for word in self.words]
        return {"name": self.name, "probability": self.probability, "heat": heat, "words": words}


def reasons(
    found: Explained, names: Sequence[str], picture: Image.Image | None, settings: ImageSettings | None
) -> list[LabelWhy]:
    """Of each label of a record that was explained; heat only where there are maps and the picture they are of."""
    lines = []
    for row, place in enumerate(found.labels):
        heat = None
        if found.heat is not None and picture is not None and settings is not None:
            heat = _laid_over(picture, found.heat[row], settings)
        words = None if found.weights is None else _words(found.words or [], found.weights[row])
        lines.append(LabelWhy(names[place], float(found.probabilities[row]), heat, words))
    return lines


def _laid_over(image: Image.Image, heat: NDArray[np.float32], settings: ImageSettings) -> Image.Image:
    """Heat of the central window that a network reads, over the whole picture."""
    share = settings.size / (settings.resize or settings.size)
    width, height = max(1, round(image.width * share)), max(1, round(image.height * share))
    window = Image.fromarray(np.rint(heat * 255).astype(np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
    strength = np.zeros((image.height, image.width), np.float32)
    top, left = (image.height - height) // 2, (image.width - width) // 2
    strength[top : top + height, left : left + width] = np.asarray(window, np.float32) / 255
    colours = matplotlib.colormaps["inferno"](strength)[:, :, :3] * 255
    opaque = np.zeros_like(strength)
    opaque[top : top + height, left : left + width] = OPAQUE
    mixed = np.asarray(image, np.float32) * (1 - opaque[:, :, None]) + colours * opaque[:, :, None]
    return Image.fromarray(np.rint(mixed).astype(np.uint8))


def _words(words: Sequence[str], weights: NDArray[np.float32]) -> list[Word]:
    most = max(float(np.abs(weights).max(initial=0)), 1e-12)
    return [Word(word, float(weight) / most) for word, weight in zip(words, weights, strict=True)]
