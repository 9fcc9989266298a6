"""A step never waits for the device, shown on PyTorch's `meta` device, whose tensors have no content to wait for."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from test_loop import BLOCKS, GRU, IMAGE, settings
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from multilabel.inputs.examples import Batch, Examples
from multilabel.inputs.tokenization import Tokens
from multilabel.models import text_encoders
from multilabel.models.network import build
from multilabel.training.loop import _Run

DEVICE = torch.device("meta")
NUMBERS = (
    "_local_scalar_dense",
    "is_nonzero",
    "equal",
    "nonzero",
    "masked_select",
    "unique",
)  # which the host asks for
ALL_AUGMENTATION = {
    "crop": 0.8, "flip": 0.5, "rotation": 9, "brightness": 0.2, "contrast": 0.2, "hue": 0.05, "sharpness": 0.5, "erase": 0.5,
}  # fmt: skip


class Waits(TorchDispatchMode):
    """Notes every operation for which the host would wait."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = function.__name__.partition(".")[0]
        devices = {part.device.type for part in [*args, *kwargs.values()] if isinstance(part, Tensor)}
        devices |= {kwargs["device"].type} if kwargs.get("device") is not None and name == "_to_copy" else set()
        if "meta" in devices and (name in NUMBERS or (name in ("_to_copy", "copy_") and "cpu" in devices)):
            self.found.append(name)
        return function(*args, **kwargs)


class OnDevice(SimpleNamespace):
    """What a step asks of an accelerator."""

    device, num_processes, process_index, scaler, is_main_process = DEVICE, 1, 0, None, True

    def prepare(self, net: nn.Module, optimizer: Any) -> tuple[nn.Module, Any]:
        return net, optimizer

    def no_sync(self, net: nn.Module) -> Any:
        return torch.enable_grad()

    def autocast(self) -> Any:
        return torch.enable_grad()

    def backward(self, loss: Tensor) -> None:
        loss.backward()

    def clip_grad_norm_(self, parameters: Any, largest: float) -> None:
        nn.utils.clip_grad_norm_(parameters, largest)


def run_of(name: str, **train: Any) -> _Run:
    architecture = settings(name, optimizer="adadelta", **train)  # the fused ones are single kernels
    words = Tokens(np.ones((12, 5), np.int32), np.full(12, 5, np.int32), 1, [0, 1, 2, 3])
    examples = Examples(np.zeros((12, 40, 40, 3), np.uint8), np.arange(12), words, np.ones((12, 3), np.float32))
    net = build(architecture.model, 50, 3)
    return _Run(net, architecture, examples, OnDevice(), None)  # type: ignore[arg-type]


def batch_of(number: int, size: int) -> Batch:
    images = torch.empty(number, 3, size, size, dtype=torch.uint8, device=DEVICE)
    tokens = torch.empty(number, 5, dtype=torch.long, device=DEVICE)
    mask = torch.empty(number, 5, dtype=torch.bool, device=DEVICE)
    return Batch(images, tokens, mask, torch.empty(number, 3, device=DEVICE), (5,) * number)


STEPS = {
    "image": ({"image": IMAGE}, {"augment": ALL_AUGMENTATION, "ema": 0.9, "accumulate": 2, "label_smoothing": 0.1}),
    "query": ({"image": {**IMAGE, "resize": 40}, "head": {"name": "query", "width": 16}}, {"loss": "asymmetric"}),
    "gru": ({"text": GRU}, {"token_dropout": 0.2, "loss": {"name": "bce", "pos_weight": "auto"}}),
    "textcnn": (
        {"text": {"encoder": "textcnn", "embedding": 16, "filters": 8}},
        {"loss": "focal"},
    ),
    "transformer": ({"text": {"encoder": "transformer", "hidden": 16, "dim_feedforward": 32}}, {}),
    "fusion": ({"image": IMAGE, "text": GRU, "fusion": {"name": "gated", "modality_dropout": 0.2}}, {"ema": 0.9}),
    "attention": ({"image": IMAGE, "text": GRU, "fusion": {"name": "cross_attention", "width": 16}}, {}),
}


@pytest.mark.parametrize("name", STEPS)
def test_no_step_waits_for_the_device(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    block, train = STEPS[name]
    monkeypatch.setitem(BLOCKS, name, block)
    monkeypatch.setattr(
        text_encoders, "sent", lambda part, device: torch.empty_like(part, device=device)
    )  # which goes through pinned memory where there is a GPU
    run, size = run_of(name, **train), 40 if name == "query" else 32
    with Waits() as waits:
        for number in range(3):
            waits.found.clear()  # those of the first step bring constants to the device
            order = run.order(number, np.arange(12))
            loss = run.step(order, [batch_of(len(piece), size) for piece in order.pieces], 12)
            assert loss.device == DEVICE
    assert waits.found == []


def test_what_would_wait_is_noticed() -> None:
    with Waits() as waits:
        torch.zeros(3).to(DEVICE)
        torch.tensor([1, 2], device=DEVICE)
        for ask in (Tensor.cpu, Tensor.item, Tensor.nonzero):
            with pytest.raises((NotImplementedError, RuntimeError)):
                ask(torch.zeros(1, device=DEVICE))
    assert waits.found == ["_to_copy", "_to_copy", "_local_scalar_dense", "nonzero"]
