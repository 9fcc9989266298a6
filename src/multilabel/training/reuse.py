"""What runs ended with, kept outside DVC by all that determines a run: no network is trained twice.

An ensemble takes a member that was trained by itself, and the other way round. A derived cache, safe to delete.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from multilabel.core.files import replacing
from multilabel.core.paths import CACHE
from multilabel.training.tensor_files import read_tensors, write_tensors

FINISHED = CACHE / "trained"
LARGEST = 20 * 2**30  # bytes of all that is kept; what was used longest ago goes first


@dataclass(frozen=True)
class FinishedRun:
    """A network at the end of its training, before its weights are rounded for storage."""

    name: str  # of the architecture that trained it
    weights: dict[str, Tensor]  # of the best epoch
    history: list[dict[str, Any]]  # a row per epoch
    best_epoch: int
    seconds: float  # of all processes
    device: str


def keep(run: FinishedRun, key: str, folder: Path = FINISHED) -> None:
    """For `kept`, by the `key` of the run's `State`."""
    path = folder / f"{key}.pt"
    with replacing(path) as partial:
        write_tensors(partial, vars(run))
    _make_room(folder, path)


def kept(key: str, folder: Path = FINISHED) -> FinishedRun | None:
    """The run of this key if one is kept and whole."""
    path = folder / f"{key}.pt"
    try:
        content = read_tensors(path)
        os.utime(path)  # used last now
    except FileNotFoundError:  # also where another process makes room
        return None
    if content is None:
        print(f"{folder}: {path.name} damaged, as a power failure may leave a file; training anew")
        return None
    return FinishedRun(**content)


def _make_room(folder: Path, newest: Path) -> None:
    with suppress(FileNotFoundError):  # another process makes room as well
        files = sorted(folder.glob("*.pt"), key=lambda file: file.stat().st_mtime_ns)
        excess = sum(file.stat().st_size for file in files) - LARGEST
        for file in files:
            if excess > 0 and file != newest:
                excess -= file.stat().st_size
                file.unlink()
