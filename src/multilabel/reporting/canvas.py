"""What every figure is drawn on: text in it is literal, and it looks the same wherever it is drawn."""

import textwrap
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from multilabel.core.files import replacing
from multilabel.reporting.markdown import one_line

INK, ACCENT, SOFT, AGAINST = "#22333b", "#2a6f97", "#a9d6e5", "#bc4749"
# For scripts that the first font, which comes with matplotlib, lacks; those that are installed are tried in this order.
FALLBACK_FONTS = (
    "Noto Sans CJK SC", "Noto Sans SC", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback", "PingFang SC",
    "Microsoft YaHei", "Arial Unicode MS", "Noto Sans Devanagari", "Noto Sans Thai", "Noto Emoji", "Symbola",
)  # fmt: skip

matplotlib.use("Agg")
matplotlib.rcdefaults()  # nothing of a user's own matplotlibrc
installed = {font.name for font in font_manager.fontManager.ttflist}
matplotlib.rcParams.update(
    {
        "text.parse_math": False,  # a price of $5 is no formula
        "font.family": ["DejaVu Sans", *(name for name in FALLBACK_FONTS if name in installed)],
        "figure.dpi": 110, "savefig.bbox": "tight", "font.size": 9, "axes.spines.top": False,
        "axes.spines.right": False, "axes.edgecolor": INK, "axes.titlesize": 10, "axes.titleweight": "bold",
        "axes.grid.axis": "x", "grid.color": "#e5e5e5",
    }
)  # fmt: skip


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of one plot; sizes in inches."""
    figure = Figure(figsize=(width, height))
    return figure, figure.subplots()


def new_grid(rows: int, columns: int, width: float, height: float) -> tuple[Figure, Any]:
    """A figure of (rows, columns) empty places for images."""
    figure = Figure(figsize=(width, height), layout="tight")
    places = figure.subplots(rows, columns, squeeze=False)
    for place in places.flat:
        place.axis("off")
    return figure, places


def new_headed_grid(heads: Sequence[float], columns: int, side: float) -> tuple[Figure, list[Axes]]:
    """The same of square places, row by row, with free room above each row for its titles: of `heads`, a height per row."""
    gap = 0.08 * side
    figure = Figure(figsize=(columns * side + (columns - 1) * gap, sum(heads) + len(heads) * side))
    ratios = [height for head in heads for height in (head, side)]
    edges = {"left": 0, "right": 1, "bottom": 0, "top": 1, "hspace": 0, "wspace": gap / side}
    grid = figure.add_gridspec(2 * len(heads), columns, height_ratios=ratios, **edges)
    places = [figure.add_subplot(grid[2 * row + 1, column]) for row in range(len(heads)) for column in range(columns)]
    for place in places:
        place.axis("off")
    return figure, places


def save(figure: Figure, path: Path) -> None:
    """As PNG; a character that no font has becomes a box, and nothing is said of it."""
    with replacing(path) as partial, warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ |Matplotlib currently does not support")
        figure.savefig(partial, format="png", metadata={"Software": None})


def shown(text: str, most: int = 40) -> str:
    """A name or a text as one line of at most `most` characters."""
    line = one_line(text)
    line = line if len(line) <= most else f"{line[: most - 3]}..."
    return f" {line}" if line.startswith("_") else line  # matplotlib leaves such names out of a legend


def wrap(text: str, width: int = 26, lines: int = 3) -> str:
    """Broken into at most `lines` lines."""
    return "\n".join(textwrap.wrap(one_line(text), width, max_lines=lines, placeholder=" ..."))
