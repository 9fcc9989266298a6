"""A killed run goes on where it stopped: state on disk outside every DVC output, keyed by all that determines a run."""

import hashlib
import io
import json
import os
import signal
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from multilabel.core.files import replacing
from multilabel.core.paths import CHECKPOINTS
from multilabel.core.settings import to_json
from multilabel.training.settings import NetworkArchitecture

CODE = Path(__file__).parent.parent  # the whole library: whatever changes there may change a step
DIGEST = hashlib.sha256().digest_size


class State:
    """One run's state file; `key` changes with settings, data and code, so old state is never taken up by mistake."""

    def __init__(
        self, architecture: NetworkArchitecture, records: list[str], data: Iterable[Path], folder: Path = CHECKPOINTS
    ) -> None:
        """`records` are the ids that the run sees, `data` the files that it reads."""
        digest = hashlib.sha256(json.dumps([to_json(architecture), records], sort_keys=True).encode())
        for path in [*data, *sorted(CODE.rglob("*.py"))]:
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        digest.update(torch.__version__.encode())
        self.path = folder / f"{architecture.model.name}-{digest.hexdigest()[:16]}.pt"
        self.before = self.path.with_suffix(".before.pt")

    def save(self, content: dict[str, Any]) -> None:
        """Tensors, numbers, strings and containers of them; what was saved before is kept as well."""
        buffer = io.BytesIO()
        torch.save(content, buffer)
        with replacing(self.path) as partial:
            with partial.open("wb") as file:
                file.write(hashlib.sha256(buffer.getbuffer()).digest())
                file.write(buffer.getbuffer())
            if self.path.exists():
                os.replace(self.path, self.before)

    def load(self) -> dict[str, Any] | None:
        """What was saved last and is whole, or None; unpickles tensors and plain values only."""
        content, damaged = None, []
        for path in (self.path, self.before):
            if content is None and path.exists():
                content = _read(path)
                damaged += [path.name] if content is None else []
        if damaged:
            instead = "starting anew" if content is None else "going on from the one saved before"
            print(
                f"{self.path.parent}: {' and '.join(damaged)} damaged, as a power failure may leave a file; {instead}"
            )
        return content

    def discard(self) -> None:
        """Forget the run, once its outputs are written."""
        self.path.unlink(missing_ok=True)
        self.before.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any] | None:
    """The content behind its checksum, or None if the two do not fit: PyTorch itself notices little."""
    stored = path.read_bytes()
    if hashlib.sha256(stored[DIGEST:]).digest() != stored[:DIGEST]:
        return None
    return torch.load(io.BytesIO(stored[DIGEST:]), weights_only=True, map_location="cpu")


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
