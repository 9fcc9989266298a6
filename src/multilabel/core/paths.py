"""Every path of the project, relative to the repository root, where DVC runs the stages."""

import os
from pathlib import Path

PARAMS = Path("params.yaml")

RAW = Path("data/raw")
BOXES = Path("data/boxes")
SPLITS = Path("data/splits")
ENCODED = Path("data/encoded")
EDA = Path("data/eda")  # <dataset>/ with tables that the report draws
RESOLVED = Path("data/resolved")
CODE = Path("data/code")  # what each stage and each architecture uses of the library
PREDICTIONS = Path("data/predictions")
EXPLANATIONS = Path("data/explanations")
EXPLAINED = "explained.json"  # in the folder of an explanation: what it says of its records, as data
SUBMISSION = Path("data/submission")
MODELS = Path("models")
ABLATIONS = MODELS / "ablations"  # beside the folders of the datasets
BEST = MODELS / "best"  # <dataset>/: what is released of each
METRICS = Path("metrics")
REPORTS = Path("reports")
PER_RECORD = REPORTS / "f1_per_record.parquet"  # of all architectures on test

# `dvc exp run --queue` and `--temp` work in a copy of the repository, but name the original in DVC_ROOT: what must
# outlive such a copy (a killed run's state, decoded images) and relative sources belong to the original.
HOME = Path(os.environ.get("DVC_ROOT", "."))
CACHE = HOME / ".cache"
PARTIAL = CACHE / "partial"  # what is being written; outside every output of DVC, which hashes all it finds there
CHECKPOINTS = HOME / ".checkpoints"


def records_file(dataset: str) -> Path:
    """The records of one dataset, as ingested."""
    return RAW / dataset / "records.parquet"


def boxes_file(dataset: str) -> Path:
    """Where images show labels, as far as the source says; beside the records, so that boxes train nothing again."""
    return BOXES / f"{dataset}.parquet"


def findings_file(dataset: str) -> Path:
    """The repaired and rejected records of one dataset."""
    return RAW / dataset / "findings.csv"


def refused_file(dataset: str) -> Path:
    """The findings of a dataset of which no record was left, so that there is no folder for them."""
    return CACHE / "findings" / f"{dataset}.csv"


def split_file(dataset: str) -> Path:
    """Which record belongs to train, valid or test."""
    return SPLITS / f"{dataset}.parquet"


def labels_file(dataset: str) -> Path:
    """The label order of one dataset."""
    return ENCODED / dataset / "labels.json"


def targets_file(dataset: str) -> Path:
    """The multi-hot targets of one dataset."""
    return ENCODED / dataset / "targets.parquet"


def predictions_folder(name: str) -> Path:
    """What one architecture or ablation says of test, and what every decoding makes of it."""
    return PREDICTIONS / name


def predictions_file(name: str) -> Path:
    """Probabilities and predicted labels of one architecture or ablation on test."""
    return predictions_folder(name) / "test.parquet"


def decodings_file(name: str) -> Path:
    """The scores of its probabilities on test by decoding."""
    return predictions_folder(name) / "decodings.csv"


def decoding_file(name: str) -> Path:
    """The rule by which it predicts."""
    return predictions_folder(name) / "decoding.json"


def model_folder(dataset: str, name: str) -> Path:
    """A trained architecture; a submission depends on all those of its dataset and on no other."""
    return MODELS / dataset / name
