"""Figures of numbers: what data look like, and what models score."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from multilabel.reporting.canvas import ACCENT, INK, SOFT, new_figure, save, shown

MODALITY_COLOURS = {"nothing": "#8d99ae", "text": "#bc6c25", "image": "#2a6f97", "image+text": "#386641"}
MOST_BARS, MOST_PAIRED = 40, 30  # labels that one figure can show
MOST_LENGTHS = 60  # bars of a histogram


def label_counts(counts: Sequence[tuple[str, int]], path: Path) -> None:
    """Records per label (name, count), most common on top."""
    kept = sorted(counts, key=lambda count: -count[1])[:MOST_BARS][::-1]
    figure, axes = new_figure(5.5, 0.6 + 0.22 * len(kept))
    drawn = axes.barh(range(len(kept)), [count for _, count in kept], color=ACCENT)
    axes.bar_label(drawn, fmt="{:,.0f}", padding=3, fontsize=8)
    axes.set_yticks(range(len(kept)), [shown(name) for name, _ in kept])
    axes.set(title=f"Records per label{_of(len(kept), len(counts))}", xlabel="labelled records")
    save(figure, path)


def labels_per_record(counts: Mapping[int, int], path: Path) -> None:
    """How many records have so many labels."""
    figure, axes = new_figure(5.5, 2.8)
    drawn = axes.bar(list(counts), list(counts.values()), color=ACCENT)
    if len(counts) <= MOST_BARS:
        axes.bar_label(drawn, fmt="{:,.0f}", fontsize=8)
        axes.set_xticks(list(counts))
    axes.set(title="Labels per record", xlabel="labels", ylabel="records")
    save(figure, path)


def text_lengths(counts: Mapping[int, int], path: Path) -> None:
    """How many texts have so many words; the longest hundredth is gathered in the last bar."""
    words, records = np.array(list(counts)), np.array(list(counts.values()))
    order = np.argsort(words)
    reached = np.cumsum(records[order]) / records.sum()
    least, most = int(words.min()), int(words[order][np.searchsorted(reached, 0.99)])
    width = 1 + (most - least) // MOST_LENGTHS  # whole, so that each bar stands for as many lengths
    edges = np.arange(least, most + width + 1, width) - 0.5
    figure, axes = new_figure(5.5, 2.8)
    axes.hist(np.minimum(words, most), bins=edges.tolist(), weights=records, color=ACCENT)
    axes.set(title="Length of the texts", xlabel="words", ylabel="records")
    save(figure, path)


def cooccurrence(pairs: NDArray[np.integer], names: Sequence[str], ratios: Sequence[float], path: Path) -> None:
    """Records (L, L) with both labels as a heat map on a logarithmic scale, other labels per record on the right."""
    kept = np.sort(np.argsort(-pairs.sum(axis=1), kind="stable")[:MOST_PAIRED])
    pairs, ticks = pairs[np.ix_(kept, kept)], [shown(names[label]) for label in kept]
    figure, axes = new_figure(1.8 + 0.38 * len(kept), 1.4 + 0.34 * len(kept))
    axes.imshow(np.log1p(pairs), cmap="Blues", aspect="auto")
    for (row, column), value in np.ndenumerate(pairs):
        if value:
            dark = np.log1p(value) > 0.6 * np.log1p(pairs.max())
            axes.text(column, row, f"{value}", ha="center", va="center", fontsize=6, color="white" if dark else INK)
    axes.set_xticks(range(len(kept)), ticks, rotation=60, ha="right")
    axes.set_yticks(range(len(kept)), ticks)
    for row, label in enumerate(kept):
        axes.text(len(kept) - 0.3, row, f"{ratios[label]:.2f}", va="center", fontsize=7)
    axes.text(len(kept) - 0.3, -0.9, "ratio", fontsize=7)
    which = _of(len(kept), len(names), "that most often stand with others, ")
    axes.set_title(f"Records with both labels{which}\n(ratio: other labels per record)")
    axes.spines[:].set_visible(False)
    save(figure, path)


def beside(
    rows: Sequence[str], theirs: Sequence[float], ours: Sequence[Mapping[str, float | None]], title: str, path: Path
) -> None:
    """Published values (hollow) and ours (filled, with intervals), a line per row; `ours` has value, low, high, of each."""
    figure, axes = new_figure(6.5, 0.9 + 0.3 * len(rows))
    places = np.arange(len(rows))[::-1]
    axes.scatter(theirs, places, facecolors="none", edgecolors=INK, label="published", zorder=3)
    for place, own in zip(places, ours, strict=True):
        value, low, high = own["value"], own["low"], own["high"]
        if value is not None:
            axes.scatter([value], [place], color=ACCENT, zorder=3, label="ours" if place == places[0] else None)
            if low is not None and high is not None:
                axes.plot([low, high], [place, place], color=ACCENT)
    axes.set_yticks(places, [shown(row, 80) for row in rows])
    axes.grid(True, axis="x")
    axes.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    axes.set(title=shown(title, 90))
    save(figure, path)


def leaderboard(table: pd.DataFrame, path: Path) -> None:
    """Samples-F1 on test of every architecture with its interval, best on top, coloured by what it reads."""
    table = table.iloc[::-1]
    places = np.arange(len(table))
    figure, axes = new_figure(6.5, 0.9 + 0.3 * len(table))
    colours = [MODALITY_COLOURS[modality] for modality in table["modality"]]
    score, low, high = (
        table[name].to_numpy(float) for name in ("f1_samples", "f1_samples_ci_low", "f1_samples_ci_high")
    )
    axes.hlines(places, low, high, colors=colours)
    axes.scatter(score, places, c=colours, zorder=3)
    axes.set_yticks(places, [shown(name) for name in table["architecture"]])
    for name, colour in MODALITY_COLOURS.items():
        if name in set(table["modality"]):
            axes.scatter([], [], c=colour, label=name)
    axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    axes.grid(True, axis="x")
    axes.set(title="Samples-F1 on test, 95 % interval", xlabel="test samples-F1", ylim=(-0.6, len(table) - 0.4))
    save(figure, path)


def curves(by_run: Mapping[str, pd.DataFrame], name: str, path: Path, every: Sequence[str] = ()) -> None:
    """One line per run by epoch: columns `step`, from 0, and `value`.

    `every` names the runs of all figures that stand together, by whose order each has one colour in all of them.
    """
    by_epoch = {run: curve.assign(step=curve["step"] + 1) for run, curve in by_run.items()}
    _lines(by_epoch, name, "epoch", "o", path, every)


def over_time(by_run: Mapping[str, pd.DataFrame], name: str, path: Path, every: Sequence[str] = ()) -> None:
    """One line per run by second, in the colours of `curves`."""
    _lines(by_run, name, "seconds of training", "", path, every)


def _lines(
    by_run: Mapping[str, pd.DataFrame], name: str, steps: str, marker: str, path: Path, every: Sequence[str]
) -> None:
    figure, axes = new_figure(6.5, 3.4)
    places = {run: place for place, run in enumerate(dict.fromkeys([*every, *by_run]))}
    for run, curve in by_run.items():
        place = places[run]
        style = "-" if place < 10 else "--" if place < 20 else ":"
        axes.plot(
            curve["step"],
            curve["value"],
            marker=marker,
            markersize=3,
            label=shown(run),
            color=f"C{place % 10}",
            linestyle=style,
        )
    axes.set(title=name, xlabel=steps)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(True, axis="y")
    axes.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    save(figure, path)


def per_label(table: pd.DataFrame, path: Path) -> None:
    """F1 and average precision of each label, best first; of many labels the most frequent."""
    kept = table.nlargest(MOST_BARS, "support").sort_values("f1", kind="stable")
    places = np.arange(len(kept))
    figure, axes = new_figure(5.5, 0.9 + 0.26 * len(kept))
    axes.barh(places + 0.2, kept["f1"], height=0.4, color=ACCENT, label="F1")
    axes.barh(places - 0.2, kept["ap"].astype(float), height=0.4, color=SOFT, label="average precision")
    axes.set_yticks(places, [f"{shown(n)} ({s})" for n, s in zip(kept["name"], kept["support"], strict=True)])
    axes.set(title=f"Test scores per label (records that have it){_of(len(kept), len(table))}", xlim=(0, 1))
    axes.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    save(figure, path)


def _of(kept: int, number: int, which: str = "most frequent ") -> str:
    return "" if kept == number else f", the {kept} {which}of {number:,}"
