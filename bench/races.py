"""Our loop and our prediction against contenders, in turn, and what came of it."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn

from bench.rounds import interleaved, rate, summary
from multilabel.inputs.examples import Batch, Examples
from multilabel.models.prediction import ImagePreparation, predict
from multilabel.training.loop import Row, fit
from multilabel.training.settings import NetworkArchitecture

Say = Callable[[str], None]


class Unsaved:
    """A state that is stored nowhere: only steps are timed."""

    path = Path("unsaved")

    def save(self, content: dict[str, Any]) -> None:
        """Nothing."""

    def load(self) -> None:
        """Nothing."""


def train_in_turn(
    net: nn.Module,
    architecture: NetworkArchitecture,
    train: Examples,
    valid: Examples,
    device: Accelerator,
    contenders: Mapping[str, Callable[[], float]],
    say: Say,
) -> dict[str, Any]:
    """Records per second of `fit` and of contenders, a round after each epoch, of which the first does not count.

    `contenders` return their rate; one that gives up leaves the others.
    """
    rates: dict[str, list[float]] = {"ours": [], **{name: [] for name in contenders}}

    failures: dict[str, str] = {}

    def round_of_all(row: Row) -> None:
        rates["ours"].append(len(train) / row["seconds"])
        for name in [name for name in contenders if name not in failures]:
            try:
                rates[name].append(contenders[name]())
            except Exception as error:  # noqa: BLE001 (a contender that gives up leaves the others)
                failures[name] = f"{type(error).__name__}: {error}"
                say(f"{name} gave up: {failures[name]}")
                del rates[name]
        say(", ".join(f"{name} {values[-1]:.4g}/s" for name, values in rates.items()))

    fit(net, architecture, train, valid, device, Unsaved(), round_of_all)  # type: ignore[arg-type]
    return summary({name: values[1:] for name, values in rates.items()}) | {"gave_up": failures}


def predict_in_turn(
    net: nn.Module,
    architecture: NetworkArchitecture,
    examples: Examples,
    batches: list[Batch],
    device: Accelerator,
    rounds: int,
) -> dict[str, Any]:
    """Records per second of `predict`, and of the forward pass alone on batches that lie on the device."""
    net = net.to(device.device).to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    prepare = ImagePreparation(architecture.model.image, device.device)
    batches = [batch.to(device.device) for batch in batches]

    def forward() -> int:
        number = 0
        with torch.inference_mode(), device.autocast():
            while number < len(examples):
                for batch in batches:
                    net(batch.images, batch.tokens, batch.mask, batch.lengths)
                    number += len(batch.targets)  # type: ignore[arg-type]
        return number

    def ours() -> int:
        return len(predict(net, prepare, examples, device))

    contenders = {"ours": partial(rate, ours, device.device), "bare": partial(rate, forward, device.device)}
    return summary(interleaved(contenders, rounds))


def precision_of(device: Accelerator) -> str:
    """As params.yaml calls it."""
    return "fp32" if device.mixed_precision == "no" else device.mixed_precision
