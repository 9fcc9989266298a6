"""No network is trained twice: what is taken is the same to the last bit, and anything else trains."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import TRAIN
from test_folds import BLOCKS

from multilabel.core.files import read_json
from multilabel.core.paths import records_file
from multilabel.core.settings import Choice
from multilabel.data.dataset import load_split
from multilabel.data.records import Record, write_records
from multilabel.models.model import Model
from multilabel.training import fitting, reuse
from multilabel.training.architectures import renamed, resolve, seeded
from multilabel.training.loop import _Run
from multilabel.training.reuse import FINISHED, FinishedRun, keep, kept
from multilabel.training.settings import Architecture

GRU = {"dataset": "captions", "text": {"encoder": "gru", "embedding": 16, "hidden": 16}}
TRAINED: dict[str, dict[str, Any]] = BLOCKS | {
    "gru": GRU,
    "pair": {"dataset": "captions", "ensemble": {"members": ["tfidf", "gru"]}},
    "other_pair": {"dataset": "captions", "ensemble": {"members": ["gru", "tfidf"], "weights": "stacking"}},
    "two_folds": {"dataset": "captions", "ensemble": {"members": ["gru"], "folds": 2}},
}
Weights = dict[str, torch.Tensor]


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of every step that any training takes."""
    taken: list[int] = []
    real = _Run.step

    def counted(run: _Run, number: int, *arguments: Any) -> torch.Tensor:
        taken.append(number)
        return real(run, number, *arguments)

    monkeypatch.setattr(_Run, "step", counted)
    return taken


def settings(name: str, **train: Any) -> Architecture:
    return resolve(name, TRAINED, TRAIN | train, seed=1)


def trained(architecture: Architecture) -> Model:
    model, states = fitting.train(architecture, Path("curves") / architecture.model.name)
    for state in states:
        state.discard()
    return model


def weights(model: Model) -> Weights:
    classifier: Any = model.classifier
    return (classifier.members["gru"][0] if hasattr(classifier, "members") else classifier).net.state_dict()


def assert_equal(first: Weights, second: Weights) -> None:
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


