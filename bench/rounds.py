"""Contenders measured in turn, so that whatever else the machine does strikes all of them alike."""

import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

import torch


def synchronise(device: torch.device) -> None:
    """Wait until the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def rate(work: Callable[[], int], device: torch.device) -> float:
    """Records per second of `work`, which returns how many it took."""
    synchronise(device)
    began = time.perf_counter()
    number = work()
    synchronise(device)
    return number / (time.perf_counter() - began)


def interleaved(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """The rates of each contender in each round, after a round that does not count."""
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, measure in contenders.items():
            found = measure()
            if number:
                rates[name].append(found)
    return rates


def summary(rates: Mapping[str, Sequence[float]], ours: str = "ours") -> dict[str, Any]:
    """Median and range of each contender's rates, and of the ratios that ours has to them within a round."""
    found: dict[str, Any] = {"per_second": {name: spread(values) for name, values in rates.items()}}
    found["ours_to"] = {
        name: spread([own / other for own, other in zip(rates[ours], values, strict=True)])
        for name, values in rates.items()
        if name != ours
    }
    return found


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Median, least, greatest, and how many there are."""
    return {"median": _short(median(values)), "least": _short(min(values)), "greatest": _short(max(values)),
            "rounds": len(values)}  # fmt: skip


def in_words(found: Mapping[str, Any]) -> str:
    """A summary as one line."""
    rates = ", ".join(f"{name} {part['median']:.4g}/s" for name, part in found["per_second"].items())
    ratios = ", ".join(
        f"{part['median']:.3f} ({part['least']:.3f} to {part['greatest']:.3f}) of {name}"
        for name, part in found["ours_to"].items()
    )
    return f"{rates}; ours is {ratios}"


def _short(value: float) -> float:
    return float(f"{value:.5g}")
