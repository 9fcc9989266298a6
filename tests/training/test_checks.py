"""Advice on what is allowed and known to be bad; what cannot be built: tests/models/test_network.py."""

from typing import Any

import pytest
from conftest import TRAIN

from multilabel.training.architectures import resolve
from multilabel.training.checks import advice

DISTORTED = "this loss distorts probabilities, which `decoding: expected_f1` believes; take `decoding: global`, per_label or {name: expected_f1, calibrate: true}"


@pytest.mark.parametrize(
    ("train", "notes"),
    [
        ({}, []),
        ({"loss": "asymmetric"}, [DISTORTED]),
        ({"loss": "focal"}, [DISTORTED]),
        ({"loss": {"name": "bce", "pos_weight": "auto"}}, [DISTORTED]),
        ({"loss": "asymmetric", "decoding": "global"}, []),
    ],
)
def test_a_loss_that_distorts_probabilities_gets_a_note(train: dict[str, Any], notes: list[str]) -> None:
    blocks = {"a": {"dataset": "captions", "text": {"encoder": "gru"}, "train": train}}
    assert list(advice(resolve("a", blocks, TRAIN, seed=0))) == notes


FROZEN = {"encoder": "timm/resnet10t", "size": 32, "frozen": True}


@pytest.mark.parametrize(
    ("parts", "note"),
    [
        ({"image": FROZEN, "train": {"augment": {"flip": 0.5}}}, None),
        ({"image": FROZEN, "train": {"augment": "none"}}, None),
        ({"image": FROZEN, "train": {"augment": {"crop": 0.9}}}, "write `augment: {flip: 0.5}`, and no `resize`"),
        ({"image": {**FROZEN, "resize": 40}, "train": {"augment": "none"}}, "image.frozen: its features cannot be kept"),
        ({"image": {**FROZEN, "frozen": False}, "train": {"augment": {"crop": 0.9}}}, None),
        ({"text": {"encoder": "gru", "frozen": True}}, None),
        ({"text": {"encoder": "gru", "frozen": True, "lr_factor": 0.1}}, "text.frozen: of an encoder that stays as it is"),
        ({"image": {**FROZEN, "frozen_stages": 2}, "train": {"augment": "none"}}, "image.frozen: of an encoder that stays"),
        ({"text": {"encoder": "gru", "frozen": True}, "train": {"token_dropout": 0.1}}, "write `token_dropout: 0`"),
    ],
)  # fmt: skip
def test_frozen_encoders_that_read_every_epoch_anew_get_a_note(parts: dict[str, Any], note: str | None) -> None:
    notes = list(advice(resolve("a", {"a": {"dataset": "captions", **parts}}, TRAIN, seed=0)))
    assert len(notes) == (note is not None)
    assert note is None or note in notes[0]


@pytest.mark.parametrize(
    ("parts", "note"),
    [
        ({"image": {"encoder": "timm/resnet10t"}}, None),
        ({"text": {"encoder": "gru"}, "train": {"accumulate": 2}}, None),
        ({"image": FROZEN, "train": {"augment": "none"}}, "the image encoder does not learn"),
        (
            {"image": {"encoder": "timm/resnet10t"}, "train": {"accumulate": 2}},
            "`accumulate` computes a batch in parts",
        ),
        ({"image": {"encoder": "timm/resnet10t"}, "train": {"compile": True}}, "`compile` comes first"),
    ],
)
def test_cuda_graphs_that_record_nothing_get_a_note(parts: dict[str, Any], note: str | None) -> None:
    block = {"dataset": "captions", **parts, "train": {**parts.get("train", {}), "cuda_graphs": True}}
    notes = list(advice(resolve("a", {"a": block}, TRAIN, seed=0)))
    assert notes == ([f"cuda_graphs: {note}, so nothing is recorded; take it out"] if note else [])
