"""One training by one process and by several, as `launcher:` starts them: seconds of an epoch, and the scores at its end."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.machine import cores
from multilabel.core.files import read_json

EPOCHS = 2  # of which the last is timed: the first decodes images
# Nothing is drawn at random in a step and no record looks at another: what is left between the ways is the order of sums.
NETWORK: dict[str, Any] = {
    "image": {"encoder": "timm/test_vit", "size": 32},
    "text": {"encoder": "gru", "embedding": 64, "hidden": 64, "dropout": 0.0},
    "fusion": {"name": "concat", "dropout": 0.0, "batch_norm": False},
    "train": {"epochs": EPOCHS, "batch_size": 64, "lr": 2e-4, "precision": "fp32", "augment": "none"},
}
SEVERAL = ("accelerate", "launch", "--multi_gpu", "--num_processes")  # on CPUs with ACCELERATE_USE_CPU=true


def ways() -> dict[str, tuple[tuple[str, ...], dict[str, str]]]:
    """Name -> the launcher (empty: Python alone) and its environment: one process of one core, of all, and one for each core."""
    every, on_cpus = str(cores()), {"ACCELERATE_USE_CPU": "true"}
    return {
        "1 process, 1 thread": ((), {"OMP_NUM_THREADS": "1"}),
        f"1 process, {every} threads": ((), {"OMP_NUM_THREADS": every}),
        f"{every} processes, 1 thread each": ((*SEVERAL, every), {"OMP_NUM_THREADS": "1", **on_cpus}),
    }


def trained(metrics: Path) -> Mapping[str, float]:
    """Seconds of the last epoch, and its loss and scores on valid, from what the stage wrote."""
    found = read_json(metrics)
    return {"epoch_seconds": found["seconds"], **found["valid"]}
