"""States of a sequence (B, T, D) and its mask (B, T) -> one vector per sequence (B, D); padding never counts."""

from collections.abc import Callable
from typing import Annotated

import torch
from torch import Tensor, nn

from multilabel.core.registry import Registry, choose
from multilabel.core.settings import key_of


class FirstPooling(nn.Module):
    """The state of the first token, which is [CLS] for BERT and its kin."""

    def __init__(self, width: int, bidirectional: bool) -> None:
        """Has no weights."""
        super().__init__()

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """(B, T, D), (B, T) -> (B, D)."""
        return states[:, 0]


class LastPooling(nn.Module):
    """The state after the last token; of a bidirectional network, the backward half comes from the first token."""

    def __init__(self, width: int, bidirectional: bool) -> None:
        """`width` counts both directions."""
        super().__init__()
        self.forward_width = width // 2 if bidirectional else width

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """(B, T, D), (B, T) -> (B, D)."""
        last = states[torch.arange(states.shape[0], device=states.device), mask.sum(dim=1) - 1]
        return torch.cat([last[:, : self.forward_width], states[:, 0, self.forward_width :]], dim=1)


class MeanPooling(nn.Module):
    """The average over tokens."""

    def __init__(self, width: int, bidirectional: bool) -> None:
        """Has no weights."""
        super().__init__()

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """(B, T, D), (B, T) -> (B, D)."""
        return mean_state(states, mask)


class MaxPooling(nn.Module):
    """The largest value of each dimension."""

    def __init__(self, width: int, bidirectional: bool) -> None:
        """Has no weights."""
        super().__init__()

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """(B, T, D), (B, T) -> (B, D)."""
        return states.masked_fill(~mask[:, :, None], float("-inf")).amax(dim=1)


class AttentionPooling(nn.Module):
    """A learned weight per token (Yang 2016, hierarchical attention): softmax(u . tanh(W s))."""

    def __init__(self, width: int, bidirectional: bool) -> None:
        """W is square."""
        super().__init__()
        self.project = nn.Linear(width, width)
        self.score = nn.Linear(width, 1, bias=False)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """(B, T, D), (B, T) -> (B, D)."""
        return (states * self.weights(states, mask)[:, :, None]).sum(dim=1)

    def weights(self, states: Tensor, mask: Tensor) -> Tensor:
        """How much each token counts: (B, T), sums to 1, 0 on padding."""
        scores = self.score(torch.tanh(self.project(states))).squeeze(2)
        return scores.masked_fill(~mask, float("-inf")).softmax(dim=1)


class PoolerPooling(nn.Module):
    """The first token's state through a dense layer and tanh: the pooler that BERT was trained with (arXiv 1810.04805)."""

    def __init__(self, width: int, bidirectional: bool) -> None:
        """The layer is square; an encoder with published weights brings them along."""
        super().__init__()
        self.dense = nn.Linear(width, width)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """(B, T, D), (B, T) -> (B, D)."""
        return torch.tanh(self.dense(states[:, 0]))


POOLINGS: Registry[Callable[[int, bool], nn.Module]] = Registry(
    {
        "first": FirstPooling,
        "last": LastPooling,
        "mean": MeanPooling,
        "max": MaxPooling,
        "attention": AttentionPooling,
        "pooler": PoolerPooling,
    }
)


Pooling = Annotated[str, key_of("pooling", POOLINGS)]


def choose_pooling(name: str, width: int, bidirectional: bool = False) -> nn.Module:
    """The pooling called `name` for states of `width`."""
    return choose("pooling", POOLINGS, name, "text.pooling")(width, bidirectional)


def mean_state(states: Tensor, mask: Tensor) -> Tensor:
    """(B, T, D), (B, T) -> (B, D): the average over what the mask keeps."""
    weights = mask[:, :, None].to(states.dtype)
    return (states * weights).sum(dim=1) / weights.sum(dim=1)
