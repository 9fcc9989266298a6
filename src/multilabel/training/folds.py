"""An ensemble: its members trained anew, once or for each fold, weighed by what they say of records held out."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multilabel.core.registry import choose
from multilabel.data.dataset import Split, join, subset
from multilabel.data.duplicates import groups, picture_keys, text_keys
from multilabel.data.labels import Labels
from multilabel.data.records import read_images
from multilabel.data.splits import folds
from multilabel.models.ensembles import WEIGHTINGS
from multilabel.models.model import EnsembleClassifier
from multilabel.training.parts import Trained, train_part


def train_ensemble(
    settings: dict[str, Any], labels: Labels, train: Split, valid: Split, curves: Path
) -> tuple[Trained, Split]:
    """The ensemble, and the records that its `held_out` probabilities are about.

    Without folds these are `valid`. With folds every record of train and valid is held out once, and predicted by the
    networks that have not seen it.
    """
    options = settings["ensemble"]
    pool = valid
    rounds: list[tuple[Split, NDArray[Any]]] = [(train, np.arange(len(valid.ids)))]
    if options["folds"]:
        pool = join(train, valid)
        fold = _assign(pool, options["folds"], settings["seed"])
        rounds = [(subset(pool, fold != k), np.flatnonzero(fold == k)) for k in range(options["folds"])]
    parts: dict[str, list[Trained]] = {}
    held_out: list[NDArray[np.float32]] = []
    for member, member_settings in options["members"].items():
        parts[member] = []
        held_out.append(np.zeros(pool.targets.shape, np.float32))
        for number, (fitted, rows) in enumerate(rounds):
            name = f"{settings['name']}_{member}_{number}"
            print(f"{name}: {len(fitted.ids)} records, {len(rows)} held out")
            own = {**member_settings, "name": name}
            part = train_part(own, labels, fitted, subset(pool, rows), curves / f"{member}_{number}")
            held_out[-1][rows] = part.held_out
            parts[member].append(part)
    weights = choose("weighting", WEIGHTINGS, options["weights"], "ensemble.weights")(held_out, pool.targets)
    every = [part for trained in parts.values() for part in trained]
    training = {
        "epochs": max(part.training["epochs"] for part in every),
        "best_epoch": max(part.training["best_epoch"] for part in every),
        "seconds": sum(part.training["seconds"] for part in every),
        "device": every[0].training["device"],
        "weights": dict(zip(parts, weights, strict=True)),
    }
    classifier = EnsembleClassifier({m: [part.classifier for part in trained] for m, trained in parts.items()}, weights)
    mean = np.tensordot(np.array(weights), np.stack(held_out), axes=1).astype(np.float32)
    return Trained(classifier, mean, training, [state for part in every for state in part.states]), pool


def _assign(pool: Split, number: int, seed: int) -> NDArray[np.int_]:
    pictures = picture_keys(read_images(pool.inputs.records, pool.ids))
    return folds(pool.targets, groups(pictures, text_keys(pool.inputs.texts)), number, seed)
