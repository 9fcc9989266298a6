"""Features -> one logit per label (B, L)."""

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn

from multilabel.core.ranges import Depth, Share, Width
from multilabel.core.registry import Registry
from multilabel.inputs.features import Features, Reads, Widths


class LinearHead(nn.Module):
    """One linear layer on the pooled features."""

    reads: ClassVar[Reads] = "pooled"

    def __init__(self, widths: Widths, labels: int, *, dropout: Share = 0.0) -> None:
        """`dropout` acts on the features."""
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(widths.pooled, labels)  # type: ignore[arg-type]

    def forward(self, features: Features) -> Tensor:
        """Pooled (B, P) -> (B, L)."""
        return self.linear(self.dropout(features.pooled))


class MLPHead(nn.Module):
    """A dense layer, ReLU and dropout before the linear layer."""

    reads: ClassVar[Reads] = "pooled"

    def __init__(self, widths: Widths, labels: int, *, width: Width = 128, dropout: Share = 0.0) -> None:
        """`width` of the dense layer, on whose output dropout acts."""
        super().__init__()
        self.dense = nn.Linear(widths.pooled, width)  # type: ignore[arg-type]
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(width, labels)

    def forward(self, features: Features) -> Tensor:
        """Pooled (B, P) -> (B, L)."""
        return self.linear(self.dropout(torch.relu(self.dense(features.pooled))))


class QueryHead(nn.Module):
    """Every label asks the states a question of its own; where it looks explains the answer.

    Query2Label (Liu 2021, arXiv 2107.10834) and ML-Decoder (Ridnik 2021, arXiv 2111.12933): cross-attention from label
    queries without self-attention among them, a feed-forward layer, and a weight vector per label.
    """

    reads: ClassVar[Reads] = "states"

    def __init__(
        self,
        widths: Widths,
        labels: int,
        *,
        width: Width = 256,
        heads: Depth = 4,
        dim_feedforward: Width = 512,
        dropout: Share = 0.1,
    ) -> None:
        """`width` must be a multiple of `heads`."""
        super().__init__()
        self.project = nn.Linear(widths.states, width)  # type: ignore[arg-type]
        self.queries = nn.Parameter(torch.randn(labels, width) * width**-0.5)
        self.attention = nn.MultiheadAttention(width, heads, dropout, batch_first=True)
        self.first_norm, self.second_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mix = nn.Sequential(
            nn.Linear(width, dim_feedforward), nn.ReLU(), nn.Dropout(dropout), nn.Linear(dim_feedforward, width)
        )
        self.weight = nn.Parameter(torch.randn(labels, width) * width**-0.5)
        self.bias = nn.Parameter(torch.zeros(labels))

    def forward(self, features: Features) -> Tensor:
        """States (B, N, S) -> (B, L)."""
        answers, _ = self._ask(features, need_weights=False)
        return (self.second_norm(answers + self.mix(answers)) * self.weight).sum(dim=2) + self.bias

    def looks(self, features: Features) -> Tensor:
        """How much each label looks at each state: (B, L, N), sums to 1, 0 on padding."""
        return self._ask(features, need_weights=True)[1]

    def _ask(self, features: Features, need_weights: bool) -> tuple[Tensor, Tensor]:
        states = torch.relu(self.project(features.states))
        queries = self.queries.expand(states.shape[0], -1, -1)
        padding = None if features.mask is None else ~features.mask
        found, weights = self.attention(queries, states, states, key_padding_mask=padding, need_weights=need_weights)
        return self.first_norm(queries + found), weights


HEADS: Registry[Callable[..., nn.Module]] = Registry({"linear": LinearHead, "mlp": MLPHead, "query": QueryHead})
