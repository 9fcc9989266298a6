"""An ensemble: its members trained, once or for each fold, and combined by what they say of records held out."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multilabel.core.settings import call_named
from multilabel.data.dataset import Split, join, subset
from multilabel.data.duplicates import groups, text_keys
from multilabel.data.labels import Labels
from multilabel.data.records import read_records
from multilabel.data.splits import folds
from multilabel.models.classifiers import EnsembleClassifier
from multilabel.models.ensembles import WEIGHTINGS, cross_fitted
from multilabel.training.architectures import renamed
from multilabel.training.parts import Trained, train_part
from multilabel.training.settings import EnsembleArchitecture

PARTS = 5  # of the held-out records: what the ensemble says of one is fitted on the other four


def train_ensemble(
    architecture: EnsembleArchitecture, labels: Labels, train: Split, valid: Split, curves: Path
) -> tuple[Trained, Split, dict[str, float]]:
    """The ensemble, the records that its `held_out` probabilities are about, and the mean weight of each member.

    Without folds the records are `valid`. With folds every record of train and valid is held out once, and predicted by
    the networks that have not seen it. The combination is fitted on all held-out records, but `held_out` is
    cross-fitted: no record has a say in how the members are combined for it.
    """
    pool = join(train, valid) if architecture.folds else valid
    together = _duplicates(pool)
    rounds: list[tuple[Split, NDArray[Any]]] = [(train, np.arange(len(valid.ids)))]
    if architecture.folds:
        fold = folds(pool.targets, together, architecture.folds, architecture.seed)
        rounds = [(subset(pool, fold != k), np.flatnonzero(fold == k)) for k in range(architecture.folds)]
    parts: dict[str, list[Trained]] = {}
    said: dict[str, NDArray[np.float32]] = {}
    for member, settings in architecture.members.items():
        parts[member] = []
        said[member] = np.zeros(pool.targets.shape, np.float32)
        for number, (fitted, rows) in enumerate(rounds):
            name = f"{architecture.name}_{member}_{number}"
            print(f"{name}: {len(fitted.ids)} records, {len(rows)} held out")
            own = renamed(settings, name)
            part = train_part(own, labels, fitted, subset(pool, rows), curves / f"{member}_{number}")
            said[member][rows] = part.held_out
            parts[member].append(part)
    combination = call_named(WEIGHTINGS, architecture.weights, said, pool.targets)
    if combination.unlearned:
        names = ", ".join(labels.ids[label] for label in combination.unlearned)
        print(f"{architecture.name}: held-out records show one class only of these labels: {names}; "
              f"their members count alike")  # fmt: skip
    fifth = folds(pool.targets, together, min(PARTS, len(np.unique(together))), architecture.seed)
    every = [part for trained in parts.values() for part in trained]
    ensemble = Trained(
        EnsembleClassifier({m: [part.classifier for part in trained] for m, trained in parts.items()}, combination),
        held_out=cross_fitted(architecture.weights, said, pool.targets, fifth),
        epochs=max(part.epochs for part in every),
        best_epoch=max(part.best_epoch for part in every),
        seconds=sum(part.seconds for part in every),
        device=every[0].device,
        emptied_texts=max(part.emptied_texts for part in every),
        states=tuple(state for part in every for state in part.states),
    )
    return ensemble, pool, combination.mean_weights()


def _duplicates(pool: Split) -> NDArray[np.int_]:
    """(N,) the group of each record; records that show or say the same are in one."""
    digests = read_records(pool.inputs.records, ["image_digest"])["image_digest"].iloc[pool.inputs.rows]
    return groups(digests.fillna("").tolist(), text_keys(pool.inputs.texts))
