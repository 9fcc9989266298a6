"""Figures of what was measured; matplotlib alone, for the machine of a GPU may have nothing else."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

matplotlib.use("agg")

UNITS = {"gb": "GB", "w": "W", "c": "°C"}  # of what telemetry reads, by the end of its name


def over_time(samples: Sequence[Mapping[str, float]], marks: Sequence[Mapping[str, Any]], path: Path) -> None:
    """What a GPU did: a curve for each quantity, with a line where a part of the measurement begins."""
    names = [name for name in samples[0] if name != "seconds"]
    figure = Figure(figsize=(9, 1 + 1.8 * len(names)), layout="tight")
    axes = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    for axis, name in zip(axes, names, strict=True):
        axis.plot([sample["seconds"] for sample in samples], [sample.get(name) for sample in samples], linewidth=0.8)
        quantity, _, unit = name.rpartition("_")
        axis.set_ylabel(f"{quantity} ({UNITS[unit]})" if unit in UNITS else f"{name} (%)")
        axis.set_ylim(bottom=0)
        for mark in marks:
            axis.axvline(mark["seconds"], color="grey", linewidth=0.6)
    for mark in marks:
        place = (mark["seconds"], 1.04)
        axes[0].annotate(mark["part"], place, xycoords=("data", "axes fraction"), fontsize=8, rotation=25)
    axes[-1].set_xlabel("seconds")
    figure.savefig(path, dpi=100)


def ratios(races: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """How fast our loop is as a multiple of each other one: the median of the rounds and their range."""
    others = list(dict.fromkeys(other for race in races.values() for other in race["ours_to"]))
    figure = Figure(figsize=(7, 1 + 0.3 * len(races) * len(others)), layout="tight")
    axis = figure.subplots()
    height = 1 / (len(others) + 1)
    for place, other in enumerate(others):
        found = [(row + place * height, race["ours_to"].get(other)) for row, race in enumerate(races.values())]
        rows, values = zip(*((row, value) for row, value in found if value), strict=True)
        below = [value["median"] - value["least"] for value in values]
        above = [value["greatest"] - value["median"] for value in values]
        middles = [value["median"] for value in values]
        axis.barh(rows, middles, 0.9 * height, xerr=[below, above], label=f"to {other}", color=f"C{place}")
    axis.axvline(1, color="black", linewidth=0.8)
    axis.set_yticks([row + (len(others) - 1) * height / 2 for row in range(len(races))], list(races))
    axis.invert_yaxis()
    axis.set_xlabel("records per second of our loop, as a multiple")
    axis.legend(fontsize=8, frameon=False, ncols=len(others), loc="lower center", bbox_to_anchor=(0.5, 1))
    figure.savefig(path, dpi=100)
