"""Figures are drawn whatever the labels are called, however many there are, and whatever could not be computed."""

import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import image
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from PIL import Image

from multilabel.reporting import canvas, image_plots, plots

NAMES = [
    "a $50% off$ tag", "$", r"$\frac{1}{2}", r"\alpha_{1}^{", "中文", "عربى", "😀", "a\nb\tc", "", " ", "_nolegend_", "x" * 5000,
    "a\x00b", "\u202eabc", "<b>", "|", "%s {x}", "same", "same", "1", "01", "nan",
]  # fmt: skip
NUMBER, FEW = len(NAMES), 7


def kept(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are drawn from now on, which nothing writes."""
    figures: list[Figure] = []
    for module in (plots, image_plots):
        monkeypatch.setattr(module, "save", lambda figure, path: figures.append(figure))
    return figures


def figure_of(monkeypatch: pytest.MonkeyPatch, draw: Callable[..., None], *arguments: Any) -> Figure:
    figures = kept(monkeypatch)
    draw(*arguments)
    (figure,) = figures
    return figure


def table(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(columns)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape)


def curve(*values: float | None) -> pd.DataFrame:
    return table(step=range(len(values)), value=np.array(values, float))


SCORES = table(name=NAMES, f1=noise(NUMBER), ap=[None, *noise(NUMBER - 1)], support=range(NUMBER))
DRAWN: dict[str, tuple[Callable[..., None], tuple[Any, ...]]] = {
    "label_counts": (plots.label_counts, ([(name, 7) for name in NAMES],)),
    "cooccurrence": (plots.cooccurrence, (np.ones((NUMBER, NUMBER), int), NAMES, [0.5] * NUMBER)),
    "per_label": (plots.per_label, (SCORES,)),
    "curves": (plots.curves, ({name: curve(0.1, 0.2) for name in NAMES}, "a $50% off$ tag")),
    "over_time": (plots.over_time, ({name: curve(80.0, 95.0) for name in NAMES}, "a $50% off$ tag")),
    "beside": (plots.beside, (NAMES, [0.5] * NUMBER, [{"value": 0.4, "low": 0.3, "high": None}] * NUMBER, NAMES[0])),
    "image_grid": (image_plots.image_grid, ([image(["1"])] * FEW, [canvas.wrap(name) for name in NAMES[:FEW]], 4)),
    "gallery": (image_plots.gallery, ([noise(4, 4, 3)] * FEW, NAMES[:FEW])),
    "overlays": (image_plots.overlays, (noise(FEW, 4, 4, 3), noise(FEW, 1, 4, 4), [[name] for name in NAMES[:FEW]])),
    "word_weights": (image_plots.word_weights, ([NAMES] * NUMBER, noise(NUMBER, 1, NUMBER), [[name] for name in NAMES])),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWN)
def test_names_are_drawn_as_they_are_and_without_a_warning(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Text] = []
    layout = Text._get_layout  # called for whatever is drawn, ticks and legends included

    def noted(text: Text, renderer: object) -> object:
        drawn.append(text)
        return layout(text, renderer)

    monkeypatch.setattr(Text, "_get_layout", noted)
    draw, arguments = DRAWN[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw(*arguments, tmp_path / "a.png")
    assert max(Image.open(tmp_path / "a.png").size) < 6000
    assert any("$50% off$" in text.get_text() for text in drawn)
    assert {text.get_parse_math() for text in drawn} == {False}
    assert not any(text.get_usetex() for text in drawn)


@pytest.mark.parametrize(
    ("draw", "arguments"),
    [
        (plots.label_counts, ([("a", 1)],)),
        (plots.label_counts, ([(str(i), i) for i in range(1700)],)),
        (plots.labels_per_record, ({3: 1},)),
        (plots.labels_per_record, ({i: 10**7 for i in range(400)},)),
        (plots.text_lengths, ({0: 5},)),
        (plots.text_lengths, ({0: 1, 100_000: 1},)),
        (plots.text_lengths, ({i: 1000 - i for i in range(1000)},)),
        (plots.cooccurrence, (np.zeros((1, 1), int), ["a"], [0.0])),
        (plots.cooccurrence, (np.ones((400, 400), int), ["a"] * 400, [1.0] * 400)),
        (plots.per_label, (SCORES[:1].assign(f1=0.0, ap=None),)),
        (plots.per_label, (pd.concat([SCORES] * 80, ignore_index=True),)),
        (plots.curves, ({"a": curve(None), "b": curve(None, 0.5), "c": curve()}, "x")),
        (image_plots.image_grid, ([None, image(["1"])], ["no image", "an image"], 4)),
        (image_plots.maps, (noise(4, 4, 3), [noise(3, 4, 4), noise(1, 2, 2)])),
        (image_plots.word_weights, ([["a"]], np.zeros((1, 2, 1)), [["x", "y"]])),
    ],
)
def test_little_much_and_nothing_are_drawn(
    draw: Callable[..., None], arguments: tuple[Any, ...], tmp_path: Path
) -> None:
    draw(*arguments, tmp_path / "a.png")
    assert max(Image.open(tmp_path / "a.png").size) < 3000


@pytest.mark.parametrize("low", [0.1, None])
def test_a_leaderboard_is_drawn_with_and_without_what_could_not_be_computed(low: float | None, tmp_path: Path) -> None:
    leaders = table(
        architecture=["_a", "b"], modality=["text", "image+text"], f1_samples=[0.5, low], f1_samples_ci_low=[low, low],
        f1_samples_ci_high=[0.6, low],
    )  # fmt: skip
    plots.leaderboard(leaders, tmp_path / "a.png")


@pytest.mark.parametrize(
    ("reads", "listed"),
    [(["text", "text"], ["text"]), (["image+text", "nothing", "text"], ["nothing", "text", "image+text"])],
)
def test_the_legend_of_a_leaderboard_lists_what_there_is(
    reads: list[str], listed: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    figures = kept(monkeypatch)
    scores = dict.fromkeys(("f1_samples", "f1_samples_ci_low", "f1_samples_ci_high"), 0.5)
    plots.leaderboard(table(architecture=reads, modality=reads).assign(**scores), tmp_path / "a.png")
    assert [text.get_text() for text in figures[0].axes[0].get_legend().get_texts()] == listed


def test_a_run_has_one_colour_in_all_figures_that_stand_together(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    figures, every = kept(monkeypatch), [f"net {i}" for i in range(23)]
    plots.curves({name: curve(0.1, 0.2) for name in every}, "x", tmp_path / "a.png", every)
    plots.curves({name: curve(0.1, 0.2) for name in reversed(every[1::2])}, "y", tmp_path / "b.png", every)
    plots.over_time({every[11]: curve(0.1, 0.2)}, "z", tmp_path / "c.png", every)
    first, *others = ({line.get_label(): look(line) for line in figure.axes[0].lines} for figure in figures)
    assert len(set(first.values())) == len(every)
    assert [len(other) for other in others] == [11, 1]
    assert all(other.items() <= first.items() for other in others)


def look(line: Line2D) -> tuple[object, object]:
    return line.get_color(), line.get_linestyle()


def test_a_network_of_one_epoch_has_its_point(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (axes,) = figure_of(monkeypatch, plots.curves, {"a": curve(0.5)}, "x", tmp_path / "a.png").axes
    assert axes.lines[0].get_xydata().tolist() == [[1, 0.5]]
    low, high = axes.get_xlim()
    assert [tick for tick in axes.get_xticks() if low <= tick <= high] == [1]


def test_no_title_of_an_image_runs_into_the_row_above(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    long = "\n".join(canvas.wrap(part + "cat, " * 40) for part in ("", "true: ", "predicted: "))
    assert long.count("\n") == 8
    titles = [*["short"] * 4, "short", long, *["a\nb"] * 3]
    figure = figure_of(monkeypatch, image_plots.image_grid, [None] * 9, titles, 4, tmp_path / "a.png")
    figure.draw_without_rendering()
    rows = [figure.axes[first : first + 4] for first in range(0, 9, 4)]
    for above, below in pairwise(rows):
        bottom = min(place.get_window_extent().y0 for place in above)
        assert max(place.title.get_window_extent().y1 for place in below) < bottom
    heights = {round(place.get_window_extent().height, 3) for place in figure.axes}
    assert len(heights) == 1


def test_of_many_labels_the_most_frequent_are_shown_and_the_title_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    figures = kept(monkeypatch)
    plots.label_counts([(f"label {i}", i) for i in range(1700)], tmp_path / "a.png")
    (axes,) = figures[0].axes
    assert axes.get_title() == "Records per label, the 40 most frequent of 1,700"
    assert [tick.get_text() for tick in axes.get_yticklabels()][-1] == "label 1699"


def test_of_many_pairs_those_are_shown_that_stand_with_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    figures = kept(monkeypatch)
    pairs = np.ones((31, 31), int)
    pairs[0] = pairs[:, 0] = 0  # always alone, however frequent
    plots.cooccurrence(pairs, [f"label {i}" for i in range(31)], [1.0] * 31, tmp_path / "a.png")
    (axes,) = figures[0].axes
    assert axes.get_title().startswith("Records with both labels, the 30 that most often stand with others, of 31")
    assert next(tick.get_text() for tick in axes.get_xticklabels()) == "label 1"


@pytest.mark.parametrize("longest", [40, 80, 1000])
def test_each_bar_of_lengths_stands_for_as_many_of_them(
    longest: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Else a bar is higher for no reason but that it holds one length more."""
    figures = kept(monkeypatch)
    plots.text_lengths(dict.fromkeys(range(1, longest + 1), 100), tmp_path / "a.png")
    bars = [bar.get_height() for bar in figures[0].axes[0].patches]
    assert sum(bars) == 100 * longest
    assert len(bars) <= 62
    assert len(set(bars[:-2])) == 1  # the last hold what is left over, and the longest hundredth


def test_equal_names_keep_their_own_bars(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    figures = kept(monkeypatch)
    plots.label_counts([("same", 3), ("same", 5)], tmp_path / "a.png")
    assert sorted(bar.get_width() for bar in figures[0].axes[0].patches) == [3, 5]


def test_a_figure_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        plots.label_counts([("x", 3), ("y", 5)], tmp_path / f"{name}.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
