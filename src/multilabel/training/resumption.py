"""A killed run goes on where it stopped: state on disk outside every DVC output, keyed by all that determines a run."""

import ctypes
import hashlib
import json
import os
import signal
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from multilabel.core.files import replacing
from multilabel.core.paths import CHECKPOINTS

CODE = Path(__file__).parent.parent  # the whole library: whatever changes there may change a step


class State:
    """One run's state file; `key` changes with settings, data and code, so old state is never taken up by mistake."""

    def __init__(self, settings: Mapping[str, Any], data: Iterable[Path], folder: Path = CHECKPOINTS) -> None:
        """`data` are the files that the run reads."""
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
        for path in [*data, *sorted(CODE.rglob("*.py"))]:
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        digest.update(torch.__version__.encode())
        self.path = folder / f"{settings['name']}-{digest.hexdigest()[:16]}.pt"

    def save(self, content: dict[str, Any]) -> None:
        """Tensors, numbers, strings and containers of them."""
        with replacing(self.path) as partial:
            torch.save(content, partial)

    def load(self) -> dict[str, Any] | None:
        """What was saved last, or None; unpickles tensors and plain values only."""
        for partial in self.path.parent.glob(f".{self.path.name}.*"):  # of a run killed while it saved
            partial.unlink(missing_ok=True)
        return torch.load(self.path, weights_only=True, map_location="cpu") if self.path.exists() else None

    def discard(self) -> None:
        """Forget the run, once its outputs are written."""
        self.path.unlink(missing_ok=True)


class Termination:
    """`with Termination() as t:` turns SIGTERM from a sudden end into `t.asked`, to be looked at between steps."""

    asked = False

    def __enter__(self) -> "Termination":
        self._before = signal.signal(signal.SIGTERM, self._ask)
        return self

    def __exit__(self, *error: object) -> None:
        signal.signal(signal.SIGTERM, self._before)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True


def end_with_parent() -> None:
    """Have the kernel end this process when its parent dies: an orphan of a killed `dvc` would train for nobody."""
    if sys.platform == "linux":
        parent, parent_dies = os.getppid(), 1  # PR_SET_PDEATHSIG of prctl(2)
        ctypes.CDLL(None).prctl(parent_dies, signal.SIGTERM)
        if os.getppid() != parent:
            sys.exit("the process that started this stage is gone")
