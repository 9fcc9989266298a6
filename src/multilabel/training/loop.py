"""The one training loop: settings, network and examples in; the best epoch's weights and the history out.

All randomness of a step is a function of the seed and the step's number, so a run that is killed and resumed takes the
same steps as one that is not. A batch is a batch over all devices: more of them, or `accumulate`, share its records out.
"""

import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from multilabel.core.errors import UserError
from multilabel.core.settings import call_named
from multilabel.inputs.examples import Batch, Examples
from multilabel.inputs.feed import Feed, Order
from multilabel.metrics.decoding import fixed
from multilabel.metrics.scores import METRICS, scores
from multilabel.models.prediction import ImagePreparation, View, centre_crop, predict, sigmoid
from multilabel.training.augmentation import Augmentation, augment
from multilabel.training.averaging import Average
from multilabel.training.cuda_graphs import replayed
from multilabel.training.depthwise import depthwise_in_fp32
from multilabel.training.losses import LOSSES, Loss, smoothed
from multilabel.training.optimizers import OPTIMIZERS, weight_groups
from multilabel.training.resumption import State, Termination
from multilabel.training.samplers import SAMPLERS
from multilabel.training.schedules import SCHEDULES, Validated, rate_factor
from multilabel.training.settings import NetworkArchitecture
from multilabel.training.token_dropout import drop_tokens

Row = dict[str, Any]  # one epoch of the history: numbers, and None for scores that valid does not allow
SAVE_EVERY = 600  # seconds between states within an epoch; each epoch ends with one
ENOUGH = 2  # records in a piece of a batch: batch norm compares them
TERMINATED = 128 + 15  # the exit code of a process that SIGTERM ended


@dataclass
class Progress:
    """Where a run stands: epochs that are done, and how much of the next one."""

    epoch: int = 0
    history: list[Row] = field(default_factory=list)
    best_score: float = float("-inf")
    best_epoch: int = 0
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    losses: list[Tensor] = field(default_factory=list)  # of the steps of an unfinished epoch
    seconds: float = 0.0  # that they took


def fit(
    net: nn.Module,
    settings: NetworkArchitecture,
    train: Examples,
    valid: Examples,
    accelerator: Accelerator,
    state: State,
    log: Callable[[Row], None],
) -> Progress:
    """Train until `epochs` or `patience` ends; afterwards `net` holds the weights of the best epoch on valid.

    `log` is called with the row of every epoch, also with those that an earlier, killed run had finished. SIGTERM ends
    the process after the step at hand, with its state stored.
    """
    options = settings.train
    run = _Run(net, settings, train, accelerator, state)
    fed, held_out = Feed(train, accelerator.device, keep=True), Feed(valid, accelerator.device, keep=True)
    progress = run.resume()
    for row in progress.history:
        log(row)
    with Termination() as termination, run.recorded():
        while progress.epoch < options.epochs and not _out_of_patience(progress, options.patience):
            row = run.epoch(progress, fed, termination) | run.validate(held_out)
            _record(progress, row, options.monitor, run.validated)
            log(row)
            run.save(progress)
            if termination.asked:
                sys.exit(TERMINATED)
    run.raw.load_state_dict(progress.best_weights)
    return progress


