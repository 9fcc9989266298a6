"""Every path of the project, relative to the repository root, where DVC runs the stages."""

import os
from pathlib import Path

PARAMS = Path("params.yaml")

RAW = Path("data/raw")
SPLITS = Path("data/splits")
ENCODED = Path("data/encoded")
RESOLVED = Path("data/resolved")
WORD_VECTORS = Path("data/word_vectors")
PREDICTIONS = Path("data/predictions")
SUBMISSION = Path("data/submission")
MODELS = Path("models")
METRICS = Path("metrics")
REPORTS = Path("reports")

# `dvc exp run --queue` and `--temp` work in a copy of the repository, but name the original in DVC_ROOT: what must
# outlive such a copy (a killed run's state, decoded pictures) and relative sources belong to the original.
HOME = Path(os.environ.get("DVC_ROOT", "."))
CACHE = HOME / ".cache"
CHECKPOINTS = HOME / ".checkpoints"


def records_file(dataset: str) -> Path:
    """The records of one dataset, as ingested."""
    return RAW / dataset / "records.parquet"


def findings_file(dataset: str) -> Path:
    """The repaired and rejected records of one dataset."""
    return RAW / dataset / "findings.csv"


def split_file(dataset: str) -> Path:
    """Which record belongs to train, valid or test."""
    return SPLITS / f"{dataset}.parquet"


def labels_file(dataset: str) -> Path:
    """The label order of one dataset."""
    return ENCODED / dataset / "labels.json"


def targets_file(dataset: str) -> Path:
    """The multi-hot targets of one dataset."""
    return ENCODED / dataset / "targets.parquet"


def predictions_file(name: str) -> Path:
    """Probabilities and predicted labels of one architecture or ablation on test."""
    return PREDICTIONS / f"{name}.parquet"


def vectors_file(name: str) -> Path:
    """The word vectors that an architecture starts from; empty where it asks for none."""
    return WORD_VECTORS / f"{name}.safetensors"
