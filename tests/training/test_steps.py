"""What a step and an epoch of training do at their edges: few records, several devices, numbers that are none."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from test_loop import BLOCKS, IMAGE, settings, trained
from torch import nn

from multilabel.core.errors import UserError
from multilabel.inputs.examples import Examples
from multilabel.training import fitting
from multilabel.training.augmentation import Augmentation
from multilabel.training.loop import Progress, _Run


def test_losses_of_a_killed_epoch_come_back_to_the_device_that_trains() -> None:
    """On the CPU they were stacked with those that a GPU computed next, which PyTorch refuses."""
    net = nn.Linear(2, 1)
    run = object.__new__(_Run)
    run.accelerator = SimpleNamespace(device=torch.device("meta"), scaler=None)  # type: ignore[assignment]
    run.raw, run.average, run.optimizer = net, None, torch.optim.SGD(net.parameters())  # type: ignore[assignment]
    progress = Progress(epoch=1, losses=[torch.tensor(0.5), torch.tensor(0.25)])
    saved = {"progress": vars(progress), "net": net.state_dict(), "optimizer": run.optimizer.state_dict()}
    run.state = SimpleNamespace(load=lambda: saved, path=SimpleNamespace(name="a.pt"))  # type: ignore[assignment]
    losses = [*run.resume().losses, torch.zeros((), device="meta")]  # and the loss of the next step
    assert {loss.device.type for loss in losses} == {"meta"}
    assert torch.stack(losses).mean().device.type == "meta"


class Processes(SimpleNamespace):
    """One of several processes, of which a step takes its share."""

    def no_sync(self, net: nn.Module) -> Any:
        return torch.enable_grad()

    def reduce(self, total: torch.Tensor, how: str) -> torch.Tensor:
        return total


@pytest.mark.parametrize("accumulate", [1, 2, 3, 8, 100])
@pytest.mark.parametrize("world", [1, 2, 3])
@pytest.mark.parametrize("number", [6, 7, 8, 9, 10, 13, 16, 17, 33])
def test_a_batch_is_cut_into_pieces_of_at_least_two(
    number: int, world: int, accumulate: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, seen = nn.Linear(2, 1), []
    run = object.__new__(_Run)
    run.raw = run.net = net  # type: ignore[assignment]
    run.average, run.seed, run.optimizer = None, 1, torch.optim.SGD(net.parameters())  # type: ignore[assignment]
    run.options = SimpleNamespace(accumulate=accumulate, clip=None, augment=Augmentation())  # type: ignore[assignment]
    monkeypatch.setattr(_Run, "_backward", lambda self, batch, share: torch.tensor(share))
    shares = 0.0
    for rank in range(world):
        run.accelerator = Processes(num_processes=world, process_index=rank, device=torch.device("cpu"))  # type: ignore[assignment]
        order = run.order(0, np.arange(number))
        seen += order.pieces
        shares += float(run.step(order, order.pieces, number))  # type: ignore[arg-type]
    assert min(len(piece) for piece in seen) >= 2
    assert len(seen) == world * max(1, min(accumulate, number // (2 * world)))
    assert sorted(np.concatenate(seen)) == list(range(number))
    assert shares == pytest.approx(world)  # averaged over processes, the mean over the whole batch


@pytest.mark.parametrize(("processes", "sizes"), [(1, [10, 16, 16]), (8, [16, 26])])
def test_a_last_batch_too_small_for_all_devices_joins_the_one_before(processes: int, sizes: list[int]) -> None:
    examples = Examples(None, np.arange(42), None, None)
    batches = examples.shuffled(16, np.random.default_rng(0), None, 2 * processes)
    assert sorted(len(batch) for batch in batches) == sizes
    assert sorted(np.concatenate(batches)) == list(range(42))


@pytest.mark.parametrize(
    ("batch_size", "records", "last"), [(4, 100, 4), (4, 101, 5), (1, 5, 1), (16, 100, 20), (16, 104, 8)]
)
def test_a_last_batch_joins_the_one_before_only_if_it_is_short(batch_size: int, records: int, last: int) -> None:
    examples = Examples(np.zeros((records, 1, 1, 3), np.uint8), np.arange(records), None, None)
    batches = examples.shuffled(batch_size, np.random.default_rng(0))
    sizes = sorted(map(len, batches), key=lambda size: abs(size - batch_size))
    assert sizes[-1] == last
    assert set(sizes[:-1]) <= {batch_size}


def test_accumulation_trains_networks_with_batch_norm(tiny_dataset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BLOCKS, "a", {"image": IMAGE, "text": {"encoder": "gru"}, "fusion": "sum"})
    model, _ = trained("a", batch_size=9, accumulate=8, epochs=1)
    assert np.isfinite(model.training.valid["f1_samples"])


def test_batch_norm_of_single_records_is_one_line(tiny_dataset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BLOCKS, "a", {"image": IMAGE, "text": {"encoder": "gru"}, "fusion": "sum"})
    message = (
        r"train.batch_size: batch norm learns from 2 records at a time, and a batch or a device's part of it has one"
    )
    with pytest.raises(UserError, match=message):
        trained("a", batch_size=1, epochs=1)


def test_more_processes_than_records_are_refused() -> None:
    examples = Examples(None, np.arange(3), None, np.ones((3, 2), np.float32))
    with pytest.raises(
        UserError, match=r"train.batch_size: 4 processes cannot share 3 records in batches of 8; raise it"
    ):
        _Run(nn.Linear(1, 1), settings("text_gru"), examples, Processes(num_processes=4), None)  # type: ignore[arg-type]


@pytest.mark.parametrize("epoch", [1, 2])
def test_weights_that_are_no_numbers_after_an_epoch_are_one_line(
    tiny_dataset: str, epoch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The losses of an epoch are finite if its last step is the one that goes too far."""
    real, epochs = _Run.epoch, []

    def too_far(self: _Run, *arguments: Any) -> Any:
        row = real(self, *arguments)
        epochs.append(row)
        if len(epochs) == epoch:
            nn.init.constant_(next(self.raw.heads.parameters()), float("nan"))  # type: ignore[arg-type]
        return row

    monkeypatch.setattr(_Run, "epoch", too_far)
    message = (
        r"the network's outputs for \d+ of \d+ records are no finite numbers, so its weights have grown beyond use; "
        r"lower train.lr, or let train.clip bound the gradient"
    )
    with pytest.raises(UserError, match=message):
        trained("text_gru")


@pytest.mark.parametrize("name", ["text_rnn", "image_timm"])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_rate_that_explodes_is_one_line(tiny_dataset: str, name: str, optimizer: str) -> None:
    found = settings(name, optimizer=optimizer, schedule="constant", warmup=0.0)
    exploding = replace(found, train=replace(found.train, lr=1e30, clip=None))  # type: ignore[type-var,union-attr]
    with pytest.raises(UserError, match=r"lower train.lr, or let train.clip bound the gradient$"):
        fitting.train(exploding, Path("curves"))
