"""Batches on the device that computes: read when they are asked for on a CPU, and ready beforehand where a GPU computes.

A GPU gets what a thread has read while it was busy: through pinned memory and on a stream of its own, so that neither waits
for the other. Pixels that fit into its memory are brought there once.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from multilabel.inputs.examples import Batch, Examples
from multilabel.inputs.transfer import sent

AHEAD = 2  # steps that are read before they are asked for
SHARE = 0.25  # of the memory that is free on a GPU, how much pixels may take
UPLOAD = 2**28  # bytes that are brought there at once

T = TypeVar("T")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Order:
    """What a step reads: the examples of each of its pieces, and the seed of their draws."""

    pieces: Sequence[NDArray[np.int_]]
    seed: int = 0


class Feed:
    """Some examples, for a device."""

    def __init__(self, examples: Examples, device: torch.device, keep: bool = False) -> None:
        """`keep` brings the pixels to a GPU, if they fit, for examples that are read more than once."""
        self.examples, self.device = examples, device
        self.pixels: Tensor | None = None
        self.stream: torch.cuda.Stream | None = None
        if device.type == "cuda":
            self.stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        if keep and self.stream is not None and examples.pixels is not None and _fits(examples, device):
            self.pixels = _brought(examples, device)
            self.examples = replace(examples, pixels=None)
            self.stream.wait_stream(torch.cuda.current_stream(device))

    @property
    def has_pixels(self) -> bool:
        """Whether images are read, rather than what an encoder says of them."""
        return self.pixels is not None or self.examples.pixels is not None

    def steps(self, orders: Iterable[Order], flip: float = 0.0) -> Iterator[Iterable[Batch]]:
        """The batches of each order; stored features are those of mirror images with probability `flip`.

        On a CPU batches are read as a step goes on and draw from torch's global generator, which the step has seeded.
        """
        if self.stream is not None:
            yield from ahead(lambda order: self._deliver(order, flip), self._asked_for(orders), self._received)
        else:
            for order in self._asked_for(orders):
                yield (self.examples.batch(piece, flip).to(self.device) for piece in order.pieces)

    def _asked_for(self, orders: Iterable[Order]) -> Iterator[Order]:
        """The same; what the next ones read is on its way from the disk."""
        waiting: deque[Order] = deque()
        for order in orders:
            for piece in order.pieces:
                self.examples.ask_for(piece)
            waiting.append(order)
            if len(waiting) > AHEAD:
                yield waiting.popleft()
        yield from waiting

    def _deliver(self, order: Order, flip: float) -> tuple[list[Batch], torch.cuda.Event]:
        """In the thread: everything of a step on its way to the GPU, and what tells that it has arrived."""
        assert self.stream is not None
        random = torch.Generator().manual_seed(order.seed)
        read = [self.examples.batch(piece, flip, random) for piece in order.pieces]
        with torch.cuda.stream(self.stream):
            batches = [batch.each(lambda part: sent(part, self.device)) for batch in read]
            if self.pixels is not None:
                rows = [sent(torch.from_numpy(piece), self.device) for piece in order.pieces]
                images = [self.pixels.index_select(0, row).permute(0, 3, 1, 2) for row in rows]
                batches = [replace(batch, images=part) for batch, part in zip(batches, images, strict=True)]
            return batches, self.stream.record_event()

    def _received(self, delivered: tuple[list[Batch], torch.cuda.Event]) -> list[Batch]:
        """Before the step: what it will do waits for the arrival, on the GPU and not here."""
        batches, arrived = delivered
        stream = torch.cuda.current_stream(self.device)
        stream.wait_event(arrived)
        for batch in batches:
            batch.each(lambda part: _used_on(part, stream))
        return batches


def ahead(read: Callable[[T], Result], wanted: Iterable[T], receive: Callable[[Result], Any]) -> Iterator[Any]:
    """`receive(read(item))` of each, in order; a thread reads `AHEAD` items before they are asked for."""
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="feed") as thread:
        for item in wanted:
            waiting.append(thread.submit(read, item))
            if len(waiting) > AHEAD:
                yield receive(waiting.popleft().result())
        while waiting:
            yield receive(waiting.popleft().result())


def _used_on(part: Tensor, stream: torch.cuda.Stream) -> Tensor:
    """Its memory is free again only when `stream` has come so far."""
    part.record_stream(stream)  # type: ignore[no-untyped-call]
    return part


def _fits(examples: Examples, device: torch.device) -> bool:
    assert examples.pixels is not None
    free, _ = torch.cuda.mem_get_info(device)
    return len(examples) * examples.pixels[0].nbytes <= SHARE * free


def _brought(examples: Examples, device: torch.device) -> Tensor:
    """The pixels of the examples, in their order."""
    assert examples.pixels is not None
    shape = examples.pixels.shape[1:]
    found = torch.empty((len(examples), *shape), dtype=torch.uint8, device=device)
    number = max(1, UPLOAD // examples.pixels[0].nbytes)
    for start in range(0, len(examples), number):
        found[start : start + number] = torch.from_numpy(examples.pixels[examples.rows[start : start + number]]).to(
            device
        )
    return found
