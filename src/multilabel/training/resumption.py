"""A killed run goes on where it stopped: state on disk outside every DVC output, keyed by all that determines a run."""

import hashlib
import json
import os
import signal
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from multilabel.core.files import replacing, sha256_of_file
from multilabel.core.paths import CHECKPOINTS
from multilabel.core.settings import Choice, to_json
from multilabel.core.versions import versions
from multilabel.models.pretrained import with_digests
from multilabel.training.settings import NetworkArchitecture
from multilabel.training.tensor_files import read_tensors, write_tensors

CODE = Path(__file__).parent.parent  # the whole library: whatever changes there may change a step


class State:
    """One run's state file; `key` changes with settings, data and code, so old state is never taken up by mistake."""

    def __init__(
        self, architecture: NetworkArchitecture, records: list[str], data: Iterable[Path], folder: Path = CHECKPOINTS
    ) -> None:
        """`records` are the ids that the run sees, `data` the files that it reads; a name or a decoding changes no step.

        Weights that the network starts from count by their content, so they must have been fetched.
        """
        train = replace(architecture.train, decoding=Choice(""))  # fitted once the network is trained
        nameless = replace(architecture, model=replace(architecture.model, name=""), train=train, seeds=1)
        settings = with_digests(to_json(nameless), architecture.model)
        digest = hashlib.sha256(json.dumps([settings, records], sort_keys=True).encode())
        for path in [*data, *sorted(CODE.rglob("*.py"))]:
            digest.update(bytes.fromhex(sha256_of_file(path)))
        digest.update(versions().encode())
        self.key = digest.hexdigest()[:16]
        self.path = folder / f"{architecture.model.name}-{self.key}.pt"
        self.before = self.path.with_suffix(".before.pt")

    def save(self, content: dict[str, Any]) -> None:
        """Tensors, numbers, strings and containers of them; what was saved before is kept as well."""
        with replacing(self.path) as partial:
            write_tensors(partial, content)
            if self.path.exists():
                os.replace(self.path, self.before)

    def load(self) -> dict[str, Any] | None:
        """What was saved last and is whole, or None."""
        content, damaged = None, []
        for path in (self.path, self.before):
            if content is None and path.exists():
                content = read_tensors(path)
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
