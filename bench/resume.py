"""A training that is killed in the middle of an epoch and taken up again, against one that nothing disturbs.

`python -m bench.resume FOLDER MODE ENCODER SIZE` is the process that is killed.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

import torch
from torch import Tensor

from bench.generated import LABELS, generate
from multilabel.models.devices import accelerator
from multilabel.models.network import build
from multilabel.training import loop
from multilabel.training.architectures import resolve
from multilabel.training.resumption import State
from multilabel.training.settings import NetworkArchitecture

RECORDS, HELD_OUT, BATCH, EPOCHS = 128, 32, 16, 2
KILLED_AFTER = 11  # steps that are stored: in the second epoch of eight steps
PATIENCE = 90  # seconds that each process has
TRAINING = {"epochs": EPOCHS, "batch_size": BATCH, "lr": 1e-3, "ema": 0.9,
            "augment": {"crop": 0.8, "flip": 0.5, "rotation": 10, "brightness": 0.2, "hue": 0.05}}  # fmt: skip


class Killed(State):
    """A state after whose eleventh writing the process is killed."""

    stored = 0

    def save(self, content: dict[str, Any]) -> None:
        """As always, and then nothing else."""
        super().save(content)
        self.stored += 1
        if self.stored == KILLED_AFTER:
            os.kill(os.getpid(), signal.SIGKILL)


def measure(folder: Path, encoder: str, size: int) -> dict[str, Any]:
    """Whether the weights after the last epoch are those of an undisturbed run, and by how much they differ at most."""
    modes = ("as_trained", "deterministic") if torch.cuda.is_available() else ("as_trained",)
    for child in [_start(folder / mode, mode, encoder, size) for mode in modes]:
        timer = Timer(PATIENCE, child.terminate)
        timer.start()
        _, errors = child.communicate()
        timer.cancel()
        if child.returncode != -signal.SIGKILL:
            raise RuntimeError(f"the process that should be killed ended with {child.returncode}: {errors[-2000:]}")
    return {mode: _compare(folder, mode, encoder, size) for mode in modes}


def _start(folder: Path, mode: str, encoder: str, size: int) -> subprocess.Popen:
    command = [sys.executable, "-m", "bench.resume", str(folder), mode, encoder, str(size)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def _compare(folder: Path, mode: str, encoder: str, size: int) -> dict[str, Any]:
    resumed, one, other = (
        train(State, folder / name, mode, encoder, size) for name in (mode, f"{mode}_1", f"{mode}_2")
    )
    return {
        "network": encoder,
        "steps_before_the_kill": KILLED_AFTER,
        "steps": EPOCHS * RECORDS // BATCH,
        "equal": all(torch.equal(value, one[name]) for name, value in resumed.items()),
        "largest_difference": _difference(resumed, one),
        "largest_difference_of_two_undisturbed": _difference(one, other),
        "largest_weight": max(float(value.abs().max()) for value in one.values()),
    }


def train(kind: type[State], folder: Path, mode: str, encoder: str, size: int) -> dict[str, Tensor]:
    """The weights after the last step; goes on with what `folder` holds."""
    architecture = resolve("killed", {"killed": _block(encoder, size)}, TRAINING, seed=1)
    assert isinstance(architecture, NetworkArchitecture)
    torch.manual_seed(1)
    net = build(architecture.model, 0, LABELS)
    records, held_out = generate(RECORDS, size, 1).images(), generate(HELD_OUT, size, 2).images()
    device, state = accelerator(architecture.model.prediction.precision), kind(architecture, [], [], folder)
    with _deterministic(mode == "deterministic"):
        loop.fit(net, architecture, records, held_out, device, state, lambda row: None)
    stored = state.load()
    assert stored is not None
    return stored["net"]


@contextmanager
def _deterministic(wanted: bool) -> Iterator[None]:
    """Only kernels that add up in a fixed order, where there are such."""
    torch.use_deterministic_algorithms(wanted, warn_only=True)
    torch.backends.cudnn.deterministic = wanted
    yield
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.deterministic = False


def _block(encoder: str, size: int) -> dict[str, Any]:
    return {"dataset": "generated", "image": {"encoder": encoder, "size": size}}


def _difference(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    return max(float((value.double() - other[name].double()).abs().max()) for name, value in one.items())


if __name__ == "__main__":
    loop.SAVE_EVERY = 0  # after each step
    train(Killed, Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
