"""Training on a CPU, bit for bit against a plain loop: all draws are functions of the seed and of the step's number."""

from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from test_loop import BLOCKS, GRU, IMAGE, settings
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from multilabel.inputs.examples import Examples, StoredFeatures
from multilabel.inputs.tokenization import Tokens
from multilabel.models.devices import accelerator
from multilabel.models.image_encoders import normalise
from multilabel.models.network import build
from multilabel.training.augmentation import augment
from multilabel.training.loop import fit
from multilabel.training.optimizers import weight_groups
from multilabel.training.token_dropout import drop_tokens

SEED, RECORDS, BATCH, EPOCHS, RATE = 1, 21, 8, 2, 0.01  # `settings` has seed 1
RANDOM = np.random.default_rng(0)
ROWS = RANDOM.permutation(RECORDS)
TARGETS = (RANDOM.random((RECORDS, 3)) < 0.4).astype(np.float32)
WORDS = Tokens(
    RANDOM.integers(4, 50, (RECORDS, 7), dtype=np.int32), 1 + np.arange(RECORDS, dtype=np.int32) % 7, 1, [0, 2]
)
PIXELS = RANDOM.integers(0, 256, (RECORDS, 32, 32, 3), np.uint8)
BOTH = {"image": IMAGE, "text": GRU, "fusion": {"name": "concat", "modality_dropout": 0.3}}
AUGMENT = {"crop": 0.8, "flip": 0.5, "rotation": 10, "brightness": 0.2, "hue": 0.1, "sharpness": 0.5, "erase": 0.3}


def plain_loop(net: nn.Module, architecture: Any, examples: Examples, pieces: int) -> dict[str, torch.Tensor]:
    """The weights after the last step."""
    net, options, image = (
        deepcopy(net).to(memory_format=torch.channels_last),
        architecture.train,
        architecture.model.image,
    )  # type: ignore[call-overload]
    mean, std = torch.tensor(image.mean), torch.tensor(image.std)
    optimizer = torch.optim.AdamW(weight_groups(net, architecture.model, 0.01), lr=RATE, fused=True)
    step = 0
    for epoch in range(EPOCHS):
        net.train()
        for chosen in examples.shuffled(BATCH, np.random.default_rng((SEED, epoch)), None, 2):
            torch.manual_seed(SEED * 1_000_003 + step)
            optimizer.zero_grad()
            for piece in np.array_split(chosen, pieces):
                batch = examples.batch(piece, options.augment.flip)
                images: Any = batch.images
                if isinstance(images, torch.Tensor):
                    images = normalise(augment(images.float() / 255, 32, options.augment), mean, std)
                tokens = drop_tokens(batch.tokens, batch.mask, 0.2, 1, [0, 2])  # type: ignore[arg-type]
                logits = net(images, tokens, batch.mask, batch.lengths)
                (binary_cross_entropy_with_logits(logits, batch.targets) * (len(piece) / len(chosen))).backward()  # type: ignore[arg-type]
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            step += 1
    return net.state_dict()


@pytest.mark.parametrize("pieces", [1, 2])
@pytest.mark.parametrize("kept", [False, True], ids=["pixels", "features"])
def test_a_training_is_a_plain_loop_bit_for_bit(kept: bool, pieces: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BLOCKS, "both", BOTH)
    train = {"epochs": EPOCHS, "batch_size": BATCH, "lr": RATE, "schedule": "constant", "warmup": 0.0, "accumulate": pieces,
             "token_dropout": 0.2, "augment": {"flip": 0.5} if kept else AUGMENT}  # fmt: skip
    architecture = settings("both", **train)
    torch.manual_seed(SEED)
    net = build(architecture.model, 50, 3)
    views = tuple({"pooled": RANDOM.random((RECORDS, 512), np.float32)} for _ in range(2))
    examples = Examples(None, ROWS, WORDS, TARGETS, image_features=StoredFeatures(ROWS, views))
    examples = examples if kept else Examples(PIXELS, ROWS, WORDS, TARGETS)
    expected, stored = plain_loop(net, architecture, examples, pieces), []
    state: Any = SimpleNamespace(load=lambda: None, save=lambda content: stored.append(deepcopy(content["net"])))
    fit(net, architecture, examples, examples, accelerator("fp32"), state, lambda row: None)
    assert len(stored) == EPOCHS
    for name, value in stored[-1].items():
        assert torch.equal(value, expected[name]), name
