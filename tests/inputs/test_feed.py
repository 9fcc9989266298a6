"""Batches that a thread reads ahead for a GPU are those that a CPU reads as it goes; the GPU is pretended."""

import threading
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from multilabel.inputs import feed as feeding
from multilabel.inputs.examples import Batch, Examples, StoredFeatures
from multilabel.inputs.feed import AHEAD, Feed, Order, ahead
from multilabel.inputs.tokenization import Tokens

RANDOM = np.random.default_rng(0)
WORDS = Tokens(RANDOM.integers(1, 9, (20, 6), dtype=np.int32), np.arange(20, dtype=np.int32) % 6 + 1, 1, [0])
VIEWS = tuple({"pooled": RANDOM.random((30, 4), np.float32)} for _ in range(2))
ROWS = RANDOM.permutation(30)[:20]
TARGETS = RANDOM.random((20, 3), np.float32)
PIXELS = Examples(RANDOM.integers(0, 256, (30, 8, 8, 3), np.uint8), ROWS, WORDS, TARGETS)
FEATURES = Examples(None, ROWS, None, TARGETS, image_features=StoredFeatures(ROWS, VIEWS))
ORDERS = [Order([RANDOM.permutation(20)[:5], RANDOM.permutation(20)[:4]], seed) for seed in range(7)]


class Stream:
    """Notes who waits for what."""

    def __init__(self, device: Any = None) -> None:
        self.waited: list[str] = []

    def record_event(self) -> str:
        return "arrived"

    def wait_event(self, event: str) -> None:
        self.waited.append(event)

    def wait_stream(self, other: "Stream") -> None:
        self.waited.append("stream")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A device that says it is a GPU and keeps its tensors on the host; `stream` is the one that computes."""
    device = SimpleNamespace(type="cuda", stream=Stream(), free=10**6)
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: device.stream)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (device.free, 10**9))
    monkeypatch.setattr(feeding, "sent", lambda part, device: part.clone())
    monkeypatch.setattr(feeding, "_used_on", lambda part, stream: part)
    real = torch.empty, Tensor.to
    monkeypatch.setattr(torch, "empty", lambda shape, dtype, device: real[0](shape, dtype=dtype))
    monkeypatch.setattr(Tensor, "to", lambda part, to, **_: part if to is device else real[1](part, to))
    return device


def assert_same(one: Batch, other: Batch) -> None:
    assert one.lengths == other.lengths
    for a, b in zip(
        (one.images, one.tokens, one.mask, one.targets),
        (other.images, other.tokens, other.mask, other.targets),
        strict=True,
    ):
        if isinstance(a, tuple):
            a, b = a.pooled, b.pooled  # type: ignore[union-attr]
        assert (a is None and b is None) or torch.equal(a, b)  # type: ignore[arg-type]
        assert a is None or a.stride() == b.stride()  # type: ignore[union-attr]  # images keep their channels last


def read_on_cpu(examples: Examples, flip: float = 0.0) -> list[Batch]:
    found = []
    for order, batches in zip(ORDERS, Feed(examples, torch.device("cpu")).steps(ORDERS, flip), strict=True):
        torch.manual_seed(order.seed)
        found += list(batches)
    return found


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("flip", [0.0, 0.5])
@pytest.mark.parametrize("examples", [PIXELS, FEATURES], ids=["pixels", "features"])
def test_what_a_thread_reads_is_what_a_cpu_reads(gpu: Any, examples: Examples, flip: float, keep: bool) -> None:
    feed = Feed(examples, gpu, keep=keep)
    assert (feed.pixels is not None) == (keep and examples.pixels is not None)
    assert feed.has_pixels == (examples.pixels is not None)
    found = [batch for batches in feed.steps(ORDERS, flip) for batch in batches]
    for one, other in zip(found, read_on_cpu(examples, flip), strict=True):
        assert_same(one, other)
    assert gpu.stream.waited == ["arrived"] * len(ORDERS)


@pytest.mark.parametrize("upload", [1, 500, 10**6])
def test_pixels_stay_on_a_gpu_that_has_room_for_them(gpu: Any, upload: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "UPLOAD", upload)
    kept = Feed(PIXELS, gpu, keep=True).pixels
    assert kept is not None
    np.testing.assert_array_equal(kept.numpy(), PIXELS.pixels[ROWS])  # type: ignore[index]
    size = 20 * 8 * 8 * 3
    for free, fits in ((size * 4, True), (size * 4 - 1, False)):
        gpu.free = free
        assert (Feed(PIXELS, gpu, keep=True).pixels is not None) == fits
    assert Feed(PIXELS, torch.device("cpu"), keep=True).pixels is None


def test_what_is_read_ahead_comes_in_order_and_not_too_early() -> None:
    read: list[int] = []
    main = threading.get_ident()

    def reading(item: int) -> tuple[int, int]:
        read.append(item)
        return item, threading.get_ident()

    for asked, (item, thread) in enumerate(ahead(reading, range(10), lambda found: found)):
        assert item == asked
        assert thread != main
        assert len(read) <= asked + AHEAD + 1
    assert read == list(range(10))


def test_an_error_in_the_thread_is_raised_where_batches_are_asked_for() -> None:
    def reading(item: int) -> int:
        if item == 3:
            raise ValueError("no image")
        return item

    items = ahead(reading, range(10), lambda item: item)
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="no image"):
        next(items)


def test_reading_ends_with_the_loop_that_asked() -> None:
    before = threading.active_count()
    items = ahead(lambda item: item, range(10), lambda item: item)
    assert next(items) == 0
    items.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_what_a_step_reads_is_asked_for_some_steps_before(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[int]] = []
    monkeypatch.setattr(Examples, "ask_for", lambda _, chosen: asked.append(chosen.tolist()))
    for number, (order, pieces) in enumerate(zip(ORDERS, Feed(PIXELS, torch.device("cpu")).steps(ORDERS), strict=True)):
        assert len(asked) == 2 * min(number + AHEAD + 1, len(ORDERS))
        assert asked[2 * number : 2 * number + 2] == [piece.tolist() for piece in order.pieces]
        for piece, batch in zip(order.pieces, pieces, strict=True):
            assert torch.equal(batch.targets, torch.from_numpy(TARGETS[piece]))
