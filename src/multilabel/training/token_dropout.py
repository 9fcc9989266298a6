"""Words that training does not get to see, so that no single word decides."""

from collections.abc import Sequence

import torch
from torch import Tensor


def drop_tokens(tokens: Tensor, mask: Tensor, share: float, unknown: int, special: Sequence[int]) -> Tensor:
    """(B, T) ids with `share` of them replaced by `unknown`; padding and marks such as [CLS] stay."""
    dropped = (torch.rand(tokens.shape, device=tokens.device) < share) & mask
    words = ~torch.isin(tokens, torch.tensor(list(special), device=tokens.device))
    return tokens.masked_fill(dropped & words, unknown)