class _Run:
    """What stays the same from step to step, and the parts whose state is stored."""

    def __init__(
        self, net: nn.Module, settings: NetworkArchitecture, train: Examples, accelerator: Accelerator, state: State
    ) -> None:
        self.options, self.seed = settings.train, settings.model.seed
        if min(self.options.batch_size, len(train)) < accelerator.num_processes:
            raise UserError(f"train.batch_size: {accelerator.num_processes} processes cannot share {len(train)} records in "
                            f"batches of {self.options.batch_size}; raise it, or start fewer processes")  # fmt: skip
        self.flip_average, self.image = settings.model.prediction.flip_average, settings.model.image
        self.accelerator, self.state = accelerator, state
        self.raw = net.to(accelerator.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = Average(self.raw, self.options.ema) if self.options.ema else None
        groups = weight_groups(net, settings.model, self.options.weight_decay)
        optimizer = call_named(OPTIMIZERS, self.options.optimizer, groups, self.options.lr)
        prepared, self.optimizer = accelerator.prepare(self.raw, optimizer)
        self.net: Any = torch.compile(prepared) if self.options.compile else prepared
        targets: NDArray[np.float32] = train.targets  # type: ignore[assignment]
        frequencies = torch.from_numpy(targets.mean(axis=0)).to(accelerator.device)
        self.loss: Loss = call_named(LOSSES, self.options.loss, frequencies)
        self.draws = call_named(SAMPLERS, self.options.sampler, targets.astype(np.uint8))
        self.schedule = call_named(SCHEDULES, self.options.schedule)
        changed = self.options.augment != Augmentation() or (settings.model.image and settings.model.image.resize)
        self.view: View = partial(augment, settings=self.options.augment) if changed else centre_crop
        self.prepare = ImagePreparation(settings.model.image, accelerator.device)
        self.depthwise = depthwise_in_fp32(net, accelerator)
        self.tokens = train.tokens

    def recorded(self) -> AbstractContextManager[None]:
        """What training is to run in: with `cuda_graphs`, one GPU that computes whole batches replays the image encoder."""
        options, one = self.options, self.accelerator.num_processes == 1 and self.accelerator.device.type == "cuda"
        if self.image and options.cuda_graphs and one and options.accumulate == 1 and not options.compile:
            return replayed(self.raw, self.image.size, options.batch_size, self.accelerator)
        return nullcontext()

    @property
    def validated(self) -> nn.Module:
        """The network whose weights are scored and kept."""
        return self.average.module if self.average is not None else self.raw

    def epoch(self, progress: Progress, feed: Feed, termination: Termination) -> Row:
        """What is left of an epoch: mean loss, last learning rate, seconds."""
        self.net.train()
        began, saved = time.perf_counter() - progress.seconds, time.monotonic()
        random = np.random.default_rng((self.seed, progress.epoch))
        least = ENOUGH * self.accelerator.num_processes
        batches = feed.examples.shuffled(self.options.batch_size, random, self.draws, least)
        first, validated = progress.epoch * len(batches), self._validated(progress)
        name = f"epoch {progress.epoch + 1}/{self.options.epochs}"
        left = range(len(progress.losses), len(batches))
        orders = [self.order(first + i, batches[i]) for i in left]
        steps = feed.steps(orders, self.options.augment.flip)
        for i, order, pieces in zip(self._bar(name, left, len(batches)), orders, steps, strict=True):
            self._set_rate(self._rate(first + i, len(batches), validated))
            progress.losses.append(self.step(order, pieces, len(batches[i])))
            if termination.asked or time.monotonic() - saved > SAVE_EVERY:
                progress.seconds, saved = time.perf_counter() - began, time.monotonic()
                self.save(progress)
                if termination.asked:
                    sys.exit(TERMINATED)
        loss = float(torch.stack(progress.losses).mean())
        if not math.isfinite(loss):
            raise UserError(f"{name}: the loss became {loss}; lower train.lr, or let train.clip bound the gradient")
        progress.losses, progress.seconds = [], 0.0
        last_rate = self._rate(first + len(batches) - 1, len(batches), validated)
        return {"train_loss": loss, "lr": last_rate, "seconds": time.perf_counter() - began}

    def _validated(self, progress: Progress) -> list[Validated]:
        """What schedules may look at of the epochs so far."""
        monitor = self.options.monitor
        return [Validated(METRICS[monitor].better(row[monitor]), row["valid_loss"]) for row in progress.history]

    def _bar(self, name: str, left: range, number: int) -> Iterable[int]:
        hidden = not self.accelerator.is_main_process
        return tqdm(left, name, initial=left.start, total=number, unit="batch", mininterval=2, disable=hidden)

    def order(self, number: int, chosen: NDArray[np.int_]) -> Order:
        """What this process reads for the step of that number with the examples `chosen`: its share, in pieces."""
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        pieces = max(1, min(self.options.accumulate, len(chosen) // (ENOUGH * world)))
        seed = self.seed * 1_000_003 + number + rank * 1_000_000_007
        return Order(np.array_split(chosen, world * pieces)[rank::world], seed)

    def step(self, order: Order, batches: Iterable[Batch], size: int) -> Tensor:
        """One update with `size` records, of which this process has what it ordered; the loss, on the device.

        Nothing here asks the device for a number, which would wait for all its work.
        """
        _seed(order.seed, self.accelerator.device)
        self.optimizer.zero_grad(set_to_none=True)
        total, world = torch.zeros((), device=self.accelerator.device), self.accelerator.num_processes
        for number, (piece, batch) in enumerate(zip(order.pieces, batches, strict=True), start=1):
            # The mean over the whole batch: gradients are averaged over processes, and added over pieces.
            with nullcontext() if number == len(order.pieces) else self.accelerator.no_sync(self.net):
                total = total + self._backward(batch, len(piece) / size * world)
        if self.options.clip is not None:
            self.accelerator.clip_grad_norm_(self.raw.parameters(), self.options.clip)
        self.optimizer.step()
        if self.average is not None:
            self.average.update(self.raw)
        return total if world == 1 else self.accelerator.reduce(total, "mean")

    def _backward(self, batch: Batch, share: float) -> Tensor:
        images, tokens = self.prepare(batch.images, self.view), batch.tokens
        if self.options.token_dropout and isinstance(tokens, Tensor) and batch.mask is not None and self.tokens:
            unknown, special = self.tokens.unknown, self.tokens.special
            tokens = drop_tokens(tokens, batch.mask, self.options.token_dropout, unknown, special)
        with self.accelerator.autocast(), self.depthwise, _batch_norm_of_one():
            logits = self.net(images, tokens, batch.mask, batch.lengths)
        targets = smoothed(batch.targets, self.options.label_smoothing)  # type: ignore[arg-type]
        loss = self.loss(logits.float(), targets) * share
        self.accelerator.backward(loss)
        return loss.detach()

    def _rate(self, step: int, per_epoch: int, validated: list[Validated]) -> float:
        steps = per_epoch * self.options.epochs
        return self.options.lr * rate_factor(self.schedule, step, steps, self.options.warmup, validated)

    def _set_rate(self, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["factor"]

    def validate(self, feed: Feed) -> Row:
        """Loss and scores on valid, decoded at the fixed threshold so that epochs are compared alike."""
        self._share_statistics()
        logits = predict(self.validated, self.prepare, feed, self.accelerator, self.flip_average)
        valid = feed.examples
        probabilities = sigmoid(logits)
        targets = valid.targets.astype(np.uint8)  # type: ignore[union-attr]
        predicted = fixed(probabilities, targets).decode(probabilities)
        loss = float(self.loss(torch.from_numpy(logits), torch.from_numpy(valid.targets)))
        return {"valid_loss": loss} | scores(targets, predicted, probabilities)

    def _share_statistics(self) -> None:
        """Every process predicts with the running statistics of the first, whose state is stored as well."""
        if self.accelerator.num_processes > 1:
            for buffer in self.validated.buffers():
                broadcast(buffer)

    def save(self, progress: Progress) -> None:
        """Everything that the next step depends on; one process of several writes it."""
        if self.accelerator.is_main_process:
            parts = {name: part.state_dict() for name, part in self._parts().items()}
            self.state.save({"progress": vars(progress), **parts})

    def resume(self) -> Progress:
        """Take up what `save` left, if anything."""
        saved = self.state.load()
        if saved is None:
            return Progress()
        for name, part in self._parts().items():
            part.load_state_dict(saved[name])
        progress = Progress(**saved["progress"])
        progress.losses = [loss.to(self.accelerator.device) for loss in progress.losses]  # where the next ones will be
        within = f" and {len(progress.losses)} batches" if progress.losses else ""
        print(f"resuming after epoch {progress.epoch}{within} ({self.state.path.name})")
        return progress

    def _parts(self) -> dict[str, Any]:
        parts: dict[str, Any] = {"net": self.raw, "optimizer": self.optimizer}
        if self.average is not None:
            parts["average"] = self.average
        if self.accelerator.scaler is not None:
            parts["scaler"] = self.accelerator.scaler
        return parts


def _seed(seed: int, device: torch.device) -> None:
    """Of all that a step draws. `torch.manual_seed` formats a traceback for every kind of device that is not there."""
    if device.type == "cpu":
        torch.default_generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)


@contextmanager
def _batch_norm_of_one() -> Iterator[None]:
    """Say what to change where batch norm has nothing to compare."""
    try:
        yield
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise UserError(
            f"train.batch_size: batch norm learns from {ENOUGH} records at a time, and a batch or a device's part of it has "
            f"one; raise it, train on fewer devices, or choose a network without batch norm"
        ) from None


def _record(progress: Progress, row: Row, monitor: str, net: nn.Module) -> None:
    progress.epoch += 1
    progress.history.append(row)
    score = METRICS[monitor].better(row[monitor])
    if not progress.best_epoch or score > progress.best_score:
        progress.best_score, progress.best_epoch = score, progress.epoch
        progress.best_weights = {name: value.detach().cpu().clone() for name, value in net.state_dict().items()}


def _out_of_patience(progress: Progress, patience: int | None) -> bool:
    return patience is not None and progress.epoch - progress.best_epoch >= patience
