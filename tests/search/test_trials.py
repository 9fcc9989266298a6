"""A search trains, ends what falls behind, goes on where it stopped, and hands over its best trial."""

import multiprocessing
from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from conftest import ROOT, STUDIES
from filelock import FileLock
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from optuna.distributions import CategoricalDistribution
from optuna.trial import TrialState, create_trial

from multilabel.cli import main
from multilabel.core.errors import UserError
from multilabel.core.settings import read_params
from multilabel.params import read
from multilabel.search import results, trials
from multilabel.search.trials import KILLED, Search, study_of
from multilabel.training import loop

FILE = Path("space.yaml")
SPACE: dict[str, Any] = {
    "base": "small",
    "changes": {
        "train": {"lr": {"from": 1e-3, "to": 1e-2, "log": True}},
        "text": {"choose": [{"encoder": "gru", "hidden": 4, "embedding": 4}, {"encoder": "textcnn", "filters": {"choose": [2, 4]}}]},
    },
}  # fmt: skip


@pytest.fixture(autouse=True)
def here(tiny_dataset: str) -> None:
    """The tiny project with one small network, and a space."""
    params = read_params()
    params["architectures"] = {"small": {"dataset": tiny_dataset, "text": {"encoder": "gru"}}}
    params |= {"ablations": {}, "explanations": {}, "submission": {}}
    Path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    FILE.write_text(yaml.safe_dump(SPACE))


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by each step of training."""
    taken: list[int] = []
    real = loop._Run.step

    def counted(run: Any, number: int, *arguments: Any) -> Any:
        taken.append(number)
        return real(run, number, *arguments)

    monkeypatch.setattr(loop._Run, "step", counted)
    return taken


def test_from_the_first_trial_to_the_best_one_in_params(capsys: pytest.CaptureFixture[str], steps: list[int]) -> None:
    main(["search", "space.yaml", "--trials", "3"])
    assert capsys.readouterr().out.count("complete") == 3
    table = pd.read_csv("reports/searches/space/trials.csv")
    assert table["state"].tolist() == ["complete"] * 3
    assert Path("reports/searches/space/trials.png").stat().st_size > 5000
    steps.clear()
    main(["search", "space.yaml", "--trials", "3"])
    assert steps == []  # there are three already
    main(["search", "space.yaml", "--trials", "4"])
    assert len(study_of(Search.read(FILE)).trials) == 4

    main(["search", "space.yaml", "--apply", "found"])
    params = read()
    best = max(study_of(Search.read(FILE)).trials, key=lambda trial: trial.value or 0)
    assert params.architectures["found"].train.lr == pytest.approx(best.params["train.lr"])  # type: ignore[union-attr]
    steps.clear()
    model, _ = trials.train(params.architectures["found"], Path("curves"))
    assert steps == []  # it is taken as the trial ended with it
    assert model.training.valid["f1_samples"] == pytest.approx(best.value)
    with pytest.raises(SystemExit, match=r"error: architectures.found: stands in params.yaml already"):
        main(["search", "space.yaml", "--apply", "found"])


def drawn(choices: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch) -> dict[str, Axes]:
    """The plots of the figure of trials that chose these, by their titles."""
    figures: list[Figure] = []
    monkeypatch.setattr(results, "save", lambda figure, path: figures.append(figure))
    complete = []
    for number, values in enumerate(zip(*choices.values(), strict=True)):
        params = dict(zip(choices, values, strict=True))
        every = {name: CategoricalDistribution(choices[name]) for name in choices}
        complete.append(create_trial(params=params, distributions=every, value=0.5 + number / 100))
        complete[-1].number = number
    results.draw(complete, Path("trials.png"))
    figures[0].draw_without_rendering()
    return {place.get_title(): place for place in figures[0].axes if place.axison}


def ticks(place: Axes) -> list[Text]:
    low, high = place.get_xlim()
    labels = zip(place.get_xticks(), place.get_xticklabels(), strict=True)
    return [label for at, label in labels if low <= at <= high]


def words(place: Axes) -> list[str]:
    assert place.get_xminorticklabels() == []
    return [label.get_text() for label in ticks(place)]


def test_axes_of_choices_are_few_plain_numbers_or_the_names(monkeypatch: pytest.MonkeyPatch) -> None:
    encoders = ["gru", "textcnn", "torchvision/mobilenet_v2", "torchvision/mobilenet_v3", "gru"]
    found = drawn(
        {
            "train.lr": [1e-3, 4e-3, 2e-2, 5e-3, 1e-2],
            "train.weight_decay": [1e-6, 1e-5, 1e-4, 1e-2, 0.1],
            "text.hidden": [16, 32, 64, 128, 256],
            "train.epochs": [4, 6, 8, 4, 8],
            "train.patience": [3, 3, 3, 3, 3],
            "text.dropout": [0.2, 0.21, 0.22, 0.23, 0.24],
            "text": encoders,
            "text.pooling": ["max", None, True, "max", "max"],
        },
        monkeypatch,
    )
    assert words(found["train.lr"]) == ["0.001", "0.004", "0.02"]
    assert words(found["train.weight_decay"]) == ["1e\N{MINUS SIGN}06", "0.0003", "0.1"]
    assert words(found["text.hidden"]) == ["20", "60", "300"]
    assert words(found["train.epochs"]) == ["4", "6", "8"]
    assert words(found["train.patience"]) == ["3"]
    assert words(found["text"]) == encoders[:4]
    assert words(found["text.pooling"]) == ["max", "None", "True"]
    assert words(found["score on valid, best so far"]) == ["0", "2", "4"]
    slanted = found.pop("text")
    assert {label.get_rotation() for label in ticks(slanted)} == {30}
    boxes = [label.get_window_extent() for place in found.values() for label in ticks(place)]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    width = slanted.figure.bbox.width / results.COLUMNS
    assert all(place.title.get_window_extent().width < width for place in found.values())


def test_what_falls_behind_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    search = Search.read(FILE)
    study = study_of(search)
    monkeypatch.setattr("optuna.trial.Trial.should_prune", lambda trial: True)
    study.optimize(lambda trial: trials.objective(search, trial), n_trials=1)
    (trial,) = study.trials
    assert (trial.state, trial.user_attrs["epochs"]) == (TrialState.PRUNED, 1)
    assert list(Path(".checkpoints").glob("*")) == []


def test_what_was_killed_is_taken_up_again() -> None:
    search = Search.read(FILE)
    study = study_of(search)
    killed = study.ask()
    lr = killed.suggest_float("train.lr", 1e-3, 1e-2, log=True)
    killed.suggest_categorical("text", ["gru", "textcnn"])
    assert trials.run(search, 1, jobs=1) == 0
    again = study_of(search).trials
    assert [trial.state for trial in again] == [TrialState.FAIL, TrialState.COMPLETE]
    assert again[0].user_attrs[KILLED]
    assert again[1].params["train.lr"] == lr


def test_a_second_search_of_the_file_leaves_the_first_alone() -> None:
    search = Search.read(FILE)
    running = study_of(search).ask()
    with FileLock(trials.SEARCHES / f"{search.name}.lock"):
        assert refused("--trials", "1") == (
            "error: space.yaml: another process runs this search, whose trials would be taken for killed ones; wait for it, or "
            "stop it and ask for several trials at a time by --jobs"
        )
    assert study_of(search).trials[running.number].state is TrialState.RUNNING


@pytest.mark.slow
def test_several_at_a_time() -> None:
    search = Search.read(FILE)
    assert trials.run(search, 4, jobs=2) == 0
    found = study_of(search).trials
    assert [trial.state.is_finished() for trial in found] == [True] * 4


def refused(*arguments: str) -> str:
    """With what `multilabel search` ends."""
    with pytest.raises(SystemExit) as error:
        main(["search", "space.yaml", *arguments])
    return str(error.value.code)


def test_no_trial_that_ran_to_its_end_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(*arguments: Any) -> None:
        raise UserError("no")

    monkeypatch.setattr(trials, "train", failing)
    message = (
        "error: space.yaml: no trial ran to its end, and those that failed count; mend what their lines said and ask for "
        "more than --trials 1"
    )
    assert refused("--trials", "1") == message
    assert capsys.readouterr().out.endswith("\nreports/searches/space: trials.csv\n")
    assert not Path("reports/searches/space/trials.png").exists()
    assert refused("--trials", "1") == message


def test_processes_that_die_are_an_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def dying(*arguments: Any) -> None:
        raise RuntimeError

    message = (
        "error: space.yaml: 2 of 2 processes died, their last lines above say of what; mend that and run the command "
        "again, which goes on from here"
    )
    with monkeypatch.context() as patch:
        patch.setattr(trials, "get_context", lambda _: multiprocessing.get_context("fork"))  # which sees the next line
        patch.setattr(trials, "work", dying)
        assert refused("--trials", "1", "--jobs", "2") == message
        assert capsys.readouterr().out == ""
        assert not Path("reports/searches").exists()
    main(["search", "space.yaml", "--trials", "1"])
    with monkeypatch.context() as patch:
        patch.setattr(trials, "get_context", lambda _: multiprocessing.get_context("fork"))
        patch.setattr(trials, "work", dying)
        capsys.readouterr()
        assert refused("--trials", "2", "--jobs", "2") == message
    ending = "reports/searches/space: trials.csv, trials.png; next: multilabel search space.yaml --apply small_found\n"
    assert capsys.readouterr().out.endswith(ending)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"base": "smal"}, "space.yaml: base 'smal' is none of the architectures in params.yaml; name one of small"),
        ({"changes": {"train": {"lr": {"from": 1e-3, "to": 100.0}}}}, "space.yaml: changes.train.lr: input should be less than or equal"),
        ({"changes": {"text": {"choose": [{"encoder": "gru"}, {"encoder": "gtu"}]}}}, "space.yaml: unknown text encoder .* 'gtu' in changes.text.encoder"),
        ({"base": ["x"]}, r"space.yaml: base \['x'\] is none of the architectures in params.yaml; name one of small"),
        ({"changes": [1]}, "space.yaml: changes: expected a block of settings, got "),
        ({"changes": {1: 2, "a": 3}}, "space.yaml: changes: block: expected names of settings as keys, got {1: 2"),
        ({"changes": {"train": {"epochs": {"from": 1, "to": 3, "step": 0.5}}}}, "space.yaml: changes: train.epochs: step 0.5 between whole numbers"),
        ({"changes": {"train": {"lr": {"from": 0.1, "to": 0.9, "step": -1.0}}}}, "space.yaml: changes: train.lr: step -1.0 leads nowhere"),
        ({"change": {}}, "space.yaml: expected `base:`, the name of an architecture, and `changes:`, got base, change, changes"),
    ],
)  # fmt: skip
def test_every_mistake_of_a_space_is_found_before_the_first_trial(change: dict[str, Any], message: str) -> None:
    FILE.write_text(yaml.safe_dump({**SPACE, **change}))
    with pytest.raises(UserError, match=message):
        Search.read(FILE)


def test_a_file_of_other_keys_is_no_search() -> None:
    FILE.write_text("1: 2\n")
    with pytest.raises(UserError, match=r"space.yaml: expected `base:`.*, got 1$"):
        Search.read(FILE)


@pytest.mark.skipif(not STUDIES.exists(), reason="the examples are gone")
@pytest.mark.parametrize("path", sorted((ROOT / "searches").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_search_of_the_repository_is_sound(path: Path) -> None:
    Path("params.yaml").write_text((ROOT / "params.yaml").read_text())
    Search.read(path)
