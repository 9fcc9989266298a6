"""What encoders say of a batch; what fusions and heads read of it."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor

Lengths = tuple[int, ...] | None  # tokens per record, where the host knows them
Reads = Literal["pooled", "states"]  # one vector per record, or one per word and per place of the image


class Features(NamedTuple):
    """B records: one vector each, and where there are any, N states each, of which `mask` tells padding."""

    pooled: Tensor | None  # (B, P); None where an encoder or a fusion has states alone
    states: Tensor | None = None  # (B, N, S)
    mask: Tensor | None = None  # (B, N), true on what counts

    def to(self, device: torch.device, non_blocking: bool = False) -> "Features":
        """The same on another device."""
        return Features(*(part if part is None else part.to(device, non_blocking=non_blocking) for part in self))


class Widths(NamedTuple):
    """P and S of such features; None where there is no such part."""

    pooled: int | None
    states: int | None = None


def places(maps: Tensor) -> Tensor:
    """A feature map (B, S, H, W) as states (B, H x W, S)."""
    return maps.flatten(2).transpose(1, 2)
