"""The stage that explains networks: what it leaves, what it measures, and that what is no network is refused in one line."""

import base64
import io
import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml
from conftest import ROOT, TRAIN
from PIL import Image

from multilabel.core.errors import UserError
from multilabel.core.files import write_json
from multilabel.core.paths import RESOLVED, boxes_file, model_folder
from multilabel.core.settings import to_json
from multilabel.data.boxes import Box, write_boxes
from multilabel.data.dataset import load_labels, load_split
from multilabel.metrics.decoding import fixed
from multilabel.models.classifiers import NetworkClassifier
from multilabel.models.folder import Training
from multilabel.models.model import Model
from multilabel.models.network import build
from multilabel.training.architectures import resolve

BLOCK = {"image": {"encoder": "timm/resnet10t", "size": 32, "output_stride": 8}}


def explain(name: str) -> None:
    runpy.run_path(str(ROOT / "src" / "explain.py"))["explain"](name)


def untrained(dataset: str, **parts: object) -> None:
    """A model folder of the network `net`, as it starts, and what the stage `resolve` writes of it."""
    architecture = resolve("net", {"net": {"dataset": dataset, **parts}}, TRAIN, 0)
    labels, split = load_labels(dataset), load_split(dataset, "valid")
    torch.manual_seed(0)
    net = build(architecture.model, 0, len(labels.ids))
    rules = {"fixed": fixed(split.targets.astype("float32"), split.targets)}
    training = Training(epochs=1, best_epoch=1, seconds=0, device="cpu", valid={})
    folder = model_folder(dataset, "net")
    folder.mkdir(parents=True)
    classifier = NetworkClassifier(architecture.model, net, None)
    about = {"settings": architecture.model, "labels": labels, "rules": rules, "rule": "fixed", "training": training}
    Model(**about, classifier=classifier).save(folder)
    write_json(RESOLVED / "net.json", to_json(architecture))
    params = yaml.safe_load(Path("params.yaml").read_text())
    blocks = {"why": {"dataset": dataset, "of": "net", "records": 6}}
    Path("params.yaml").write_text(yaml.safe_dump(params | {"explanations": blocks}))


def test_the_pointing_game_is_scored_where_there_are_boxes(tiny_dataset: str) -> None:
    untrained(tiny_dataset, **BLOCK)
    split, labels = load_split(tiny_dataset, "test"), load_labels(tiny_dataset)
    alone = [
        (id, labels.ids[target.argmax()])
        for id, target in zip(split.ids, split.targets, strict=True)
        if target.sum() == 1
    ]
    write_boxes(boxes_file(tiny_dataset), [(id, Box(label, 0, 0, 1, 1)) for id, label in alone])
    explain("why")
    assert {path.name for path in Path("data/explanations/why").iterdir()} == {
        "augmentation.png", "grad_cam.png", "feature_maps.png", "explained.json",
    }  # fmt: skip
    reasons = json.loads(Path("data/explanations/why/explained.json").read_text())
    assert len(reasons) == 6
    assert set(reasons) < set(split.ids)
    for why in reasons.values():
        assert [set(label) for label in why] == [{"name", "probability", "heat", "words"}] * 2
        assert why[0]["probability"] >= why[1]["probability"]
        assert Image.open(io.BytesIO(base64.b64decode(why[0]["heat"]))).size == (24, 20)
        assert why[0]["words"] is None  # of a network that reads no text
    found = json.loads(Path("metrics/explain/why.json").read_text())
    assert found["records"] == len(alone) > 3
    assert 0 < found["hits"] <= len(alone)  # all maps but those of zeros
    assert found["pointing_centre"] == 1
    assert found["deletion_records"] > 1


@pytest.mark.parametrize("encoder", ["timm/resnet10t", "timm/vit_tiny_patch16_224"])
def test_without_boxes_or_maps_the_game_is_played_over_no_record(encoder: str, tiny_dataset: str) -> None:
    tokens = "vit" in encoder
    untrained(tiny_dataset, image={"encoder": encoder, "size": 224 if tokens else 32})
    if tokens:
        ids = load_split(tiny_dataset, "test").ids
        write_boxes(boxes_file(tiny_dataset), [(id, Box("1", 0, 0, 1, 1)) for id in ids])
    explain("why")
    found = json.loads(Path("metrics/explain/why.json").read_text())
    assert (found["records"], found["pointing"], found["pointing_off_centre"]) == (0, None, None)
    assert (found["deletion_records"] == 0) == tokens  # which needs maps, and no boxes


def test_a_baseline_cannot_be_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("explanations: {why: {of: rule, dataset: d}}\n")
    monkeypatch.setattr(Model, "load", lambda folder: SimpleNamespace(classifier=object()))
    with pytest.raises(
        UserError, match=r"^explanations.why.of: 'rule' is no single network, and only those are explained; name one$"
    ):
        explain("why")
