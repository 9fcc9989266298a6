"""A table of word vectors that can start from trained ones, and grow by words that were never trained on."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class WordEmbedding(nn.Embedding):
    """Word ids -> vectors; id 0 is padding. Ids beyond the vocabulary belong to the rows given to `extend`."""

    extra: Tensor

    def __init__(self, vocabulary: int, width: int, tuned: bool = True) -> None:
        """Random vectors; not `tuned` ones stay as `start_from` leaves them."""
        super().__init__(vocabulary, width, padding_idx=0)
        self.weight.requires_grad_(tuned)
        self.register_buffer("extra", torch.zeros(0, width), persistent=False)

    @torch.no_grad()
    def start_from(self, vectors: Tensor) -> None:
        """(V, E) in place of the random vectors."""
        self.weight.copy_(vectors)

    def extend(self, vectors: Tensor) -> None:
        """(W, E) for the ids from V to V + W - 1, never tuned and never stored; replaces those given before."""
        self.extra = vectors.to(self.weight)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) -> (B, T, E)."""
        if len(self.extra) == 0:
            return super().forward(tokens)
        return F.embedding(tokens, torch.cat([self.weight, self.extra]), padding_idx=self.padding_idx)