def test_an_ensemble_takes_what_was_trained_by_itself(
    tiny_dataset: str, steps: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    alone = trained(settings("gru"))
    assert len(steps) > 4
    steps.clear()
    capsys.readouterr()
    pair = trained(settings("pair"))
    assert steps == []
    assert_equal(weights(alone), weights(pair))
    (file,) = FINISHED.iterdir()
    said = [line for line in capsys.readouterr().out.splitlines() if "taken" in line]
    assert said == [
        f"pair_gru_0: taken from {file}, which gru trained in {alone.training.seconds:.1f} s; delete the file to train anew"
    ]
    assert pair.training.seconds > alone.training.seconds  # the baseline's are added
    assert (pair.training.epochs, pair.training.best_epoch) == (alone.training.epochs, alone.training.best_epoch)
    curve = "plots/metrics/train/loss.tsv"
    assert (Path("curves/pair/plots/members/gru_0") / curve).read_text().splitlines()[0].startswith("step")
    values = [[line.split("\t")[-1] for line in (Path("curves") / run / curve).read_text().splitlines()]
              for run in ("gru", "pair/plots/members/gru_0")]  # fmt: skip
    assert values[0] == values[1]


def test_a_network_takes_what_an_ensemble_trained(tiny_dataset: str, steps: list[int]) -> None:
    pair = trained(settings("pair"))
    assert steps
    steps.clear()
    alone = trained(settings("gru"))
    assert steps == []
    assert_equal(weights(alone), weights(pair))
    FINISHED.rename("elsewhere")
    again = trained(settings("gru"))
    assert steps
    assert_equal(weights(again), weights(alone))
    assert again.training.valid == alone.training.valid


def test_another_weighting_trains_nothing(tiny_dataset: str, steps: list[int]) -> None:
    trained(settings("pair"))
    steps.clear()
    trained(settings("other_pair"))
    assert steps == []


@pytest.mark.parametrize("name", ["gru", "pair"])
def test_another_decoding_trains_nothing(tiny_dataset: str, steps: list[int], name: str) -> None:
    architecture: Any = settings(name)
    first = trained(architecture)
    steps.clear()
    other = Choice("fixed", {"threshold": 0.9, "fallback": True})
    changed = (
        replace(architecture, train=replace(architecture.train, decoding=other))
        if name == "gru"
        else replace(architecture, decoding=other)
    )
    second = trained(changed)
    assert steps == []
    assert (first.rule, second.decoding.thresholds) == ("expected_f1", [0.9] * 3)
    assert_equal(weights(first), weights(second))


def test_another_seed_setting_or_record_trains(
    tiny_dataset: str, steps: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    architecture: Any = settings("gru")
    trained(architecture)
    steps.clear()
    trained(renamed(architecture, "same"))
    assert steps == []
    for other in (
        seeded(architecture, 2),
        settings("gru", lr=0.003),
        settings("two_folds"),
        replace(architecture, model=replace(architecture.model, prediction=replace(architecture.model.prediction, flip_average=True))),
    ):  # fmt: skip
        trained(other)
        assert steps
        steps.clear()
    write_records(records_file(tiny_dataset), [Record(f"{i}.jpg", f"rose {i}", ["1"]) for i in range(52)])
    trained(architecture)
    assert steps
    monkeypatch.setattr("multilabel.training.resumption.CODE", Path("library"))
    Path("library").mkdir()
    for source in ("x = 1", "x = 2"):
        steps.clear()
        Path("library/module.py").write_text(source)
        trained(architecture)
        assert steps


def test_weights_are_rounded_as_the_settings_say(tiny_dataset: str, steps: list[int]) -> None:
    first = trained(settings("gru", store="fp16"))
    steps.clear()
    second = trained(settings("pair", store="fp16"))
    assert steps == []
    assert_equal(weights(first), weights(second))
    inputs = load_split(tiny_dataset, "test").inputs
    member = second.classifier.members["gru"][0]  # type: ignore[attr-defined]
    np.testing.assert_array_equal(first.classifier.probabilities(inputs), member.probabilities(inputs))


def test_a_damaged_run_is_trained_anew_and_that_is_said(
    tiny_dataset: str, steps: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    first = trained(settings("gru"))
    (file,) = FINISHED.iterdir()
    whole = file.read_bytes()
    for damaged in (b"", whole[:100], whole[:-1], whole[:2000] + b"x" + whole[2001:], bytes(len(whole))):
        file.write_bytes(damaged)
        steps.clear()
        capsys.readouterr()
        assert_equal(weights(trained(settings("gru"))), weights(first))
        assert steps
        said = [line for line in capsys.readouterr().out.splitlines() if "damaged" in line]
        assert said == [f"{FINISHED}: {file.name} damaged, as a power failure may leave a file; training anew"]
        assert kept(file.stem) is not None


def test_a_kill_while_it_is_kept_leaves_the_state_to_go_on_from(
    tiny_dataset: str, steps: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(reuse, "write_tensors", killed)
        with pytest.raises(KeyboardInterrupt):
            trained(settings("gru"))
    assert not FINISHED.exists() or not list(FINISHED.iterdir())
    steps.clear()
    architecture = settings("gru")
    fitting.fit(architecture, Path("model"), Path("curves"))
    assert steps == []
    assert not list(Path(".checkpoints").iterdir())
    assert read_json(Path("model/training.json"))["epochs"] == TRAIN["epochs"]
    assert len(list(FINISHED.iterdir())) == 1


def test_processes_take_a_run_together_or_train_together(
    tiny_dataset: str, steps: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(settings("gru"))
    for others, takes in (([True], True), ([False], False)):
        steps.clear()
        monkeypatch.setattr("multilabel.training.parts.gather_object", lambda own, others=others: own + others)
        trained(settings("gru"))
        assert (steps == []) == takes


def run(size: int) -> FinishedRun:
    rows = [{"f1_samples": 0.5, "map_macro": None, "seconds": 1.5}]
    return FinishedRun("a", {"net": torch.arange(float(size))}, rows, 1, 1.5, "cpu x1")


def test_what_is_kept_comes_back_exactly(tmp_path: Path) -> None:
    assert kept("0" * 16, tmp_path) is None
    keep(run(10), "0" * 16, tmp_path)
    found = kept("0" * 16, tmp_path)
    assert found is not None
    assert torch.equal(found.weights["net"], torch.arange(10.0))
    assert replace(found, weights={}) == replace(run(10), weights={})


def test_what_was_used_longest_ago_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, key in enumerate("abc"):
        keep(run(1000), key, tmp_path)
        os.utime(tmp_path / f"{key}.pt", (number, number))
    monkeypatch.setattr(reuse, "LARGEST", 3.5 * (tmp_path / "a.pt").stat().st_size)
    assert kept("a", tmp_path) is not None
    keep(run(1000), "d", tmp_path)
    assert sorted(path.stem for path in tmp_path.iterdir()) == ["a", "c", "d"]
    keep(run(20_000), "e", tmp_path)  # larger than all that may be kept, but the one that was just trained
    assert sorted(path.stem for path in tmp_path.iterdir()) == ["e"]
