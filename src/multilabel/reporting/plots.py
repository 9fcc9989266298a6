"""Every picture in the report; the only importer of matplotlib."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from multilabel.core.files import replacing
from multilabel.data.images import open_rgb

INK, ACCENT, SOFT = "#22333b", "#2a6f97", "#a9d6e5"
MODALITY_COLOURS = {"text": "#bc6c25", "image": "#2a6f97", "image+text": "#386641"}
plt.rcParams.update(
    {
        "figure.dpi": 110, "savefig.bbox": "tight", "font.size": 9, "axes.spines.top": False,
        "axes.spines.right": False, "axes.edgecolor": INK, "axes.titlesize": 10, "axes.titleweight": "bold",
        "axes.grid.axis": "x", "grid.color": "#e5e5e5", "svg.hashsalt": "multilabel",
    }
)  # fmt: skip


def label_counts(counts: Mapping[str, int], path: Path) -> None:
    """Records per label, most common first."""
    names = sorted(counts, key=lambda name: counts[name])
    figure, axes = _figure(5.5, 0.6 + 0.22 * len(names))
    bars = axes.barh(names, [counts[name] for name in names], color=ACCENT)
    axes.bar_label(bars, padding=3, fontsize=8)
    axes.set(title="Records per label", xlabel="labelled records")
    _save(figure, path)


def bars(counts: Mapping[str, int], title: str, xlabel: str, path: Path) -> None:
    """One bar per value, its count on top."""
    figure, axes = _figure(5.5, 2.8)
    drawn = axes.bar(list(counts), list(counts.values()), color=ACCENT)
    axes.bar_label(drawn, fontsize=8)
    axes.set(title=title, xlabel=xlabel, ylabel="records")
    _save(figure, path)


def lengths(words: Sequence[int], path: Path) -> None:
    """Words per text; the longest hundredth is gathered in the last bar."""
    most = int(np.quantile(words, 0.99))
    figure, axes = _figure(5.5, 2.8)
    edges = np.arange(min(words), most + 2) - 0.5 if most - min(words) < 60 else np.linspace(min(words), most, 50)
    axes.hist(np.minimum(words, most), bins=edges.tolist(), color=ACCENT)
    axes.set(title="Length of the texts", xlabel="words", ylabel="records")
    _save(figure, path)


def cooccurrence(table: pd.DataFrame, path: Path) -> None:
    """The co-occurrence table as a heat map on a logarithmic scale, its ratios on the right."""
    names = table["label"].tolist()
    pairs = table[names].to_numpy()
    figure, axes = _figure(1.8 + 0.38 * len(names), 1.4 + 0.34 * len(names))
    axes.imshow(np.log1p(pairs), cmap="Blues", aspect="auto")
    for (row, column), value in np.ndenumerate(pairs):
        if value:
            dark = np.log1p(value) > 0.6 * np.log1p(pairs.max())
            axes.text(column, row, value, ha="center", va="center", fontsize=6, color="white" if dark else INK)
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right")
    axes.set_yticks(range(len(names)), names)
    for row, ratio in enumerate(table["ratio"]):
        axes.text(len(names) - 0.3, row, f"{ratio:.2f}", va="center", fontsize=7)
    axes.text(len(names) - 0.3, -0.9, "ratio", fontsize=7)
    axes.set_title("Records with both labels (ratio: other labels per record)")
    axes.spines[:].set_visible(False)
    _save(figure, path)


def pictures(contents: Sequence[bytes], titles: Sequence[str], columns: int, path: Path) -> None:
    """A contact sheet with a title above each picture."""
    rows = -(-len(contents) // columns)
    lines = max((title.count("\n") + 1 for title in titles), default=1)
    figure, axes = plt.subplots(rows, columns, figsize=(1.7 * columns, (1.6 + 0.14 * lines) * rows), squeeze=False)
    for place in axes.flat:
        place.axis("off")
    for place, content, title in zip(axes.flat, contents, titles, strict=False):
        place.imshow(open_rgb(content).resize((200, 200)))
        place.set_title(title, fontsize=7, fontweight="normal")
    figure.tight_layout()
    _save(figure, path)


def gallery(images: Sequence[NDArray[np.floating]], titles: Sequence[str], path: Path) -> None:
    """Pictures (H, W, 3) in 0..1 in one row."""
    figure, axes = plt.subplots(1, len(images), figsize=(1.4 * len(images), 1.6), squeeze=False)
    for place, image, title in zip(axes.flat, images, titles, strict=True):
        place.imshow(image)
        place.set_title(title, fontsize=7, fontweight="normal")
        place.axis("off")
    _save(figure, path)


def overlays(
    images: NDArray[np.floating], heat: NDArray[np.floating], titles: Sequence[Sequence[str]], path: Path
) -> None:
    """Pictures (N, H, W, 3), and beside each the heat of K labels (N, K, H, W) in 0..1 laid over it."""
    number, labels = heat.shape[:2]
    figure, axes = plt.subplots(number, labels + 1, figsize=(1.8 * (labels + 1), 1.95 * number), squeeze=False)
    for row in range(number):
        axes[row, 0].imshow(images[row])
        for place in range(labels):
            axes[row, place + 1].imshow(images[row])
            axes[row, place + 1].imshow(heat[row, place], cmap="inferno", alpha=0.55, vmin=0, vmax=1)
            axes[row, place + 1].set_title(titles[row][place], fontsize=8, fontweight="normal")
    for place in axes.flat:
        place.axis("off")
    figure.tight_layout()
    _save(figure, path)


def maps(image: NDArray[np.floating], depths: Sequence[NDArray[np.floating]], path: Path) -> None:
    """A picture, and a row of feature maps (C, h, w) for each depth, input first."""
    columns = max(len(found) for found in depths)
    figure, axes = plt.subplots(len(depths), columns + 1, figsize=(0.95 * (columns + 1), len(depths)), squeeze=False)
    for row, found in enumerate(depths):
        for place, channel in enumerate(found):
            axes[row, place + 1].imshow(channel, cmap="viridis")
        side = f"{found.shape[2]} x {found.shape[1]}"
        axes[row, 0].text(0.5, 0.5, f"depth {row + 1}\n{side}", ha="center", va="center", fontsize=7)
    axes[0, 0].clear()
    axes[0, 0].imshow(image)
    axes[0, 0].set_title(f"{depths[0].shape[2]} x {depths[0].shape[1]}", fontsize=7, fontweight="normal")
    for place in axes.flat:
        place.axis("off")
    _save(figure, path)


def word_weights(
    words: Sequence[Sequence[str]], weights: NDArray[np.floating], titles: Sequence[Sequence[str]], path: Path
) -> None:
    """Texts with each word on a ground of its weight (N, K, T) for each of K labels: blue speaks for it, red against."""
    lines = [(title, row, place) for row, own in enumerate(titles) for place, title in enumerate(own)]
    figure, axes = _figure(9, 0.34 * len(lines) + 0.2)
    axes.set(xlim=(0, 100), ylim=(len(lines), 0))
    axes.axis("off")
    for height, (title, row, place) in enumerate(lines):
        own = weights[row, place]
        largest = max(float(np.abs(own).max()), 1e-12)
        axes.text(0, height + 0.5, title, fontsize=8, fontweight="bold", va="center")
        start = 16.0
        for word, weight in zip(words[row], own, strict=False):
            width = 1.05 * len(word) + 1.2
            if start + width > 100:
                break
            share = float(weight) / largest
            ground = (ACCENT if share > 0 else "#bc4749", abs(share) * 0.7)
            axes.text(
                start,
                height + 0.5,
                word,
                fontsize=8,
                va="center",
                bbox={"facecolor": ground, "edgecolor": "none", "pad": 1.5},
            )
            start += width
    _save(figure, path)


def beside(
    rows: Sequence[str], theirs: Sequence[float], ours: Sequence[Mapping[str, float | None]], title: str, path: Path
) -> None:
    """Published figures (hollow) and ours (filled, with intervals), a line per row; `ours` has value, low, high, of each."""
    figure, axes = _figure(6.5, 0.9 + 0.3 * len(rows))
    places = np.arange(len(rows))[::-1]
    axes.scatter(theirs, places, facecolors="none", edgecolors=INK, label="published", zorder=3)
    for place, own in zip(places, ours, strict=True):
        value, low, high = own["value"], own["low"], own["high"]
        if value is not None:
            axes.scatter([value], [place], color=ACCENT, zorder=3, label="ours" if place == places[0] else None)
            if low is not None and high is not None:
                axes.plot([low, high], [place, place], color=ACCENT)
    axes.set_yticks(places, list(rows))
    axes.grid(True, axis="x")
    axes.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    axes.set(title=title)
    _save(figure, path)


def leaderboard(table: pd.DataFrame, path: Path) -> None:
    """Samples-F1 of every architecture with its interval, best on top, coloured by what it reads."""
    table = table.sort_values("f1_samples")
    figure, axes = _figure(6.5, 0.9 + 0.3 * len(table))
    colours = [MODALITY_COLOURS[modality] for modality in table["modality"]]
    low, high = table["f1_samples"] - table["f1_samples_ci_low"], table["f1_samples_ci_high"] - table["f1_samples"]
    axes.errorbar(table["f1_samples"], range(len(table)), xerr=[low, high], fmt="none", ecolor=colours)  # type: ignore[arg-type]
    axes.scatter(table["f1_samples"], range(len(table)), c=colours, zorder=3)
    axes.set_yticks(range(len(table)), table["architecture"])
    for name, colour in MODALITY_COLOURS.items():
        axes.scatter([], [], c=colour, label=name)
    axes.legend(loc="lower right", fontsize=8, frameon=False)
    axes.grid(True, axis="x")
    axes.set(title="Samples-F1 on test, 95 % interval", xlabel="f1_samples")
    _save(figure, path)


def curves(by_run: Mapping[str, pd.DataFrame], name: str, path: Path) -> None:
    """One line per run: columns `step` and `value`."""
    figure, axes = _figure(6.5, 3.4)
    for place, (run, curve) in enumerate(by_run.items()):
        axes.plot(curve["step"] + 1, curve["value"], marker="o", markersize=3, label=run, color=f"C{place % 10}")
    axes.set(title=name, xlabel="epoch")
    axes.grid(True, axis="y")
    axes.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    _save(figure, path)


def per_label(table: pd.DataFrame, path: Path) -> None:
    """F1 and average precision of each label, best first."""
    table = table.sort_values("f1")
    places = np.arange(len(table))
    figure, axes = _figure(5.5, 0.9 + 0.26 * len(table))
    axes.barh(places + 0.2, table["f1"], height=0.4, color=ACCENT, label="F1")
    axes.barh(places - 0.2, table["ap"].astype(float), height=0.4, color=SOFT, label="average precision")
    axes.set_yticks(places, [f"{n} ({s})" for n, s in zip(table["name"], table["support"], strict=True)])
    axes.set(title="Test scores per label (records that have it)", xlim=(0, 1))
    axes.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    _save(figure, path)


def wrap(text: str, width: int = 26, lines: int = 3) -> str:
    """Broken into at most `lines` lines."""
    return "\n".join(textwrap.wrap(text, width, max_lines=lines, placeholder=" ..."))


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    return plt.subplots(figsize=(width, height))


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as partial:
        figure.savefig(partial, format="png", metadata={"Software": None})
    plt.close(figure)
