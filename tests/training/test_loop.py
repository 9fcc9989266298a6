"""Training as a whole: it learns, is reproducible, survives a kill anywhere, and what is stored predicts the same."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import ROOT, TRAIN, minilm_folder, run

from multilabel.core.errors import UserError
from multilabel.core.paths import CHECKPOINTS, records_file
from multilabel.data.dataset import load_labels, load_split, load_unlabelled, subset
from multilabel.data.records import Record, write_records
from multilabel.inputs.cleaning import CLEANINGS
from multilabel.inputs.word_vectors import WORD_VECTORS, cached_vectors
from multilabel.metrics.decoding import fixed
from multilabel.metrics.statistics import f1_per_record
from multilabel.models.baselines import BASELINES
from multilabel.models.folder import size_mb
from multilabel.models.fusions import FUSIONS
from multilabel.models.model import Model
from multilabel.models.text_encoders import TEXT_ENCODERS
from multilabel.reporting.tables import read_curve
from multilabel.training import fitting
from multilabel.training.architectures import resolve
from multilabel.training.losses import LOSSES
from multilabel.training.optimizers import OPTIMIZERS
from multilabel.training.parts import train_part
from multilabel.training.resumption import State
from multilabel.training.reuse import FINISHED
from multilabel.training.samplers import SAMPLERS
from multilabel.training.schedules import SCHEDULES
from multilabel.training.settings import Architecture

IMAGE = {"encoder": "timm/resnet10t", "size": 32}
GRU = {"encoder": "gru", "embedding": 16, "hidden": 16, "dropout": 0.1}
HERE = str(Path(__file__).parent)
SMALL: dict[str, dict[str, Any]] = {  # options that make an encoder small, where the defaults are not
    **{name: {"embedding": 16, "hidden": 16, "dropout": 0.0} for name in ("rnn", "gru", "lstm")},
    "textcnn": {"embedding": 16, "filters": 8, "dropout": 0.0},
    "transformer": {"hidden": 16, "dim_feedforward": 32, "dropout": 0.0},
    "bert": {"tokenizer": "wordpiece", "hidden": 16, "dim_feedforward": 32, "dropout": 0.0},
}
BLOCKS: dict[str, dict[str, Any]] = {
    **{f"baseline_{name}": {"baseline": name} for name in BASELINES},
    **{f"text_{name}": {"text": {"encoder": name, **SMALL[name]}} for name in TEXT_ENCODERS},
    **{f"vectors_{name}": {"text": {**GRU, "word_vectors": {"name": name, "epochs": 2}}} for name in WORD_VECTORS},
    "cleaned": {"text": {**GRU, "clean": list(CLEANINGS)}},
    "fp16": {"text": GRU, "train": {"store": "fp16"}},
    "image_timm": {"image": IMAGE},
    "image_torchvision": {"image": {"encoder": "torchvision/shufflenet_v2_x0_5", "size": 32}},
    "image_query": {"image": {**IMAGE, "resize": 40}, "head": {"name": "query", "width": 16}},
    **{f"fusion_{name}": {"image": IMAGE, "text": GRU, "fusion": name} for name in FUSIONS},
    "ensemble": {"ensemble": {"members": ["baseline_tfidf_logreg", "text_gru"], "weights": "greedy"}},
    "stacked": {"ensemble": {"members": ["baseline_tfidf_logreg", "image_timm"], "weights": "stacking", "folds": 2}},
    "folds": {"ensemble": {"members": ["text_gru"], "folds": 3}},
}


def settings(name: str, **train: Any) -> Architecture:
    defaults = TRAIN | {"epochs": 3} | train
    blocks = {block: {"dataset": "captions", **parts} for block, parts in BLOCKS.items()}
    return resolve(name, blocks, defaults, seed=1)


def trained(name: str, **train: Any) -> tuple[Model, tuple[State, ...]]:
    return fitting.train(settings(name, **train), Path("curves"))


def stored(model: Model, folder: Path) -> Model:
    folder.mkdir()
    model.save(folder)
    return Model.load(folder)


@pytest.mark.parametrize("name", BLOCKS)
def test_what_is_stored_predicts_the_same(tiny_dataset: str, tmp_path: Path, name: str) -> None:
    model, _ = trained(name, epochs=1)
    again = stored(model, tmp_path / "model")
    assert (again.settings, again.labels, again.rules, again.training) == (
        model.settings, model.labels, model.rules, model.training,
    )  # fmt: skip
    ids, unlabelled = load_unlabelled(tiny_dataset)
    assert ids == ["48.jpg", "49.jpg", "50.jpg", "51.jpg"]
    for inputs in (load_split(tiny_dataset, "test").inputs, unlabelled):
        before, after = (m.classifier.probabilities(inputs) for m in (model, again))
        np.testing.assert_array_equal(after, before)
    files = [path for path in (tmp_path / "model").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} <= {".safetensors", ".json"}
    for file in ("metrics.json", "plots/metrics/valid/f1_samples.tsv"):  # which dvc.yaml and the report expect of each
        assert (Path("curves") / file).is_file()


NETWORKS = [
    pytest.param(name, marks=() if name.startswith("text_") else pytest.mark.slow)
    for name in BLOCKS
    if name.startswith(("text_", "image_", "fusion_"))
]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_kind_of_network_overfits_28_records(tiny_dataset: str, name: str) -> None:
    split = subset(load_split(tiny_dataset, "train"), np.arange(28))
    resolved = settings(name, epochs=100, lr=0.005, augment="none", patience=40)
    part = train_part(resolved, load_labels(tiny_dataset), split, split, Path("curves"))
    predicted = fixed(part.held_out, split.targets).decode(part.held_out)
    assert f1_per_record(split.targets, predicted).mean() >= 0.85  # a constant answer: 0.6


EVERY_CHOICE = [
    *(("loss", name) for name in LOSSES), *(("sampler", name) for name in SAMPLERS),
    *(("schedule", name) for name in SCHEDULES), *(("optimizer", name) for name in OPTIMIZERS),
    ("ema", 0.9), ("accumulate", 2), ("label_smoothing", 0.1), ("token_dropout", 0.2), ("augment", "strong"),
    ("flip_average", True), ("loss", {"name": "bce", "pos_weight": "auto"}), ("precision", "bf16"), ("clip", None),
    *(("augment", preset) for preset in ("resnet_bert", "efficientnet_tinybert", "transfer_cnn", "resnext_bigru")),
]  # fmt: skip


@pytest.mark.parametrize(("key", "choice"), EVERY_CHOICE)
def test_every_choice_of_training_learns_something(tiny_dataset: str, key: str, choice: Any) -> None:
    rate = {"adadelta": 1.0, "sgd": 0.5}.get(choice, 0.01) if key == "optimizer" else 0.01
    block = "image_timm" if key in ("augment", "flip_average") else "text_gru"
    trained(block, **{"epochs": 4, "lr": rate, key: choice})
    loss = read_curve(Path("curves"), "train/loss")
    assert loss is not None
    assert loss["value"].iloc[-1] < loss["value"].iloc[0]


def weights(model: Model) -> dict[str, torch.Tensor]:
    return model.classifier.net.state_dict()  # type: ignore[attr-defined]


def assert_same(first: Model, second: Model) -> None:
    assert all(torch.equal(value, weights(second)[name]) for name, value in weights(first).items())
    assert first.training.valid == second.training.valid


# Where a run can be killed: what to replace with a function that counts its calls, and at which call the end comes.
PLACES = {
    "first step": ("multilabel.training.loop._Run.step", 1, "before"),
    "mid-epoch": ("multilabel.training.loop._Run.step", 5, "before"),
    "while saving": ("os.replace", 2, "before"),
    "after an epoch": ("os.replace", 1, "after"),
    "before the end is kept": ("multilabel.training.parts.keep", 1, "before"),
    "while the end is kept": ("os.replace", 6, "before"),  # 3 epochs stored, all but the first in two moves
    "after the last epoch": ("multilabel.models.classifiers.NetworkClassifier.round_weights", 1, "before"),
}
BLOCK_KILLED = {"mid-epoch": "fusion_concat"}  # elsewhere text_gru
KILLED = """
import os, pydoc, signal, sys
sys.path[:0] = [{src!r}, {tests!r}, {here!r}]
import test_loop as t
import multilabel.training.loop, multilabel.training.parts

