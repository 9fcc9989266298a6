"""What a search found: a table of its trials, a figure, and the best block for params.yaml."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from optuna.trial import FrozenTrial, TrialState

from multilabel.core.errors import UserError
from multilabel.core.files import replacing
from multilabel.core.paths import PARAMS, REPORTS
from multilabel.core.settings import check_name, read_params
from multilabel.core.yaml_edits import read_text, with_block
from multilabel.core.yaml_files import value_of
from multilabel.params import sound
from multilabel.reporting.canvas import ACCENT, SOFT, new_grid, save, shown
from multilabel.search.trials import BLOCK, EPOCHS, SECONDS, Search

FOUND = REPORTS / "searches"
COLUMNS = 3  # of the figure
TICKS = 3  # on an axis of numbers, about
LEVEL = 24  # characters of all names on an axis, beyond which they are slanted
WIDE = 5  # times the lowest, beyond which an axis is logarithmic
MOST_PARAMETERS = 8  # that the figure shows


def write(search: Search, study: optuna.Study) -> list[Path]:
    """What was written in a folder of the search's own: `trials.csv`, and `trials.png` if a trial ran to its end."""
    trials = [trial for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()]
    if not trials:
        return []
    folder = FOUND / search.path.stem
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / "trials.csv") as partial:
        pd.DataFrame([_row(trial) for trial in trials]).to_csv(partial, index=False, float_format="%.6g")
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    if not complete:
        return [folder / "trials.csv"]
    with replacing(folder / "trials.png") as partial:
        draw(complete, partial)
    return [folder / "trials.csv", folder / "trials.png"]


def best_of(search: Search, study: optuna.Study) -> FrozenTrial:
    """The best of all that ran to their end; raises `UserError` where none did."""
    complete = [trial for trial in study.get_trials(deepcopy=False) if trial.state is TrialState.COMPLETE]
    if not complete:
        raise UserError(f"{search.path}: no trial has ended yet; run `multilabel search {search.path}` first")
    return max(complete, key=lambda trial: trial.value or 0)


def applied(search: Search, trial: FrozenTrial, name: str, params: Path = PARAMS) -> str:
    """The text of params.yaml with the block of a trial as one more architecture; raises `UserError` for every mistake."""
    content, text = read_params(params), read_text(params)
    check_name(name, "--apply")
    if name in content["architectures"]:
        raise UserError(
            f"architectures.{name}: stands in {params} already; choose another name, as in --apply {name}_2"
        )
    block = trial.user_attrs[BLOCK]
    text = with_block(text, "architectures", name, block)
    content["architectures"] = {**content["architectures"], name: block}
    if value_of(text) != content:
        raise UserError(f"{params} cannot be added to; write its sections in block style, without anchors")
    sound(content)
    return text


def draw(complete: list[FrozenTrial], path: Path) -> None:
    """Scores by trial with the best so far, and by each choice."""
    names = list(dict.fromkeys(name for trial in complete for name in trial.params))[:MOST_PARAMETERS]
    rows = 1 + len(names) // COLUMNS
    figure, grid = new_grid(rows, COLUMNS, 9, 2.6 * rows)
    places = list(grid.flat)[: 1 + len(names)]
    for place in places:
        place.axis("on")
    numbers, values = [trial.number for trial in complete], np.array([trial.value for trial in complete], float)
    places[0].scatter(numbers, values, s=12, color=SOFT)
    places[0].plot(numbers, np.maximum.accumulate(values), color=ACCENT)
    places[0].xaxis.set_major_locator(_whole(TICKS))
    places[0].set(title="score on valid, best so far", xlabel="trial")
    for place, name in zip(places[1:], names, strict=False):
        own = [(trial.params[name], trial.value) for trial in complete if name in trial.params]
        _by_choice(place, *zip(*own, strict=True))
        place.set(title=shown(name, 26))
    save(figure, path)


def _by_choice(place: Axes, choices: Sequence[Any], scores: Sequence[float]) -> None:
    """Scores over numbers, or over names in the order in which they were first chosen."""
    if all(isinstance(choice, int | float) and not isinstance(choice, bool) for choice in choices):
        place.scatter(choices, scores, s=12, color=ACCENT)
        _number_axis(place, choices)
        return
    names = list(dict.fromkeys(map(str, choices)))
    place.scatter([names.index(str(choice)) for choice in choices], scores, s=12, color=ACCENT)
    place.set_xticks(range(len(names)), [shown(name, 24) for name in names])
    if len("".join(names)) > LEVEL:
        place.tick_params(axis="x", rotation=30)
        for label in place.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")


def _number_axis(place: Axes, values: Sequence[float]) -> None:
    """Few ticks, as plain numbers: matplotlib's own on a logarithmic axis are formulas, and no text in a figure is one."""
    low, high = min(values), max(values)
    if 0 < WIDE * low < high:
        place.set_xscale("log")
        place.minorticks_off()
        place.set_xticks([float(f"{tick:.1g}") for tick in np.geomspace(low, high, TICKS)])
    else:
        whole = all(isinstance(value, int) for value in values)
        place.xaxis.set_major_locator(_whole(TICKS) if whole else MaxNLocator(TICKS))
    place.xaxis.set_major_formatter("{x:g}")


def _whole(most: int) -> MaxNLocator:
    """Ticks at whole numbers alone, and one where only one is in sight."""
    return MaxNLocator(most, integer=True, min_n_ticks=1)


def _row(trial: FrozenTrial) -> dict[str, Any]:
    about = {"trial": trial.number, "state": trial.state.name.lower(), "score": trial.value}
    seen = {EPOCHS: trial.user_attrs.get(EPOCHS), SECONDS: trial.user_attrs.get(SECONDS)}
    return {**about, **seen, **trial.params}
