"""Records as tensors: which inputs a model reads, gathered a whole batch at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from multilabel.data.dataset import Inputs
from multilabel.inputs.cleaning import clean
from multilabel.inputs.feature_cache import Arrays
from multilabel.inputs.features import Features
from multilabel.inputs.image_cache import ask_for, pixel_array
from multilabel.inputs.image_input import ImageInput
from multilabel.inputs.tokenization import TextInput, Tokens, tokenize

LEAST = 8  # records in a last batch, or else it joins the one before: a few records make a noisy step
BUCKET = 50  # batches among which records of similar length are put together


@dataclass(frozen=True)
class Batch:
    """Images (B, 3, H, W) as uint8, tokens and mask (B, T), targets (B, L); None where there is no such input.

    In place of images and tokens there may be what a frozen encoder says of them. `lengths` are the tokens of each
    record, kept on the host: asking a GPU for them would wait for all its work.
    """

    images: Tensor | Features | None
    tokens: Tensor | Features | None
    mask: Tensor | None
    targets: Tensor | None
    lengths: tuple[int, ...] | None = None

    def to(self, device: torch.device) -> "Batch":
        """The same on another device."""
        return self.each(lambda part: part.to(device))

    def each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        """The same after `change` of every tensor."""
        parts: list[Any] = [self.images, self.tokens, self.mask, self.targets]
        for i, part in enumerate(parts):
            if part is not None:
                parts[i] = part.each(change) if isinstance(part, Features) else change(part)
        images, tokens, mask, targets = parts
        return Batch(images, tokens, mask, targets, self.lengths)


@dataclass(frozen=True)
class StoredFeatures:
    """What a frozen encoder says of all records of a file, mapped from disk."""

    rows: NDArray[np.int_]  # of some examples among all records
    views: tuple[Arrays, ...]  # `pooled` (R, P) or `states` (R, N, S): of the records, and of their mirror images

    def batch(
        self,
        chosen: NDArray[np.int_],
        flip: float = 0.0,
        mask: Tensor | None = None,
        random: torch.Generator | None = None,
    ) -> Features:
        """Of the examples with these numbers, each as its mirror image with probability `flip`, which `random` draws.

        `mask` is true on the states that count, where they are those of words.
        """
        rows = self.rows[chosen]
        found = {name: torch.from_numpy(array[rows]).float() for name, array in self.views[0].items()}
        if flip > 0:
            drawn = (torch.rand(len(rows), generator=random) < flip).numpy()
            for name, array in self.views[1].items():
                found[name][drawn] = torch.from_numpy(array[rows[drawn]]).float()
        if mask is not None and "states" in found:
            found["states"] = found["states"][:, : mask.shape[1]]
        return Features(found.get("pooled"), found.get("states"), mask)


@dataclass(frozen=True)
class Examples:
    """What a network reads of some records, in memory or mapped into it, and their targets if known."""

    pixels: NDArray[np.uint8] | None  # of all records of the file
    rows: NDArray[np.int_]  # of these examples in `pixels`
    tokens: Tokens | None
    targets: NDArray[np.float32] | None
    image_features: StoredFeatures | None = None  # read in place of pixels
    text_features: StoredFeatures | None = None  # and of tokens

    def __len__(self) -> int:
        return len(self.rows)

    def ask_for(self, chosen: NDArray[np.int_]) -> None:
        """Images of these examples will be read soon: the disk may begin."""
        if self.pixels is not None:
            ask_for(self.pixels, self.rows[chosen])

    def batch(self, chosen: NDArray[np.int_], flip: float = 0.0, random: torch.Generator | None = None) -> Batch:
        """The examples with these numbers, tokens cut to the longest of them.

        `flip` is the share of stored image features that are those of mirror images, drawn from `random` or from torch's global
        generator; images themselves are not flipped here.
        """
        images: Tensor | Features | None = None
        tokens: Tensor | Features | None = None
        mask = targets = lengths = None
        if self.pixels is not None:
            images = torch.from_numpy(self.pixels[self.rows[chosen]]).permute(0, 3, 1, 2)  # channels_last in memory
        if self.tokens is not None:
            lengths = tuple(self.tokens.lengths[chosen].tolist())
            longest = max(lengths)
            tokens = torch.from_numpy(self.tokens.ids[chosen, :longest]).long()
            mask = torch.arange(longest)[None, :] < torch.tensor(lengths)[:, None]
        if self.image_features is not None:
            images = self.image_features.batch(chosen, flip, random=random)
        if self.text_features is not None:
            tokens = self.text_features.batch(chosen, mask=mask)
        if self.targets is not None:
            targets = torch.from_numpy(self.targets[chosen])
        return Batch(images, tokens, mask, targets, lengths)

    def shuffled(
        self,
        batch_size: int,
        random: np.random.Generator,
        draws: NDArray[np.float64] | None = None,
        least: int = 0,
    ) -> list[NDArray[np.int_]]:
        """All examples once, or as many drawn with probabilities `draws`, in random batches.

        Texts of similar length share a batch to spare padding. A last batch of fewer than `LEAST`, or `least`, records
        joins the one before.
        """
        order = random.permutation(len(self)) if draws is None else random.choice(len(self), len(self), p=draws)
        if self.tokens is not None:
            bucket = BUCKET * batch_size
            parts = [order[i : i + bucket] for i in range(0, len(order), bucket)]
            order = np.concatenate([part[np.argsort(self.tokens.lengths[part], kind="stable")] for part in parts])
        batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
        if len(batches) > 1 and len(batches[-1]) < max(least, min(LEAST, batch_size)):
            batches[-2:] = [np.concatenate(batches[-2:])]
        return [batches[i] for i in random.permutation(len(batches))]

    def in_order(self, batch_size: int) -> Iterator[NDArray[np.int_]]:
        """All examples once, by length if they have texts; for prediction."""
        order = np.arange(len(self)) if self.tokens is None else np.argsort(self.tokens.lengths, kind="stable")
        for start in range(0, len(order), batch_size):
            yield order[start : start + batch_size]


def load_examples(
    image: ImageInput | None,
    text: TextInput | None,
    inputs: Inputs,
    tokenizer: Tokenizer | None,
    targets: NDArray[np.uint8] | None = None,
) -> Examples:
    """What a network reads of some records; images come from the image cache."""
    pixels = pixel_array(inputs.records, image.resize or image.size, image.interpolation) if image else None
    tokens = tokenize(tokenizer, clean(inputs.texts, text.clean), text.max_length) if tokenizer and text else None
    return Examples(pixels, inputs.rows, tokens, None if targets is None else targets.astype(np.float32))
