"""Words that training does not get to see, so that no single word decides."""

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor


def drop_tokens(tokens: Tensor, mask: Tensor, share: float, unknown: int, special: Sequence[int]) -> Tensor:
    """(B, T) ids with `share` of them replaced by `unknown`; padding and marks such as [CLS] stay."""
    dropped = (torch.rand(tokens.shape, device=tokens.device) < share) & mask
    words = ~torch.isin(tokens, _marks(tuple(special), tokens.device))
    return tokens.masked_fill(dropped & words, unknown)


@cache
def _marks(special: tuple[int, ...], device: torch.device) -> Tensor:
    """On the device once, for to bring them there waits for it."""
    return torch.tensor(special, device=device)
