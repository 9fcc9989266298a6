"""Small trained models of many kinds, in the tests' own tiny project."""

from pathlib import Path
from typing import Any

import pandas as pd
from conftest import TRAIN

from multilabel.data.dataset import load_split
from multilabel.data.records import read_images
from multilabel.models.evaluation import Evaluation, EvaluationSettings
from multilabel.models.limits import Limits
from multilabel.training.architectures import resolve
from multilabel.training.fitting import fit_and_evaluate
from multilabel.training.settings import Architecture

IMAGE = {"encoder": "timm/resnet10t", "size": 32, "resize": 36, "interpolation": "bicubic"}
GRU = {"encoder": "gru", "embedding": 8, "hidden": 8, "bidirectional": True}
BLOCKS: dict[str, dict[str, Any]] = {
    "constant": {"baseline": "constant"},
    "tfidf": {"baseline": "tfidf_logreg"},
    "rule": {"baseline": "keyword_rule"},
    "vectors": {"text": {**GRU, "pooling": "attention", "word_vectors": "fasttext_skip_gram"}},
    "bert": {"text": {"encoder": "bert", "tokenizer": "wordpiece", "hidden": 8, "layers": 1}},
    "image": {"image": IMAGE, "train": {"flip_average": True}},
    "pair": {"image": {"encoder": "torchvision/shufflenet_v2_x0_5", "size": 32}, "text": GRU, "fusion": "concat"},
    "spare": {"image": IMAGE, "text": GRU, "fusion": {"name": "gated", "modality_dropout": 0.5}},
    "looking": {
        "image": IMAGE,
        "text": GRU,
        "fusion": {"name": "cross_attention", "width": 8, "modality_dropout": 0.5},
    },
    "stacked": {"ensemble": {"members": ["tfidf", "image"], "weights": "stacking"}},
}


def resolved(dataset: str, name: str, **changes: Any) -> Architecture:
    """The block called `name`, with changes, resolved; for one epoch."""
    blocks = {block: {"dataset": dataset, **parts} for block, parts in BLOCKS.items()}
    blocks[name] |= changes
    return resolve(name, blocks, TRAIN | {"epochs": 1}, seed=0)


def evaluated(dataset: str, name: str, **changes: Any) -> Evaluation:
    """The same trained, in models/<dataset>/<name>/, and scored on test."""
    folder, settings = Path("models") / dataset / name, EvaluationSettings(n_resamples=100)
    return fit_and_evaluate(resolved(dataset, name, **changes), folder, Path("curves"), settings, Limits())


def trained(dataset: str, name: str, **changes: Any) -> tuple[Path, pd.DataFrame]:
    """Its folder, and what `evaluate` says of it on test."""
    predictions = evaluated(dataset, name, **changes).predictions
    return Path("models") / dataset / name, predictions


def records_of_test(dataset: str) -> tuple[list[bytes], list[str]]:
    """The images and texts of the test split."""
    inputs = load_split(dataset, "test").inputs
    images = read_images(inputs.records, inputs.rows.tolist())
    return [image for image in images if image is not None], inputs.texts
