"""Records in memory -> probabilities, by the very code that scores a model on test."""

from collections.abc import Sequence

import numpy as np
from accelerate import Accelerator
from numpy.typing import NDArray
from tokenizers import Tokenizer

from multilabel.inference.images import View
from multilabel.inference.records import Record
from multilabel.inputs.cleaning import clean
from multilabel.inputs.examples import Examples, StoredFeatures
from multilabel.inputs.feature_cache import Arrays
from multilabel.inputs.features import Widths
from multilabel.inputs.tokenization import Tokens, tokenize
from multilabel.models.classifiers import BaselineClassifier, Classifier, EnsembleClassifier, NetworkClassifier
from multilabel.models.devices import accelerator
from multilabel.models.network import Network
from multilabel.models.prediction import ImagePreparation, predict, sigmoid
from multilabel.models.settings import ImageSettings, TextSettings


def probabilities(classifier: Classifier, records: Sequence[Record]) -> NDArray[np.float32]:
    """(N, L) in the order of the records."""
    if isinstance(classifier, EnsembleClassifier):
        return classifier.combination.probabilities(
            {
                name: np.mean([probabilities(part, records) for part in parts], axis=0)
                for name, parts in classifier.members.items()
            }
        )
    if isinstance(classifier, BaselineClassifier):
        return classifier.baseline.probabilities([record.text or "" for record in records])
    assert isinstance(classifier, NetworkClassifier)
    return _of_network(classifier, records)


def _of_network(classifier: NetworkClassifier, records: Sequence[Record]) -> NDArray[np.float32]:
    settings = classifier.settings
    device = accelerator(settings.prediction.precision)
    net = classifier.net.to(device.device)
    tokenizer = classifier.tokenizer_for([record.text or "" for record in records])
    parts = [
        (rows, _logits(classifier, net, tokenizer, [records[row] for row in rows], device))
        for rows in _alike(records, settings.image is not None, settings.text is not None)
    ]
    ordered = np.empty((len(records), parts[0][1].shape[1]), np.float32)
    for rows, logits in parts:
        ordered[rows] = logits
    return sigmoid(ordered)


def _alike(records: Sequence[Record], image: bool, text: bool) -> list[NDArray[np.int_]]:
    """The numbers of records that lack the same of what a network reads, group by group."""
    lacks = np.array([[image and r.views is None, text and r.text is None] for r in records])
    groups = np.unique(lacks, axis=0)
    return [np.flatnonzero((lacks == group).all(axis=1)) for group in groups]


def _logits(
    classifier: NetworkClassifier,
    net: Network,
    tokenizer: Tokenizer | None,
    records: Sequence[Record],
    device: Accelerator,
) -> NDArray[np.float32]:
    """Of records that all have, or all lack, each of the modalities."""
    settings, rows = classifier.settings, np.arange(len(records))
    pixels, tokens, image_features, text_features = None, None, None, None
    if settings.image is not None:
        pixels = _pixels(settings.image, records)
        image_features = None if pixels is not None else _nothing(net.image.widths, rows)  # type: ignore[union-attr,arg-type]
    if settings.text is not None and tokenizer is not None:
        tokens = _tokens(settings.text, tokenizer, records)
        if records[0].text is None:
            text_features = _nothing(net.text.widths, rows)  # type: ignore[union-attr,arg-type]
    examples = Examples(pixels, rows, tokens, None, image_features, text_features)
    return predict(
        net, ImagePreparation(settings.image, device.device), examples, device, settings.prediction.flip_average
    )


def _pixels(settings: ImageSettings, records: Sequence[Record]) -> NDArray[np.uint8] | None:
    views = [record.views[View.of(settings)] for record in records if record.views is not None]
    return np.stack(views) if views else None


def _tokens(settings: TextSettings, tokenizer: Tokenizer, records: Sequence[Record]) -> Tokens:
    """Of a text that is missing one unknown word, the state of which `_nothing` takes the place of."""
    return tokenize(tokenizer, clean([record.text or "" for record in records], settings.clean), settings.max_length)


def _nothing(widths: Widths, rows: NDArray[np.int_]) -> StoredFeatures:
    """What a network was trained to find where a modality was dropped: features of 0, of as many states as one.

    One state stands for all of them: they are equal, so attention and every pooling make the same of one as of many.
    """
    zeros: Arrays = {"pooled": np.zeros((len(rows), widths.pooled or 0), np.float32)}
    if widths.states is not None:
        zeros["states"] = np.zeros((len(rows), 1, widths.states), np.float32)
    return StoredFeatures(rows, (zeros, zeros))  # the same for its mirror image
