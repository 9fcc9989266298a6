"""Resolved settings -> a trained model: a baseline, a network or an ensemble; chosen and tuned on valid alone."""

from pathlib import Path
from typing import Any

from multilabel.core.errors import UserError
from multilabel.core.paths import records_file
from multilabel.data.dataset import load_labels, load_split
from multilabel.data.records import has_images
from multilabel.inputs.word_vectors import WordVectors
from multilabel.metrics.decoding import fit_all
from multilabel.metrics.scores import scores
from multilabel.models.model import Model
from multilabel.training.folds import train_ensemble
from multilabel.training.parts import train_part
from multilabel.training.resumption import State


def train_model(
    settings: dict[str, Any], curves: Path, vectors: WordVectors | None = None
) -> tuple[Model, list[State]]:
    """The model, and the states to discard once it is saved; curves are written on the way.

    `vectors` are those of the stage `embed_words`; without them a network that asks for some trains its own.
    Raises `UserError` where the dataset lacks an input that the architecture reads.
    """
    dataset = settings["dataset"]
    if "image" in settings["modality"] and not has_images(records_file(dataset)):
        raise UserError(
            f"architectures.{settings['name']} reads images, but dataset {dataset!r} has none; take its `image:` block "
            f"out, or build the others with `dvc repro --keep-going`"
        )
    labels, train, valid = load_labels(dataset), load_split(dataset, "train"), load_split(dataset, "valid")
    if settings.get("ensemble"):
        trained, valid = train_ensemble(settings, labels, train, valid, curves)
        decoding = settings["ensemble"]["decoding"]
    else:
        trained = train_part(settings, labels, train, valid, curves, vectors)
        decoding = settings["decoding"] if settings.get("baseline") else settings["train"]["decoding"]
    rules = fit_all(decoding, trained.held_out, valid.targets)
    predicted = rules[decoding["name"]].decode(trained.held_out)
    training = trained.training | {"valid": scores(valid.targets, predicted, trained.held_out)}
    return Model(settings, labels, rules, decoding["name"], training, trained.classifier), trained.states
