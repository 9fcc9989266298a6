"""Figures made of images, and of words in the colours of their weights."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from multilabel.data.images import open_rgb
from multilabel.reporting.canvas import ACCENT, AGAINST, new_figure, new_grid, new_headed_grid, save, shown

SIDE = 200  # pixels of an image in a grid
WIDTH, LINE, GAP = 1.6, 0.14, 0.16  # inches of it, of a line of its title, and between a title and the row above it


def image_grid(contents: Sequence[bytes | None], titles: Sequence[str], columns: int, path: Path) -> None:
    """Encoded images with a title above each; the place of a record without an image stays empty."""
    by_row = [titles[first : first + columns] for first in range(0, len(titles), columns)]
    heads = [GAP + LINE * max(title.count("\n") + 1 for title in row) for row in by_row]
    figure, places = new_headed_grid(heads, columns, WIDTH)
    for place, content, title in zip(places, contents, titles, strict=False):
        empty = np.full((SIDE, SIDE, 3), 255, np.uint8)
        place.imshow(empty if content is None else open_rgb(content, SIDE).resize((SIDE, SIDE)))
        place.set_title(title, fontsize=7, fontweight="normal")
    save(figure, path)


def gallery(images: Sequence[NDArray[np.floating]], titles: Sequence[str], path: Path) -> None:
    """Images (H, W, 3) in 0..1 in one row."""
    figure, places = new_grid(1, len(images), 1.4 * len(images), 1.6)
    for place, image, title in zip(places.flat, images, titles, strict=True):
        place.imshow(image)
        place.set_title(shown(title), fontsize=7, fontweight="normal")
    save(figure, path)


def overlays(
    images: NDArray[np.floating], heat: NDArray[np.floating], titles: Sequence[Sequence[str]], path: Path
) -> None:
    """Images (N, H, W, 3), and beside each the heat of K labels (N, K, H, W) in 0..1 laid over it."""
    number, labels = heat.shape[:2]
    figure, places = new_grid(number, labels + 1, 1.8 * (labels + 1), 1.95 * number)
    for row, (image, own) in enumerate(zip(images, titles, strict=True)):
        places[row, 0].imshow(image)
        for place, title in enumerate(own):
            places[row, place + 1].imshow(image)
            places[row, place + 1].imshow(heat[row, place], cmap="inferno", alpha=0.55, vmin=0, vmax=1)
            places[row, place + 1].set_title(shown(title, 26), fontsize=8, fontweight="normal")
    save(figure, path)


def maps(image: NDArray[np.floating], depths: Sequence[NDArray[np.floating]], path: Path) -> None:
    """An image, and a row of feature maps (C, h, w) for each depth, input first."""
    columns = max(len(found) for found in depths)
    figure, places = new_grid(len(depths), columns + 1, 0.95 * (columns + 1), len(depths))
    places[0, 0].imshow(image)
    for row, found in enumerate(depths):
        side = f"{found.shape[2]} x {found.shape[1]}"
        if row:
            places[row, 0].text(0.5, 0.5, f"depth {row + 1}\n{side}", ha="center", va="center", fontsize=7)
        else:
            places[row, 0].set_title(side, fontsize=7, fontweight="normal")
        for place, channel in enumerate(found):
            places[row, place + 1].imshow(channel, cmap="viridis")
    save(figure, path)


def word_weights(
    words: Sequence[Sequence[str]], weights: Sequence[NDArray[np.floating]], titles: Sequence[Sequence[str]], path: Path
) -> None:
    """Texts with each word on a ground of its weight for each of K labels, (K, T) a text: blue speaks for it, red against."""
    lines = [(title, row, place) for row, own in enumerate(titles) for place, title in enumerate(own)]
    figure, axes = new_figure(9, 0.34 * len(lines) + 0.2)
    axes.set(xlim=(0, 100), ylim=(len(lines), 0))
    axes.axis("off")
    for height, (title, row, place) in enumerate(lines):
        own = weights[row][place]
        largest = max(float(np.abs(own).max(initial=0)), 1e-12)
        axes.text(0, height + 0.5, shown(title, 18), fontsize=8, fontweight="bold", va="center")
        start = 16.0
        for word, weight in zip((shown(word, 24) for word in words[row]), own, strict=False):
            width = 1.05 * len(word) + 1.2
            if start + width > 100:
                break
            ground = (ACCENT if weight > 0 else AGAINST, abs(float(weight)) / largest * 0.7)
            box = {"facecolor": ground, "edgecolor": "none", "pad": 1.5}
            axes.text(start, height + 0.5, word, fontsize=8, va="center", bbox=box)
            start += width
    save(figure, path)
