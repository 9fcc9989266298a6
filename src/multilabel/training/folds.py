"""An ensemble: its members trained anew, once or for each fold, weighed by what they say of records held out."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multilabel.core.registry import choose
from multilabel.data.dataset import Split, join, subset
from multilabel.data.duplicates import groups, text_keys
from multilabel.data.labels import Labels
from multilabel.data.records import read_records
from multilabel.data.splits import folds
from multilabel.models.classifiers import EnsembleClassifier
from multilabel.models.ensembles import WEIGHTINGS
from multilabel.training.architectures import renamed
from multilabel.training.parts import Trained, train_part
from multilabel.training.settings import EnsembleArchitecture


def train_ensemble(
    architecture: EnsembleArchitecture, labels: Labels, train: Split, valid: Split, curves: Path
) -> tuple[Trained, Split, dict[str, float]]:
    """The ensemble, the records that its `held_out` probabilities are about, and the weight of each member.

    Without folds the records are `valid`. With folds every record of train and valid is held out once, and predicted by
    the networks that have not seen it.
    """
    pool = valid
    rounds: list[tuple[Split, NDArray[Any]]] = [(train, np.arange(len(valid.ids)))]
    if architecture.folds:
        pool = join(train, valid)
        fold = _assign(pool, architecture.folds, architecture.seed)
        rounds = [(subset(pool, fold != k), np.flatnonzero(fold == k)) for k in range(architecture.folds)]
    parts: dict[str, list[Trained]] = {}
    held_out: list[NDArray[np.float32]] = []
    for member, settings in architecture.members.items():
        parts[member] = []
        held_out.append(np.zeros(pool.targets.shape, np.float32))
        for number, (fitted, rows) in enumerate(rounds):
            name = f"{architecture.name}_{member}_{number}"
            print(f"{name}: {len(fitted.ids)} records, {len(rows)} held out")
            own = renamed(settings, name)
            part = train_part(own, labels, fitted, subset(pool, rows), curves / f"{member}_{number}")
            held_out[-1][rows] = part.held_out
            parts[member].append(part)
    weights = choose("weighting", WEIGHTINGS, architecture.weights, "ensemble.weights")(held_out, pool.targets)
    every = [part for trained in parts.values() for part in trained]
    mean = np.tensordot(np.array(weights), np.stack(held_out), axes=1).astype(np.float32)
    ensemble = Trained(
        EnsembleClassifier({m: [part.classifier for part in trained] for m, trained in parts.items()}, weights),
        held_out=mean,
        epochs=max(part.epochs for part in every),
        best_epoch=max(part.best_epoch for part in every),
        seconds=sum(part.seconds for part in every),
        device=every[0].device,
        states=tuple(state for part in every for state in part.states),
    )
    return ensemble, pool, dict(zip(parts, weights, strict=True))


def _assign(pool: Split, number: int, seed: int) -> NDArray[np.int_]:
    digests = read_records(pool.inputs.records, ["image_digest"])["image_digest"].iloc[pool.inputs.rows]
    return folds(pool.targets, groups(digests.fillna("").tolist(), text_keys(pool.inputs.texts)), number, seed)
