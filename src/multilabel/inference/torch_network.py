"""A network under torch: records in memory -> probabilities, by the very code that scores it on test."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from accelerate import Accelerator
from numpy.typing import NDArray
from tokenizers import Tokenizer

from multilabel.inference.examples import Example, lacking, stacked, tokens_of
from multilabel.inputs.examples import Examples, StoredFeatures
from multilabel.inputs.feature_cache import Arrays
from multilabel.inputs.features import Widths
from multilabel.models.classifiers import NetworkClassifier
from multilabel.models.devices import accelerator
from multilabel.models.prediction import ImagePreparation, predict, sigmoid
from multilabel.models.settings import NetworkSettings


class TorchNetwork:
    """A network, on the device and in the precision that training would use here."""

    def __init__(self, classifier: NetworkClassifier) -> None:
        """Wrap it."""
        self.classifier = classifier

    @classmethod
    def load(cls, folder: Path, settings: NetworkSettings, labels: int) -> "TorchNetwork":
        """From the folder of a network."""
        return cls(NetworkClassifier.load(folder, settings, labels))

    def probabilities(self, records: Sequence[Example]) -> NDArray[np.float32]:
        """Records that lack the same share a batch."""
        settings = self.classifier.settings
        device = accelerator(settings.prediction.precision)
        self.classifier.net.to(device.device)
        tokenizer = self.classifier.tokenizer_for([record.text or "" for record in records])
        parts = [
            (rows, self._logits([records[row] for row in rows], tokenizer, device))
            for rows in lacking(records, settings)
        ]
        ordered = np.empty((len(records), parts[0][1].shape[1]), np.float32)
        for rows, logits in parts:
            ordered[rows] = logits
        return sigmoid(ordered)

    def examples(self, records: Sequence[Example], tokenizer: Tokenizer | None) -> Examples:
        """What the network reads of records that all have, or all lack, each of the modalities."""
        settings, net, rows = self.classifier.settings, self.classifier.net, np.arange(len(records))
        pixels, tokens, image_features, text_features = None, None, None, None
        if settings.image is not None:
            pixels = stacked(settings.image, records)
            image_features = None if pixels is not None else _nothing(net.image.widths, rows)  # type: ignore[union-attr,arg-type]
        if settings.text is not None and tokenizer is not None:
            tokens = tokens_of(settings.text, tokenizer, records)
            text_features = _nothing(net.text.widths, rows) if records[0].text is None else None  # type: ignore[union-attr,arg-type]
        return Examples(pixels, rows, tokens, None, image_features, text_features)

    def _logits(
        self, records: Sequence[Example], tokenizer: Tokenizer | None, device: Accelerator
    ) -> NDArray[np.float32]:
        settings = self.classifier.settings
        prepare, flip_average = ImagePreparation(settings.image, device.device), settings.prediction.flip_average
        return predict(self.classifier.net, prepare, self.examples(records, tokenizer), device, flip_average)


def _nothing(widths: Widths, rows: NDArray[np.int_]) -> StoredFeatures:
    """What a network was trained to find where a modality was dropped: features of 0, of as many states as one.

    One state stands for all of them: they are equal, so attention and every pooling make the same of one as of many.
    """
    zeros: Arrays = {"pooled": np.zeros((len(rows), widths.pooled or 0), np.float32)}
    if widths.states is not None:
        zeros["states"] = np.zeros((len(rows), 1, widths.states), np.float32)
    return StoredFeatures(rows, (zeros, zeros))  # the same for its mirror image
