"""One baseline or one network, trained on some records; what it says of others chooses its epoch."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from multilabel.core.paths import labels_file, records_file, targets_file
from multilabel.core.settings import call_named
from multilabel.data.dataset import Split
from multilabel.data.labels import Labels
from multilabel.inputs.cleaning import clean, emptied
from multilabel.inputs.examples import load_examples
from multilabel.inputs.tokenization import fit_tokenizer
from multilabel.inputs.word_vectors import WordVectors, requested_vectors
from multilabel.metrics.decoding import fixed
from multilabel.metrics.scores import scores
from multilabel.models.baselines import BASELINES
from multilabel.models.devices import accelerator, describe
from multilabel.models.hub_encoder import HUB, hub_tokenizer
from multilabel.models.model import BaselineClassifier, Classifier, NetworkClassifier, knowing, round_weights
from multilabel.models.network import build
from multilabel.training.curves import Curves
from multilabel.training.loop import fit
from multilabel.training.resumption import State


@dataclass(frozen=True)
class Trained:
    """A classifier, what it says of the records that it was not trained on, and how it came about."""

    classifier: Classifier
    held_out: NDArray[np.float32]  # probabilities (N, L)
    training: dict[str, Any]
    states: list[State]  # to discard once the model is saved


def train_part(
    settings: dict[str, Any],
    labels: Labels,
    train: Split,
    valid: Split,
    curves: Path,
    vectors: WordVectors | None = None,
) -> Trained:
    """Learn from `train`, choose the epoch on `valid`."""
    if settings.get("baseline"):
        return _train_baseline(settings, labels, train, valid, curves)
    return _train_network(settings, labels, train, valid, curves, vectors)


def _train_baseline(settings: dict[str, Any], labels: Labels, train: Split, valid: Split, curves: Path) -> Trained:
    began = time.perf_counter()
    baseline = call_named(BASELINES, settings["baseline"])
    baseline.fit(train.inputs.texts, train.targets, labels)
    seconds = time.perf_counter() - began
    classifier = BaselineClassifier(baseline)
    held_out = classifier.probabilities(valid.inputs)
    with Curves(curves) as log:
        predicted = fixed(held_out, valid.targets).decode(held_out)
        log.epoch({"seconds": seconds, **scores(valid.targets, predicted, held_out)})
    training = {"epochs": 1, "best_epoch": 1, "seconds": seconds, "device": describe(torch.device("cpu"))}
    return Trained(classifier, held_out, training, [])


def _train_network(
    settings: dict[str, Any],
    labels: Labels,
    train: Split,
    valid: Split,
    curves: Path,
    vectors: WordVectors | None,
) -> Trained:
    device = accelerator(settings["train"]["precision"])
    vectors = vectors or requested_vectors(settings, lambda: train.inputs.texts)
    tokenizer = _tokenizer(settings["text"], train.inputs.texts)
    torch.manual_seed(settings["seed"])
    net = build(settings, tokenizer.get_vocab_size() if tokenizer else 0, len(labels.ids), fresh=True)
    subwords = vectors.subwords if vectors else None
    if vectors:
        net.text.embedding.start_from(torch.from_numpy(vectors.table))  # type: ignore[union-attr,operator]
    known = knowing(net, settings, tokenizer, subwords, train.inputs.texts + valid.inputs.texts)
    with device.main_process_first():  # which makes the array of pictures for all
        examples = load_examples(settings, train.inputs, known, train.targets)
        held_out = load_examples(settings, valid.inputs, known, valid.targets)
    state = State({**settings, "records": [train.ids, valid.ids]}, _files_read(settings))
    with Curves(curves) as log:
        progress = fit(net, settings, examples, held_out, device, state, log.epoch)
    round_weights(net, settings["train"]["store"])
    classifier = NetworkClassifier(settings, net, tokenizer, subwords)
    training = {
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        "seconds": sum(row["seconds"] for row in progress.history) * device.num_processes,
        "device": describe(device.device) + (f", {device.num_processes} processes" * (device.num_processes > 1)),
    }
    if settings["text"]:
        training["emptied_texts"] = emptied(train.inputs.texts, settings["text"]["clean"])
    return Trained(classifier, classifier.probabilities(valid.inputs), training, [state])


def _tokenizer(text: Mapping[str, Any] | None, texts: list[str]) -> Tokenizer | None:
    if not text:
        return None
    if text["encoder"].startswith(HUB):
        return hub_tokenizer(text["encoder"].removeprefix(HUB))
    return fit_tokenizer(text, clean(texts, text["clean"]))


def _files_read(settings: Mapping[str, Any]) -> list[Path]:
    """What a run depends on besides its settings and the code."""
    dataset = settings["dataset"]
    image, text = settings["image"] or {}, settings["text"] or {}
    given = [Path(image["weights"])] if image.get("weights") else []  # names of published weights are no files
    if text.get("encoder", "").startswith(HUB):
        given += sorted(Path(text["encoder"].removeprefix(HUB)).glob("*"))
    pretrained = [path for path in given if path.is_file()]
    return [records_file(dataset), targets_file(dataset), labels_file(dataset), *pretrained]
