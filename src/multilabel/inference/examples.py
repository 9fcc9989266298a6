"""What a model reads of a record that a person gives it, and whether it can do without what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from multilabel.inference.images import MAX_MEGAPIXELS, ImageLike, UnreadableInput, View, file_content, pixels
from multilabel.inputs.cleaning import clean
from multilabel.inputs.tokenization import TextInput, Tokens, tokenize
from multilabel.models.settings import (
    AnySettings,
    BaselineSettings,
    EnsembleSettings,
    ImageSettings,
    MemberSettings,
    NetworkSettings,
    networks,
)

MODALITIES = ("image", "text")


@dataclass(frozen=True)
class Example:
    """One thing to classify, decoded: its image in each view that a part of the model reads, and its text."""

    views: Mapping[View, NDArray[np.uint8]] | None
    text: str | None


class ExampleReader:
    """From an image and a text to an `Example`, as the parts of one model need it. Threads may share it."""

    def __init__(self, settings: AnySettings, max_megapixels: float = MAX_MEGAPIXELS) -> None:
        """`max_megapixels` bounds an image as stored."""
        self.name, self.modality, self.max_megapixels = settings.name, settings.modality, max_megapixels
        self.views = {View.of(part.image) for part in networks(settings) if part.image is not None}
        own = frozenset(settings.modality.split("+")) & frozenset(MODALITIES)
        self.reads = own or frozenset(MODALITIES)  # of a constant, which takes whatever there is
        self.needs = needed(settings)

    def read(self, image: ImageLike | None, text: str | None) -> Example:
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
        if text is not None and "text" in self.reads and not _is_unicode(text):
            raise UnreadableInput("its text holds bytes that are no UTF-8; give it in that encoding")
        return Example(self._seen(image), text if "text" in self.reads else None)

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


def _is_unicode(text: str) -> bool:
    """False for one with lone surrogates, as Python makes of other encodings on a command line; no tokenizer takes them."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def needed(settings: AnySettings) -> frozenset[str]:
    """The modalities without which a model cannot say anything of a record."""
    return frozenset(modality for modality in settings.modality.split("+") if not _spares(settings, modality))


def spares_a_modality(part: MemberSettings) -> bool:
    """Whether some records of its training lost their image or their text."""
    return not isinstance(part, BaselineSettings) and part.fusion is not None and part.fusion.modality_dropout > 0


def _spares(settings: AnySettings, modality: str) -> bool:
    """Whether a model has learned to do without a modality: every part that reads it has seen records that lack it."""
    parts = settings.members.values() if isinstance(settings, EnsembleSettings) else [settings]
    return all(spares_a_modality(part) for part in parts if modality in part.modality.split("+"))


def lacking(records: Sequence[Example], settings: NetworkSettings) -> list[NDArray[np.int_]]:
    """The numbers of records that lack the same of what a network reads, group by group."""
    image, text = settings.image is not None, settings.text is not None
    lacks = np.array([[image and record.views is None, text and record.text is None] for record in records])
    return [np.flatnonzero((lacks == group).all(axis=1)) for group in np.unique(lacks, axis=0)]


def stacked(settings: ImageSettings, records: Sequence[Example]) -> NDArray[np.uint8] | None:
    """(N, side, side, 3): the view that a network reads; None where there is no image. All records have one, or none."""
    view = View.of(settings)
    found = [record.views[view] for record in records if record.views is not None]
    return np.stack(found) if found else None


def tokens_of(settings: TextInput, tokenizer: Tokenizer, records: Sequence[Example]) -> Tokens:
    """Of the cleaned texts; a missing one is read as one unknown word."""
    return tokenize(tokenizer, clean([record.text or "" for record in records], settings.clean), settings.max_length)
