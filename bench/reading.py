"""A cache of pixels larger than memory: what shuffled batches cost where the disk has to be read."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench.rounds import spread
from multilabel.inputs.examples import Examples
from multilabel.inputs.feed import Feed, Order

BATCH_SIZE = 64
BLOCK = 8_000_000  # bytes that lie together and are read together
BLOCKS_AT_ONCE = 16  # among which a block shuffle mixes
WRITTEN = 4_096  # records at once

Sequencing = Callable[[int, int, np.random.Generator], NDArray[np.int_]]


def random_order(number: int, side: int, random: np.random.Generator) -> NDArray[np.int_]:
    """What training does: any record may follow any other."""
    return random.permutation(number)


def block_order(number: int, side: int, random: np.random.Generator) -> NDArray[np.int_]:
    """Blocks of some megabytes in random order, records mixed among several blocks."""
    each = max(1, BLOCK // (3 * side * side))
    blocks = [np.arange(first, min(first + each, number)) for first in range(0, number, each)]
    drawn = [blocks[i] for i in random.permutation(len(blocks))]
    mixed = [np.concatenate(drawn[i : i + BLOCKS_AT_ONCE]) for i in range(0, len(drawn), BLOCKS_AT_ONCE)]
    return np.concatenate([random.permutation(part) for part in mixed])


def stored_order(number: int, side: int, random: np.random.Generator) -> NDArray[np.int_]:
    """One after the other: the best that a disk can do."""
    return np.arange(number)


ORDERS: dict[str, Sequencing] = {
    "ours": random_order,
    "random": random_order,
    "blocks": block_order,
    "stored": stored_order,
}


def write_pixels(path: Path, gigabytes: float, side: int, seed: int) -> int:
    """A cache of so many gigabytes of noise, as `pixel_array` writes one; returns how many images it holds."""
    number = int(gigabytes * 1e9 / (3 * side * side))
    pixels = np.lib.format.open_memmap(path, "w+", np.uint8, (number, side, side, 3))  # type: ignore[no-untyped-call]
    random = np.random.default_rng(seed)
    for first in range(0, number, WRITTEN):
        part = pixels[first : first + WRITTEN]
        part[:] = np.frombuffer(random.bytes(part.size), np.uint8).reshape(part.shape)
    pixels.flush()
    return number


def rates(path: Path, records: int, rounds: int, seed: int) -> dict[str, Any]:
    """Images per second of the first `records` of an epoch in each order, from the disk and then from memory.

    `ours` asks for images before it reads them, as training does; the others do not.
    """
    found: dict[str, list[float]] = {f"{name}, {state}": [] for name in ORDERS for state in ("cold", "warm")}
    read: dict[str, list[float]] = {name: [] for name in ORDERS}
    for number in range(rounds):
        for name, order in ORDERS.items():
            forget(path)
            cold, warm, over = _round(path, order, name == "ours", records, (seed, number))
            found[f"{name}, cold"].append(cold)
            found[f"{name}, warm"].append(warm)
            read[name].append(over)
    return {"per_second": {name: spread(values) for name, values in found.items()},
            "read_over_needed": {name: spread(values) for name, values in read.items()}}  # fmt: skip


def _round(
    path: Path, order: Sequencing, asks: bool, records: int, seed: tuple[int, int]
) -> tuple[float, float, float]:
    """Images per second cold and warm, and how many times the bytes of the images the disk read; nothing stays mapped."""
    pixels = np.load(path, mmap_mode="r")
    examples = Examples(pixels, np.arange(len(pixels)), None, np.zeros((len(pixels), 1), np.float32))
    chosen, before = order(len(pixels), pixels.shape[1], np.random.default_rng(seed))[:records], read_bytes()
    cold = _pass(examples, chosen, asks)
    over = (read_bytes() - before) / (len(chosen) * pixels[0].nbytes)
    return cold, _pass(examples, chosen, asks), over


def _pass(examples: Examples, chosen: NDArray[np.int_], asks: bool) -> float:
    batches = [chosen[first : first + BATCH_SIZE] for first in range(0, len(chosen), BATCH_SIZE)]
    began = time.perf_counter()
    if asks:
        for step in Feed(examples, torch.device("cpu")).steps([Order([batch]) for batch in batches]):
            for _ in step:
                pass
    else:
        for batch in batches:
            examples.batch(batch)
    return len(chosen) / (time.perf_counter() - began)


def forget(path: Path) -> None:
    """Take a file out of the memory that the system keeps of it; nothing may map it meanwhile."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_bytes() -> int:
    """What this process has had read from disks."""
    lines = Path("/proc/self/io").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("read_bytes"))
