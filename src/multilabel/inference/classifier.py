"""A trained model as the object that people use: `Classifier.load(folder).predict(images=[...], texts=[...])`."""

import os
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from multilabel.core.errors import UserError
from multilabel.data.images import GREY_IMAGE
from multilabel.inference.engine import Engine, load_engine
from multilabel.inference.examples import MODALITIES, Example, ExampleReader
from multilabel.inference.images import MAX_MEGAPIXELS, ImageLike, UnreadableInput
from multilabel.inference.predictions import Predictions
from multilabel.models.checksums import check_checksums
from multilabel.models.folder import Description, reading

# One prediction at a time in a process: it uses all cores as it is, and libraries below keep state (the precision of
# accelerate, the last map of a network of torchvision). Images are decoded outside of it.
COMPUTING = threading.Lock()


class Classifier:
    """A model folder in use. Threads may share it."""

    def __init__(self, description: Description, engine: Engine, max_megapixels: float = MAX_MEGAPIXELS) -> None:
        """`max_megapixels` bounds an image as stored."""
        self.description, self.engine = description, engine
        self.reader = ExampleReader(description.settings, max_megapixels)

    @classmethod
    def load(cls, folder: str | os.PathLike[str], *, max_megapixels: float = MAX_MEGAPIXELS) -> "Classifier":
        """From a model folder, such as models/captions/resnet18, exported or not; raises `UserError` where it is none."""
        path = Path(folder)
        with reading(path):
            check_checksums(path)
            description = Description.load(path)
            engine = load_engine(path, description.settings, len(description.labels.ids))
            found = cls(description, engine, max_megapixels)
            found._try()
        return found

    @property
    def name(self) -> str:
        """Of the architecture."""
        return self.description.settings.name

    @property
    def labels(self) -> list[str]:
        """The names of all labels, in the order of `Predictions.probabilities`."""
        return self.description.labels.names

    @property
    def reads(self) -> list[str]:
        """`image`, `text`, or both."""
        return [modality for modality in MODALITIES if modality in self.reader.reads]

    def predict(
        self, images: Iterable[ImageLike | None] | None = None, texts: Iterable[str | None] | None = None
    ) -> Predictions:
        """Labels and probabilities of N records: of images, of texts, or of pairs of both in order.

        An image is a path, the content of a file, a Pillow image, or an array (H, W), (H, W, 3) or (H, W, 4) of uint8 or of
        floats in 0..1. None, and leaving one of both out, says that a record lacks it. Raises `UserError` that names the
        first record that cannot be read.
        """
        pairs = _paired(images, texts)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            records = list(pool.map(self._read, range(len(pairs)), *zip(*pairs, strict=True))) if pairs else []
        return self.predict_records(records)

    def predict_records(self, records: Sequence[Example]) -> Predictions:
        """The same for what `reader.read` made of them."""
        if not records:
            nothing = np.zeros((0, len(self.labels)), np.float32)
            return Predictions(self.labels, nothing.astype(np.uint8), nothing)
        with COMPUTING:
            found = self.engine.probabilities(records)
        return Predictions(self.labels, self.description.decoding.decode(found), found)

    def _try(self) -> None:
        """Predict a record; raises `ValueError` where parts of the folder do not fit each other."""
        found = self.predict_records([self.reader.read(GREY_IMAGE, "a text")])
        shape, names = (1, len(self.description.labels.ids)), self.labels
        if found.probabilities.shape != shape or found.decided.shape != shape or len(names) != shape[1]:
            raise ValueError(f"{shape[1]} labels and {found.probabilities.shape[1]} probabilities")
        if not np.isfinite(found.probabilities).all() or not all(isinstance(name, str) for name in names):
            raise ValueError("probabilities that are no numbers, or labels that are no names")

    def _read(self, number: int, image: ImageLike | None, text: str | None) -> Example:
        try:
            return self.reader.read(image, text)
        except UnreadableInput as error:
            raise UnreadableInput(f"record {number}: {error}") from None


def _paired(
    images: Iterable[ImageLike | None] | None, texts: Iterable[str | None] | None
) -> list[tuple[ImageLike | None, str | None]]:
    """A record for each image and its text."""
    if isinstance(images, str | bytes | os.PathLike) or isinstance(texts, str):
        raise UserError("predict takes lists: write predict(images=[image]), predict(texts=[text])")
    first = None if images is None else list(images)
    second = None if texts is None else list(texts)
    if first is not None and second is not None and len(first) != len(second):
        raise UserError(
            f"{len(first)} images and {len(second)} texts are no pairs; give as many of both, None where one lacks"
        )
    number = len(first if first is not None else second or [])
    return list(zip(first or [None] * number, second or [None] * number, strict=True))
