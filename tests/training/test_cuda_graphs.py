"""The image encoder is recorded and replayed where that is the same, on a stand-in for CUDA that records nothing."""

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from multilabel.core.errors import UserError
from multilabel.inputs.features import Features
from multilabel.models.network import Network
from multilabel.training import cuda_graphs
from multilabel.training.cuda_graphs import replayed

ON_CPU: Any = SimpleNamespace(device=torch.device("cpu"), autocast=lambda handler: nullcontext())


class Encoder(nn.Module):
    """A few filters and batch norm; `whole` gives states as well."""

    def __init__(self, whole: bool) -> None:
        super().__init__()
        self.net, self.whole = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), whole

    def forward(self, images: Tensor) -> Features:
        found = self.net(images)
        return Features(found.mean(dim=(2, 3)), found.flatten(2).transpose(1, 2) if self.whole else None)


class Recorded:
    """What `make_graphed_callables` gives: it counts, and is as blind to shapes as a graph."""

    def __init__(self, usual: nn.Module, sample: tuple[Tensor, ...], **_: Any) -> None:
        for _number in range(3):  # it warms up, which batch norm notices
            usual(*sample)
        self.usual, self.replays = usual, 0

    def __call__(self, images: Tensor) -> Any:
        self.replays += 1
        return self.usual(images)


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[Recorded]:
    found: list[Recorded] = []
    monkeypatch.setattr(
        torch.cuda, "make_graphed_callables", lambda *a, **k: found.append(Recorded(*a, **k)) or found[0]
    )
    return found


def network(whole: bool = False) -> Network:
    torch.manual_seed(0)
    return Network(Encoder(whole), None, None, [nn.Identity()])


@pytest.mark.parametrize("whole", [False, True])
def test_whole_batches_of_training_are_replayed_and_all_others_are_not(whole: bool, recorded: list[Recorded]) -> None:
    net, plain = network(whole), network(whole)
    batches = [torch.randn(number, 3, 8, 8) for number in (4, 4, 3)]
    with replayed(net, 8, 4, ON_CPU):
        for batch in batches:
            for ours, usual in zip(net.image(batch), plain.image(batch), strict=True):  # type: ignore[misc]
                assert (ours is None and usual is None) or torch.equal(ours, usual)
        net.eval()
        net.image(batches[0])  # type: ignore[misc]
    assert recorded[0].replays == 2


def test_batch_norm_knows_nothing_of_the_sample_and_the_network_is_as_it_was(recorded: list[Recorded]) -> None:
    net, plain = network(), network()
    with replayed(net, 8, 4, ON_CPU):
        assert all(torch.equal(value, plain.state_dict()[name]) for name, value in net.state_dict().items())
    assert "forward" not in vars(net.image)
    assert list(net.state_dict()) == list(plain.state_dict())


def test_nothing_is_recorded_of_an_encoder_that_learns_nothing(recorded: list[Recorded]) -> None:
    net = network()
    net.requires_grad_(False)
    with replayed(net, 8, 4, ON_CPU):
        assert "forward" not in vars(net.image)
    assert not recorded


def test_an_encoder_that_cannot_be_recorded_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    monkeypatch.setattr(cuda_graphs.torch.cuda, "make_graphed_callables", refuse)
    with pytest.raises(UserError) as refused, replayed(network(), 8, 4, ON_CPU):
        pass
    assert str(refused.value) == (
        "train.cuda_graphs: the kernels of Encoder cannot be recorded (operation not permitted when stream is capturing); "
        "set it to false"
    )
