"""Runs as `run` leaves them, made up."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from multilabel.core.files import write_json
from multilabel.core.settings import Choice
from multilabel.data.labels import Labels
from multilabel.metrics.predictions import prediction_table
from multilabel.models.settings import BaselineSettings
from multilabel.studies.comparison import Study
from multilabel.studies.evidence import Evidence, Fresh
from multilabel.studies.outcomes import Outcome, Sample, write_run
from multilabel.studies.runs import Run
from multilabel.studies.specification import DeclaredRun, Report
from multilabel.training.settings import BaselineArchitecture

LABELS = Labels(["01", "2", "3", "4"], ["dog", "cat", "cow", "owl"])
FALLING = (0.7, 0.4, 0.3, 0.3)  # a loss that has come to its end


def truth(records: int, seed: int = 0) -> np.ndarray:
    """(records, 4) targets, half of which are 1."""
    return (np.random.default_rng(seed).random((records, 4)) < 0.5).astype(np.uint8)


def guessed(targets: np.ndarray, right: float, seed: int) -> np.ndarray:
    """(N, 4) probabilities, a share `right` of which lies on the side of the target."""
    random = np.random.default_rng(seed)
    hit = random.random(targets.shape) < right
    return np.where(hit == (targets == 1), 0.9, 0.1).astype(np.float32)


def outcome(
    seed: int, probabilities: np.ndarray, targets: np.ndarray, curves: Mapping[str, Sequence[float]] | None = None
) -> Outcome:
    """A seed that says this of test and of valid."""
    ids = [f"{i}.jpg" for i in range(len(targets))]
    table = prediction_table(ids, targets, (probabilities >= 0.5).astype(np.uint8), probabilities, LABELS)
    losses = {"train/loss": FALLING, "valid/loss": FALLING} if curves is None else curves
    row = {
        "train_seconds": 60.0, "predict_seconds": 1.0, "device": "cpu x1", "modality": "text", "coco_exposed": "no",
        "seed": seed,
    }  # fmt: skip
    return Outcome(
        seed=seed, test=table, row=row, decodings={"fixed": 0.5, "expected_f1": 0.6},
        curves={name: pd.DataFrame({"step": range(len(values)), "value": values}) for name, values in losses.items()},
        epochs=4, best_epoch=3,
    )  # fmt: skip


def evidence(
    folder: Path,
    name: str,
    right: float | Sequence[float] = 0.8,
    *,
    targets: np.ndarray | None = None,
    curves: Mapping[str, Sequence[float]] | None = None,
    **about: Any,
) -> Evidence:
    """A run that is right in these shares of its decisions, one for each seed, stored as `run` stores it."""
    targets = truth(200) if targets is None else targets
    shares = [right] if isinstance(right, int | float) else list(right)
    # Errors follow the name, so that two runs err on other records.
    draws = [sum(map(ord, name)) * 10 + number for number in range(len(shares))]
    outcomes = [
        outcome(number, guessed(targets, share, draw), targets, curves)
        for number, (share, draw) in enumerate(zip(shares, draws, strict=True), start=1)
    ]
    plan = Run(
        run=name, group="group", row=None, variant="as published", weights="none", from_scratch=True,
        seeds=[own.seed for own in outcomes], scale="full",
        architecture=BaselineArchitecture(
            model=BaselineSettings(name=name, dataset="toy", seed=1, baseline=Choice("keyword_rule")),
            decoding=Choice("fixed"),
        ),
    )  # fmt: skip
    place = folder / "metrics/runs/group" / name
    scores = write_run(place, plan, Sample(data="real.zip", records=100, train_records=70), LABELS, outcomes, 200)
    network = {"updates": 100, "planned_updates": 100, "network": name, "training": name}
    scores = {**scores, **network, **about}
    write_json(place / "scores.json", scores)
    return Evidence(name, scores, Fresh(place))


def study_of(
    *known: Evidence, records: int = 100, size_mb: float | None = None, **architectures: Mapping[str, Any]
) -> Study:
    """A study that declares these runs, as texts of one network each, with what is known of them."""
    declared = {
        own.run: DeclaredRun(
            run=own.run, group="group", row=None, variant=own.variant, weights="none", from_scratch=True, seeds=[1],
            scale="full", architecture=architectures.get(own.run, network()), parameters=None, size_mb=size_mb,
        )
        for own in known
    }  # fmt: skip
    found: dict[str, list[Evidence]] = {}
    for own in known:
        found.setdefault(own.run, []).append(own)
    return Study(Report("toy.pdf", "A toy", records, round(0.7 * records), {}), declared, found)


def network(**train: Any) -> dict[str, Any]:
    """The architecture of a network, as JSON: 70 records for training make 100 updates."""
    model = {"name": "any", "seed": 1, "text": {"encoder": "gru"}, "image": None}
    return {"kind": "network", "model": model, "train": {"epochs": 10, "batch_size": 7, **train}}


TFIDF: dict[str, Any] = {
    "kind": "baseline",
    "model": {"name": "any", "baseline": {"name": "tfidf_logreg", "options": {}}},
}
