"""Text encoders: padding counts for nothing, in training as in prediction."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from multilabel.inputs.examples import Examples
from multilabel.inputs.tokenization import Tokens
from multilabel.models.text_encoders import TEXT_ENCODERS, MaskedBatchNorm

TOKENS = torch.tensor([[2, 5, 7, 3], [2, 9, 3, 0], [4, 0, 0, 0]])
MASK = TOKENS > 0


@pytest.mark.parametrize("padding", [1, 60])
@pytest.mark.parametrize("encoder", TEXT_ENCODERS)
def test_padding_changes_nothing_in_training_either(encoder: str, padding: int) -> None:
    torch.manual_seed(0)
    short, long = (TEXT_ENCODERS[encoder](50, dropout=0.0).train() for _ in range(2))
    long.load_state_dict(short.state_dict())
    first, second = short(TOKENS, MASK), long(pad(TOKENS, (0, padding), value=7), pad(MASK, (0, padding)))
    torch.testing.assert_close(second.pooled, first.pooled, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(second.states[:, :4][MASK], first.states[MASK], atol=1e-5, rtol=1e-5)
    for name, value in short.state_dict().items():  # running statistics too
        torch.testing.assert_close(long.state_dict()[name], value, atol=1e-5, rtol=1e-5)


def test_masked_batch_norm_is_that_of_pytorch_on_tokens_without_padding() -> None:
    torch.manual_seed(0)
    ours, published = MaskedBatchNorm(5).double(), nn.BatchNorm1d(5).double()
    for norm in (ours, published):
        nn.init.constant_(norm.weight, 1.7)
        nn.init.constant_(norm.bias, -0.3)
    goal = torch.randn(8, 5, dtype=torch.float64)

    def output(states: Tensor) -> Tensor:
        return ours(states, MASK).transpose(1, 2)[MASK]

    for _ in range(3):
        states = (torch.randn(3, 5, 4, dtype=torch.float64) * 3 + 2).requires_grad_()
        again = states.detach().clone().requires_grad_()
        found, expected = output(states), published(again.transpose(1, 2)[MASK])
        torch.testing.assert_close(found, expected)
        (found * goal).sum().backward()
        (expected * goal).sum().backward()
        torch.testing.assert_close(states.grad, again.grad)
    ours.eval(), published.eval()
    torch.testing.assert_close(output(states), published(states.transpose(1, 2)[MASK]))
    for (name, value), other in zip(ours.state_dict().items(), published.state_dict().values(), strict=True):
        torch.testing.assert_close(value, other, msg=name)


def test_masked_batch_norm_of_a_single_token_is_finite() -> None:
    norm = MaskedBatchNorm(5)
    found = norm(torch.randn(1, 5, 1), torch.tensor([[True]]))
    assert torch.isfinite(found).all()
    assert all(torch.isfinite(value).all() for value in norm.state_dict().values())


@pytest.mark.parametrize("options", [{}, {"bidirectional": True, "layers": 2, "pooling": "attention"}])
@pytest.mark.parametrize("encoder", ["rnn", "gru", "lstm"])
def test_a_recurrent_step_never_waits_for_its_device(encoder: str, options: dict[str, Any]) -> None:
    net = TEXT_ENCODERS[encoder](50, **options).to("meta")  # a device that nothing can be read from
    found = net(TOKENS.to("meta"), MASK.to("meta"), (4, 3, 1))
    assert found.pooled.shape == (3, net.widths.pooled)
    assert found.states.shape == (3, 4, net.widths.states)


@pytest.mark.parametrize("encoder", TEXT_ENCODERS)
def test_lengths_from_the_host_are_those_of_the_mask(encoder: str) -> None:
    torch.manual_seed(0)
    net = TEXT_ENCODERS[encoder](50).eval()
    order = torch.tensor([2, 0, 1])  # not by length
    assert torch.equal(net(TOKENS[order], MASK[order], (1, 4, 3)).states, net(TOKENS[order], MASK[order]).states)
    torch.testing.assert_close(net(TOKENS[order], MASK[order]).pooled, net(TOKENS, MASK).pooled[order])


def test_a_batch_keeps_its_lengths_on_the_host() -> None:
    tokens = Tokens(np.array([[5, 6, 7], [8, 0, 0]], np.int32), np.array([3, 1], np.int32), 1, [0])
    batch = Examples(None, np.arange(2), tokens, None).batch(np.array([1, 0])).to(torch.device("meta"))
    assert batch.lengths == (1, 3)
    assert batch.mask is not None
    assert batch.mask.device.type == "meta"
