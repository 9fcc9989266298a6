"""Advice on what is allowed and known to be bad; what cannot be built: tests/models/test_network.py."""

from typing import Any

import pytest
from conftest import TRAIN

from multilabel.training.architectures import resolve
from multilabel.training.checks import advice

DISTORTED = (
    "this loss distorts probabilities, which `decoding: expected_f1` believes; take `decoding: global` or per_label"
)


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
