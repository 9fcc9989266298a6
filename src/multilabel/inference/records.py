"""What a model reads of a record that a person gives it, and whether it can do without what is missing."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multilabel.inference.images import MAX_MEGAPIXELS, ImageLike, UnreadableInput, View, file_content, pixels
from multilabel.models.settings import AnySettings, BaselineSettings, EnsembleSettings, MemberSettings, networks

MODALITIES = ("image", "text")


@dataclass(frozen=True)
class Record:
    """One thing to classify, decoded: its image in each view that a part of the model reads, and its text."""

    views: Mapping[View, NDArray[np.uint8]] | None
    text: str | None


class RecordReader:
    """From an image and a text to a `Record`, as the parts of one model need it. Threads may share it."""

    def __init__(self, settings: AnySettings, max_megapixels: float = MAX_MEGAPIXELS) -> None:
        """`max_megapixels` bounds an image as stored."""
        self.name, self.modality, self.max_megapixels = settings.name, settings.modality, max_megapixels
        self.views = {View.of(part.image) for part in networks(settings) if part.image is not None}
        self.reads = frozenset(settings.modality.split("+"))
        self.needs = frozenset(modality for modality in self.reads if not _spares(settings, modality))

    def read(self, image: ImageLike | None, text: str | None) -> Record:
        """What the model does not read is passed over; raises `UnreadableInput`."""
        given = {"image": image is not None, "text": text is not None}
        for modality in MODALITIES:
            if modality in self.needs and not given[modality]:
                raise UnreadableInput(self._missing(modality))
        if not any(given[modality] for modality in self.reads):
            raise UnreadableInput(
                f"has neither image nor text, and {self.name} reads {self.modality}; give one of both"
            )
        if text is not None and not isinstance(text, str):
            raise UnreadableInput(f"a text is a str, not {type(text).__name__}")
        return Record(self._seen(image), text if "text" in self.reads else None)

    def _seen(self, image: ImageLike | None) -> Mapping[View, NDArray[np.uint8]] | None:
        if image is None or not self.views:
            return None
        content = file_content(image)
        return {view: pixels(content, view, self.max_megapixels) for view in self.views}

    def _missing(self, modality: str) -> str:
        if len(self.reads) == 1:
            return f"has no {modality}, and {self.name} reads nothing else; give one"
        return (
            f"has no {modality}, and {self.name} was trained on records that have both; give one, or train with "
            f"`fusion: {{modality_dropout: 0.2}}`"
        )


def _spares(settings: AnySettings, modality: str) -> bool:
    """Whether a model has learned to do without a modality: every part that reads it has seen records that lack it."""
    parts = settings.members.values() if isinstance(settings, EnsembleSettings) else [settings]
    return all(_has_missed(part) for part in parts if modality in part.modality.split("+"))


def _has_missed(part: MemberSettings) -> bool:
    """Whether some records of its training lost one of both."""
    return not isinstance(part, BaselineSettings) and part.fusion is not None and part.fusion.modality_dropout > 0
