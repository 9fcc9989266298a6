"""Ensembles: what their members hold out, how that is combined, and on which records they are compared with others."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import TRAIN

from multilabel.core.files import read_json
from multilabel.data.dataset import Split, load_labels, load_split, subset
from multilabel.inputs.cleaning import CLEANINGS
from multilabel.metrics.scores import scores
from multilabel.models.evaluation import EvaluationSettings, evaluate
from multilabel.models.limits import Limits
from multilabel.models.model import Model
from multilabel.training import fitting, folds
from multilabel.training.architectures import resolve
from multilabel.training.folds import train_ensemble
from multilabel.training.parts import Trained, train_part

BLOCKS: dict[str, dict[str, Any]] = {
    "tfidf": {"dataset": "captions", "baseline": {"name": "tfidf_logreg", "min_df": 1}},
    "rule": {"dataset": "captions", "baseline": "keyword_rule"},
    "image": {"dataset": "captions", "image": {"encoder": "timm/resnet10t", "size": 32}},
    "folds": {"dataset": "captions", "ensemble": {"members": ["tfidf"], "folds": 3}},
    "stacked": {"dataset": "captions", "ensemble": {"members": ["tfidf", "rule"], "weights": "stacking"}},
    "stacked_folds": {
        "dataset": "captions",
        "ensemble": {"members": ["tfidf", "rule"], "weights": "stacking", "folds": 3},
    },
    "both": {"dataset": "captions", "ensemble": {"members": ["tfidf", "image"], "weights": "stacking"}},
}


def ensemble(name: str) -> tuple[Trained, Split, dict[str, float]]:
    train, valid = (load_split("captions", part) for part in ("train", "valid"))
    return train_ensemble(resolve(name, BLOCKS, TRAIN, seed=0), load_labels("captions"), train, valid, Path("curves"))  # type: ignore[arg-type]


def test_an_ensemble_of_folds_is_compared_on_the_records_of_valid(
    tiny_dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def watched(*arguments: object) -> object:
        seen.append(train_ensemble(*arguments))  # type: ignore[arg-type]
        return seen[-1]

    monkeypatch.setattr(fitting, "train_ensemble", watched)
    model, _ = fitting.train(resolve("folds", BLOCKS, TRAIN, seed=0), Path("curves"))
    ((trained, pool, _),) = seen
    valid = load_split(tiny_dataset, "valid")
    rows = [pool.ids.index(id) for id in valid.ids]
    held_out = trained.held_out[rows]
    assert len(pool.ids) > len(valid.ids)
    np.testing.assert_array_equal(pool.targets[rows], valid.targets)
    assert model.training.valid == scores(valid.targets, model.decoding.decode(held_out), held_out)


@pytest.mark.parametrize("name", ["stacked", "stacked_folds"])
def test_what_is_held_out_is_said_by_stackers_of_other_records(
    tiny_dataset: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Turning the labels of one part changes the stored stacker, but nothing that is said of that part."""
    calls: list[tuple[Any, ...]] = []
    real = folds.cross_fitted

    def watched(*arguments: Any) -> Any:
        calls.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(folds, "cross_fitted", watched)
    trained, pool, _ = ensemble(name)
    ((weighting, said, targets, parts),) = calls
    np.testing.assert_array_equal(targets, pool.targets)
    assert sorted(set(parts)) == [0, 1, 2, 3, 4]
    own = parts == parts[0]
    turned = np.where(own[:, None], 1 - targets, targets)
    np.testing.assert_array_equal(real(weighting, said, turned, parts)[own], trained.held_out[own])
    stored = trained.classifier.combination  # type: ignore[attr-defined]
    assert not np.allclose(stored.probabilities(said), trained.held_out)


