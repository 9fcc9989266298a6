"""Ensembles: what their members hold out, and on which records they are compared with others."""

from pathlib import Path

import numpy as np
import pytest
from conftest import TRAIN

from multilabel.data.dataset import load_split
from multilabel.metrics.scores import scores
from multilabel.training import fitting
from multilabel.training.architectures import resolve
from multilabel.training.folds import train_ensemble

BLOCKS = {
    "tfidf": {"dataset": "captions", "baseline": {"name": "tfidf_logreg", "min_df": 1}},
    "folds": {"dataset": "captions", "ensemble": {"members": ["tfidf"], "folds": 3}},
}


def test_an_ensemble_of_folds_is_compared_on_the_records_of_valid(
    tiny_dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def watched(*arguments: object) -> object:
        seen.append(train_ensemble(*arguments))  # type: ignore[arg-type]
        return seen[-1]

    monkeypatch.setattr(fitting, "train_ensemble", watched)
    model, _ = fitting.train(resolve("folds", BLOCKS, TRAIN, seed=0), Path("curves"))
    ((trained, pool, _),) = seen
    valid = load_split(tiny_dataset, "valid")
    rows = [pool.ids.index(id) for id in valid.ids]
    held_out = trained.held_out[rows]
    assert len(pool.ids) > len(valid.ids)
    np.testing.assert_array_equal(pool.targets[rows], valid.targets)
    assert model.training.valid == scores(valid.targets, model.decoding.decode(held_out), held_out)
