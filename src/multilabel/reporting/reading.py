"""What a network reads of some records, as it reads it."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from multilabel.data.dataset import Split
from multilabel.inputs.features import Features
from multilabel.models.classifiers import NetworkClassifier
from multilabel.models.prediction import ImagePreparation


class Reading(NamedTuple):
    """Of B records, on the CPU; tokens and mask are None where the network reads no text."""

    images: Tensor  # (B, 3, H, W) normalised
    tokens: Tensor | None  # (B, T)
    mask: Tensor | None  # (B, T)

    def subset(self, chosen: Tensor) -> "Reading":
        """Where (B,) is true."""
        tokens, mask = (part if part is None else part[chosen] for part in (self.tokens, self.mask))
        return Reading(self.images[chosen], tokens, mask)


def read_by(classifier: NetworkClassifier, split: Split) -> Reading:
    """All records of a split, by a network that reads images."""
    batch = classifier.examples(split.inputs).batch(np.arange(len(split.ids)))
    images = ImagePreparation(classifier.settings.image, torch.device("cpu"))(batch.images)
    assert isinstance(images, Tensor)
    assert not isinstance(batch.tokens, Features)  # `examples` are what encoders read
    return Reading(images, batch.tokens, batch.mask)