def killed(place, kind):
    path, last, when = t.PLACES[place]
    owner, name = pydoc.locate(path.rpartition(".")[0]), path.rpartition(".")[2]
    real, calls = getattr(owner, name), []

    def counted(*a, **k):
        if name == "replace" and not str(a[1]).endswith(".pt"):
            return real(*a, **k)
        calls.append(1)
        if when == "before" and len(calls) == last:
            os.kill(os.getpid(), getattr(signal, kind))
        result = real(*a, **k)
        if when == "after" and len(calls) == last:
            os.kill(os.getpid(), getattr(signal, kind))
        return result

    setattr(owner, name, counted)
    t.trained(t.BLOCK_KILLED.get(place, "text_gru"), ema=0.9)

for place in t.PLACES:
    for kind in t.KINDS:
        child = os.fork()  # of a process that has not trained: what is imported is imported once
        if child == 0:
            os.chdir(place + " " + kind)
            killed(place, kind)
        print(place, kind, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
KINDS = ("SIGKILL", "SIGTERM")


@pytest.fixture(scope="module")
def killed(tiny_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a folder for each place and signal, in which a run was killed there."""
    folder = tmp_path_factory.mktemp("killed")
    for place in PLACES:
        for kind in KINDS:
            shutil.copytree(tiny_project, folder / f"{place} {kind}")
    code = KILLED.format(src=str(ROOT / "src"), tests=str(ROOT / "tests"), here=HERE)
    said = [line for line in run([sys.executable, "-c", code], folder).splitlines() if line.startswith(tuple(PLACES))]
    assert len(said) == len(PLACES) * len(KINDS)
    assert all(line.endswith((" -9", " -15", " 143")) for line in said), said
    return folder


@pytest.fixture(scope="module")
def whole(tiny_project: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Model]:
    """What runs that nobody kills end with."""
    folder = tmp_path_factory.mktemp("whole")
    shutil.copytree(tiny_project, folder, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return {block: trained(block, ema=0.9)[0] for block in ("text_gru", *BLOCK_KILLED.values())}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", PLACES)
def test_a_run_killed_anywhere_ends_the_same(
    killed: Path, whole: dict[str, Model], place: str, kind: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(killed / f"{place} {kind}")
    block = BLOCK_KILLED.get(place, "text_gru")
    resumed, states = trained(block, ema=0.9)
    said = capsys.readouterr().out
    if (place, kind) == ("mid-epoch", "SIGTERM"):  # 3 batches an epoch, killed in the 5th
        assert "resuming after epoch 1 and 2 batches" in said
    assert ("taken from" in said) == (place == "after the last epoch")
    for state in states:
        state.discard()
    assert not list(Path(".checkpoints").glob("*"))  # half-written states are cleared away too
    assert_same(whole[block], resumed)
    curve = read_curve(Path("curves"), "train/loss")
    assert curve is not None
    assert curve["step"].tolist() == [0, 1, 2]


def test_changed_settings_data_or_code_start_afresh(
    tiny_dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "table"
    file.write_text("one")
    first = State(settings("text_gru"), ["1"], [file]).path
    assert State(settings("text_gru"), ["1"], [file]).path == first
    assert State(settings("text_gru", lr=0.1), ["1"], [file]).path != first
    monkeypatch.setattr("multilabel.training.resumption.CODE", tmp_path)
    (tmp_path / "module.py").write_text("x = 1")
    version = State(settings("text_gru"), ["1"], [file]).path
    (tmp_path / "module.py").write_text("x = 2")
    assert State(settings("text_gru"), ["1"], [file]).path != version
    monkeypatch.undo()
    file.write_text("two")
    assert State(settings("text_gru"), ["1"], [file]).path != first


def test_changed_weights_or_packages_start_afresh_and_a_name_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "weights.safetensors"
    file.write_text("one")
    monkeypatch.setitem(BLOCKS, "a", {"image": {**IMAGE, "weights": str(file)}})
    monkeypatch.setitem(BLOCKS, "b", BLOCKS["a"])
    first, second = (State(settings(name), ["1"], []) for name in ("a", "b"))
    assert first.key == second.key
    assert first.path != second.path
    with monkeypatch.context() as patch:
        patch.setattr("multilabel.core.versions.version", lambda package: "0.0")
        assert State(settings("a"), ["1"], []).key != first.key
    file.write_text("two")
    assert State(settings("a"), ["1"], []).key != first.key


def same_steps(name: str, first: dict[str, Any], second: dict[str, Any]) -> None:
    """Two ways of training that must give the same weights to float tolerance."""
    one, _ = trained(name, **first)
    other, _ = trained(name, **second)
    for key, value in weights(one).items():
        torch.testing.assert_close(weights(other)[key], value, atol=2e-5, rtol=1e-4)


def test_accumulation_changes_memory_and_nothing_else(tiny_dataset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BLOCKS["text_gru"]["text"], "dropout", 0.0)  # its draws depend on how a batch is cut
    same_steps("text_gru", {"batch_size": 10}, {"batch_size": 10, "accumulate": 4})


TWO_PROCESSES = """
import json, sys
sys.path[:0] = [{src!r}, {tests!r}, {here!r}]
import test_loop as t
from multilabel.models.devices import is_main_process
model, _ = t.trained("text_textcnn", **{options!r})
if is_main_process():
    inputs = t.load_split("captions", "test").inputs
    json.dump({{"valid": model.training.valid, "device": model.training.device,
               "weights": {{k: v.tolist() for k, v in t.weights(model).items()}}}}, open("two.json", "w"))
"""


@pytest.mark.slow
def test_two_processes_train_like_one(tiny_dataset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"batch_size": 10}
    monkeypatch.setitem(BLOCKS["text_textcnn"]["text"], "batch_norm", False)  # whose statistics are each process's own
    Path("two.py").write_text(
        TWO_PROCESSES.format(src=str(ROOT / "src"), tests=str(ROOT / "tests"), here=HERE, options=options).replace(
            "import test_loop as t\n",
            'import test_loop as t\nt.BLOCKS["text_textcnn"]["text"]["batch_norm"] = False\n',
        )
    )
    command = [str(Path(sys.executable).with_name("accelerate")), "launch", "--multi_gpu", "--num_processes", "2",
               "--main_process_port", "0", "two.py"]  # fmt: skip
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    two = json.loads(Path("two.json").read_text())
    assert two["device"].endswith("2 processes")
    for folder in (CHECKPOINTS, FINISHED):
        shutil.rmtree(folder)
    one, _ = trained("text_textcnn", **options)
    for name, value in weights(one).items():
        torch.testing.assert_close(torch.tensor(two["weights"][name]), value, atol=2e-5, rtol=1e-4)
    assert two["valid"] == pytest.approx(one.training.valid, abs=1e-5)


def test_weights_stored_in_half_the_bytes(tiny_dataset: str, tmp_path: Path) -> None:
    half, whole = trained("fp16")[0], trained("text_gru")[0]
    for name, model in (("half", half), ("whole", whole)):
        (tmp_path / name).mkdir()
        model.classifier.save(tmp_path / name)
    sizes = [(tmp_path / name / "weights.safetensors").stat().st_size for name in ("half", "whole")]
    assert sizes[0] < 0.65 * sizes[1]
    assert half.classifier.fp32_mb() == pytest.approx(whole.classifier.fp32_mb())
    assert size_mb(tmp_path / "half") > 0


def test_texts_emptied_by_cleaning_are_counted_and_predicted(tiny_dataset: str) -> None:
    records = [
        Record(f"{i}.jpg", "it was the" if i % 2 else f"rose number {i}", ["1"] if i < 48 else None) for i in range(52)
    ]
    write_records(records_file(tiny_dataset), records)
    model, _ = trained("cleaned")
    assert 10 < model.training.emptied_texts < 30
    assert np.isfinite(model.classifier.probabilities(load_unlabelled(tiny_dataset)[1])).all()


def test_words_never_seen_reach_a_network_with_fasttext_vectors(tiny_dataset: str, tmp_path: Path) -> None:
    for block, differ in (("vectors_fasttext_skip_gram", True), ("vectors_word2vec_skip_gram", False)):
        model = stored(trained(block)[0], tmp_path / block)
        inputs = load_split(tiny_dataset, "test").inputs
        first, second = (
            model.classifier.probabilities(type(inputs)(inputs.records, inputs.rows[:1], [text]))
            for text in ("roseleafsea", "qqqqwwww")
        )
        assert (not np.array_equal(first, second)) == differ


@pytest.mark.parametrize("tuned", [True, False])
def test_word_vectors_are_the_start_and_stay_if_not_tuned(
    tiny_dataset: str, tuned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BLOCKS["vectors_word2vec_cbow"]["text"], "tune_vectors", tuned)
    trained_vectors = []
    monkeypatch.setattr(
        "multilabel.training.parts.cached_vectors",
        lambda *arguments: trained_vectors.append(cached_vectors(*arguments)) or trained_vectors[0],
    )
    model, _ = trained("vectors_word2vec_cbow")
    (vectors,) = trained_vectors
    table = weights(model)["text.embedding.weight"].numpy()
    assert np.array_equal(table, vectors.table) == (not tuned)
    assert np.abs(table - vectors.table).max() < 0.5


def test_a_pretrained_encoder_is_fine_tuned_in_part(
    tiny_dataset: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hub = {"encoder": f"hf/{minilm_folder()}", "pooling": "mean", "frozen": True}
    monkeypatch.setitem(BLOCKS, "hub", {"text": hub})
    model, _ = trained("hub", epochs=1)
    from transformers import AutoModel

    published = AutoModel.from_pretrained(minilm_folder()).embeddings.word_embeddings.weight
    assert torch.equal(weights(model)["text.model.embeddings.word_embeddings.weight"], published)
    again = stored(model, tmp_path / "model")
    inputs = load_split(tiny_dataset, "test").inputs
    np.testing.assert_array_equal(again.classifier.probabilities(inputs), model.classifier.probabilities(inputs))


def test_a_killed_ensemble_never_takes_up_the_weights_of_other_folds(
    tiny_dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, three = trained("folds")  # whose states lie there as if the run had been killed before it saved
    monkeypatch.setitem(BLOCKS["folds"]["ensemble"], "folds", 2)
    _, two = trained("folds")
    assert not {state.path for state in two} & {state.path for state in three}


def test_an_ensemble_of_folds_holds_every_record_out_once(tiny_dataset: str) -> None:
    model, _ = trained("folds")
    parts = model.classifier.members["text_gru"]  # type: ignore[attr-defined]
    assert len(parts) == 3
    inputs = load_split(tiny_dataset, "test").inputs
    mean = np.mean([part.probabilities(inputs) for part in parts], axis=0)
    np.testing.assert_allclose(model.classifier.probabilities(inputs), mean, rtol=1e-6)
    assert model.training.member_weights == {"text_gru": 1.0}


def test_patience_stops_training_and_the_best_epoch_is_kept(tiny_dataset: str) -> None:
    model, _ = trained("text_gru", epochs=200, patience=4, lr=0.02)
    assert model.training.epochs == model.training.best_epoch + 4


def test_an_image_network_needs_images(tiny_dataset: str) -> None:
    write_records(records_file(tiny_dataset), [Record(f"{i}.jpg", f"rose {i}", ["1"]) for i in range(52)])
    with pytest.raises(
        UserError, match=r"architectures.image_timm reads images, but dataset 'captions' has none; take its `image:`"
    ):
        trained("image_timm")
