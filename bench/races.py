"""Our loop and our prediction against contenders, in turn, and what came of it."""

from collections.abc import Callable, Mapping
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
    contenders: Mapping[str, Callable[[], int]],
    say: Say,
) -> dict[str, Any]:
    """Records per second of `fit` and of contenders: a round after each epoch, of which the first does not count."""
    rates: dict[str, list[float]] = {"ours": [], **{name: [] for name in contenders}}

    failures: dict[str, str] = {}

    def round_of_all(row: Row) -> None:
        rates["ours"].append(len(train) / row["seconds"])
        for name in [name for name in contenders if name not in failures]:
            try:
                rates[name].append(rate(contenders[name], device.device))
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
    batch: Batch,
    device: Accelerator,
    rounds: int,
) -> dict[str, Any]:
    """Records per second of `predict`, and of the forward pass alone on a batch that lies on the device."""
    net = net.to(device.device).to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    prepare, batch = ImagePreparation(architecture.model.image, device.device), batch.to(device.device)
    size = len(batch.targets)  # type: ignore[arg-type]

    def forward() -> int:
        steps = -(-len(examples) // size)
        with torch.inference_mode(), device.autocast():
            for _ in range(steps):
                net(batch.images, batch.tokens, batch.mask, batch.lengths)
        return steps * size

    contenders = {"ours": lambda: len(predict(net, prepare, examples, device)), "bare": forward}
    return summary(
        interleaved({name: lambda work=work: rate(work, device.device) for name, work in contenders.items()}, rounds)
    )