def test_duplicates_are_never_on_both_sides(tiny_dataset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(
        folds, "cross_fitted", lambda weighting, said, targets, parts: seen.append(parts) or said["rule"]
    )
    train = load_split(tiny_dataset, "train")
    rows = np.arange(12)
    twice = subset(train, np.concatenate([rows, rows]))
    architecture: Any = resolve("stacked", BLOCKS, TRAIN, seed=0)
    train_ensemble(architecture, load_labels(tiny_dataset), train, twice, Path("curves"))
    np.testing.assert_array_equal(seen[0][:12], seen[0][12:])


def test_labels_that_cannot_be_learned_are_named(
    tiny_dataset: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    train, valid = (load_split("captions", part) for part in ("train", "valid"))
    labels = load_labels(tiny_dataset)
    without = subset(valid, valid.targets[:, 2] == 0)
    architecture: Any = resolve("stacked", BLOCKS, TRAIN, seed=0)
    trained, _, _ = train_ensemble(architecture, labels, train, without, Path("curves"))
    assert capsys.readouterr().out.splitlines()[-1] == (
        "stacked: held-out records show one class only of these labels: 3; their members count alike"
    )
    trained.classifier.save(tmp_path)
    assert read_json(tmp_path / "members.json")["combination"]["unlearned"] == [2]


def test_one_held_out_record_is_enough(tiny_dataset: str) -> None:
    train, valid = (load_split("captions", part) for part in ("train", "valid"))
    one = subset(valid, np.arange(1))
    for weights in ("mean", "greedy", "stacking"):
        block = {"dataset": "captions", "ensemble": {"members": ["tfidf", "rule"], "weights": weights}}
        architecture: Any = resolve("one", BLOCKS | {"one": block}, TRAIN, seed=0)
        trained, _, _ = train_ensemble(architecture, load_labels(tiny_dataset), train, one, Path("curves"))
        assert np.isfinite(trained.held_out).all()


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What each member's training took."""
    found: list[float] = []

    def watched(*arguments: Any) -> Trained:
        part = train_part(*arguments)
        found.append(part.seconds)
        return part

    monkeypatch.setattr(folds, "train_part", watched)
    return found


def test_a_baseline_and_a_network_of_images_are_one_model(tiny_dataset: str, seconds: list[float]) -> None:
    """Text and image, words and pixels; its size is that of all files, its time that of all trainings."""
    fitting.fit(resolve("both", BLOCKS, TRAIN, seed=0), Path("model"), Path("curves"))
    model = Model.load(Path("model"))
    assert model.settings.modality == "image+text"
    assert set(model.training.member_weights or {}) == {"tfidf", "image"}
    assert model.training.seconds == pytest.approx(sum(seconds))
    assert len(seconds) == 2
    parts = {name: Path("model") / f"{name}_0" / "weights.safetensors" for name in ("tfidf", "image")}
    least = sum(path.stat().st_size for path in parts.values()) / 2**20
    row = evaluate(Path("model"), EvaluationSettings(n_resamples=100), Limits(size_mb=least)).row
    assert row["size_mb"] >= round(least, 3)
    assert row["within_limits"] == "no"
    hours = model.training.seconds / 3600
    for limit, within in ((0.9 * hours, "no"), (1.1 * hours, "yes")):
        row = evaluate(Path("model"), EvaluationSettings(n_resamples=100), Limits(gpu_hours=limit)).row
        assert row["within_limits"] == within


def test_texts_that_a_member_reads_as_empty_are_counted(tiny_dataset: str) -> None:
    text = {"encoder": "gru", "embedding": 4, "hidden": 4, "clean": ["erase"]}
    blocks = {
        "net": {"dataset": tiny_dataset, "text": text},
        "pair": {"dataset": tiny_dataset, "ensemble": {"members": ["net"]}},
    }
    CLEANINGS["erase"] = lambda text: ""
    try:
        fitting.fit(resolve("pair", blocks, TRAIN, seed=0), Path("model"), Path("curves"))
        model = Model.load(Path("model"))
        row = evaluate(Path("model"), EvaluationSettings(n_resamples=100), Limits()).row
    finally:
        del CLEANINGS["erase"]
    assert model.training.emptied_texts == len(load_split(tiny_dataset, "train").ids)
    assert row["emptied_texts"] == row["records"]
