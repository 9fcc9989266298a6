"""One baseline or one network, trained on some records; what it says of others chooses its epoch."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from numpy.typing import NDArray
from tokenizers import Tokenizer

from multilabel.core.paths import labels_file, records_file, targets_file
from multilabel.core.settings import call_named
from multilabel.data.dataset import Split
from multilabel.data.labels import Labels
from multilabel.inputs.cleaning import clean, emptied
from multilabel.inputs.tokenization import fit_tokenizer
from multilabel.inputs.word_vectors import VectorSettings, cached_vectors
from multilabel.metrics.decoding import fixed
from multilabel.metrics.scores import scores
from multilabel.models.baselines import BASELINES
from multilabel.models.classifiers import AnyClassifier, BaselineClassifier, NetworkClassifier
from multilabel.models.devices import accelerator, describe, is_main_process
from multilabel.models.frozen import FrozenEncoders
from multilabel.models.hub_encoder import HUB, hub_tokenizer
from multilabel.models.network import build
from multilabel.models.settings import NetworkSettings, TextSettings
from multilabel.training.augmentation import only_flips
from multilabel.training.curves import Curves, Watch
from multilabel.training.loop import Progress, fit
from multilabel.training.resumption import State
from multilabel.training.reuse import FINISHED, FinishedRun, keep, kept
from multilabel.training.settings import BaselineArchitecture, Member, NetworkArchitecture, TrainingSettings
from multilabel.training.telemetry import Telemetry


@dataclass(frozen=True)
class Trained:
    """A classifier, what it says of the records that it was not trained on, and how it came about."""

    classifier: AnyClassifier
    held_out: NDArray[np.float32]  # probabilities (N, L)
    epochs: int
    best_epoch: int
    seconds: float  # of all processes
    device: str
    emptied_texts: int = 0
    states: tuple[State, ...] = ()  # to discard once the model is saved


def train_part(
    architecture: Member, labels: Labels, train: Split, valid: Split, curves: Path, watch: Watch | None = None
) -> Trained:
    """Learn from `train`, choose the epoch on `valid`; a network that was trained just so before is taken as it ended.

    `watch` sees the row of every epoch.
    """
    if isinstance(architecture, BaselineArchitecture):
        return _train_baseline(architecture, labels, train, valid, curves, watch)
    return _train_network(architecture, labels, train, valid, curves, watch)


def _train_baseline(
    architecture: BaselineArchitecture, labels: Labels, train: Split, valid: Split, curves: Path, watch: Watch | None
) -> Trained:
    began = time.perf_counter()
    baseline = call_named(BASELINES, architecture.model.baseline)
    baseline.fit(train.inputs.texts, train.targets, labels)
    seconds = time.perf_counter() - began
    classifier = BaselineClassifier(baseline)
    held_out = classifier.probabilities(valid.inputs)
    with Curves(curves, watch) as log:
        predicted = fixed(held_out, valid.targets).decode(held_out)
        log.epoch({"seconds": seconds, **scores(valid.targets, predicted, held_out)})
    return Trained(classifier, held_out, 1, 1, seconds, describe(torch.device("cpu")))


def _train_network(
    architecture: NetworkArchitecture, labels: Labels, train: Split, valid: Split, curves: Path, watch: Watch | None
) -> Trained:
    settings = architecture.model
    device = accelerator(settings.prediction.precision)
    classifier = _new_classifier(settings, labels, train.inputs.texts)
    tokenizer = classifier.tokenizer_for(train.inputs.texts + valid.inputs.texts)
    files = [path(settings.dataset) for path in (records_file, targets_file, labels_file)]
    state = State(architecture, [*train.ids, "", *valid.ids], files)
    with Curves(curves, watch) as log:
        run = _kept_for_all(state.key)
        if run is None:
            began = time.perf_counter()
            with device.main_process_first():  # which makes the arrays of images and of features for all
                frozen = FrozenEncoders(classifier.net, settings, tokenizer, device)
                examples = frozen.examples(train.inputs, train.targets, **_unchanged(architecture.train, settings))
                held_out = frozen.examples(valid.inputs, valid.targets, mirrored=settings.prediction.flip_average)
            reading = time.perf_counter() - began if settings.frozen else 0.0
            with Telemetry(device.device) as telemetry:
                progress = fit(classifier.net, architecture, examples, held_out, device, state, log.epoch)
            log.over_time(telemetry.samples)
            run = _finished(settings.name, progress, device, reading)
            if is_main_process():
                keep(run, state.key)
        else:
            print(f"{settings.name}: taken from {FINISHED}/{state.key}.pt, which {run.name} trained in "
                  f"{run.seconds:.1f} s; delete the file to train anew")  # fmt: skip
            for row in run.history:
                log.epoch(row)
            classifier.net.load_state_dict(run.weights)
    classifier.round_weights()
    return Trained(
        classifier,
        held_out=classifier.probabilities(valid.inputs),
        epochs=len(run.history),
        best_epoch=run.best_epoch,
        seconds=run.seconds,
        device=run.device,
        emptied_texts=emptied(train.inputs.texts, settings.text.clean) if settings.text else 0,
        states=(state,),
    )


def _kept_for_all(key: str) -> FinishedRun | None:
    """What is kept of a run, if each of several processes has found it whole: they train together or not at all."""
    run = kept(key)
    return run if all(gather_object([run is not None])) else None


def _finished(name: str, progress: Progress, device: Accelerator, reading: float) -> FinishedRun:
    """`reading` are the seconds that frozen encoders took."""
    return FinishedRun(
        name=name,
        weights=progress.best_weights,
        history=progress.history,
        best_epoch=progress.best_epoch,
        seconds=reading + sum(row["seconds"] for row in progress.history) * device.num_processes,
        device=describe(device.device) + (f", {device.num_processes} processes" * (device.num_processes > 1)),
    )


def _unchanged(training: TrainingSettings, settings: NetworkSettings) -> dict[str, bool]:
    """Of which inputs training changes nothing that an encoder reads, so that its features can be kept; flips are two views."""
    flips = only_flips(training.augment) and not (settings.image and settings.image.resize)
    return {"image": flips, "text": not training.token_dropout, "mirrored": training.augment.flip > 0 and flips}


def _new_classifier(settings: NetworkSettings, labels: Labels, texts: list[str]) -> NetworkClassifier:
    """A network before its first step, with the tokenizer and the word vectors of the training texts."""
    vectors, text = None, settings.text
    if text and text.tokenization and text.word_vectors:
        width = int(text.options["embedding"])  # type: ignore[arg-type]
        asked = VectorSettings(text.word_vectors, width, text.clean, text.tokenization, settings.seed)
        vectors = cached_vectors(asked, texts)
    tokenizer = _tokenizer(text, texts) if text else None
    torch.manual_seed(settings.seed)
    net = build(settings, tokenizer.get_vocab_size() if tokenizer else 0, len(labels.ids), fresh=True)
    if vectors:
        net.text.embedding.start_from(torch.from_numpy(vectors.table))  # type: ignore[union-attr,operator]
    classifier = NetworkClassifier(settings, net, tokenizer, vectors.subwords if vectors else None)
    if settings.frozen:
        classifier.round_weights()  # so that features are those of the encoder that will be stored
    return classifier


def _tokenizer(text: TextSettings, texts: list[str]) -> Tokenizer:
    if text.tokenization is None:
        return hub_tokenizer(text.encoder.removeprefix(HUB))
    return fit_tokenizer(text.tokenization, clean(texts, text.clean))
