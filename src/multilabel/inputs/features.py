"""What encoders say of a batch; what fusions and heads read of it."""

from collections.abc import Callable
from typing import Literal, NamedTuple

from torch import Tensor

Lengths = tuple[int, ...] | None  # tokens per record, where the host knows them
Reads = Literal["pooled", "states"]  # one vector per record, or one per word and per place of the image


class Features(NamedTuple):
    """B records: one vector each, and where there are any, N states each, of which `mask` tells padding."""

    pooled: Tensor | None  # (B, P); None where an encoder or a fusion has states alone
    states: Tensor | None = None  # (B, N, S)
    mask: Tensor | None = None  # (B, N), true on what counts

    def each(self, change: Callable[[Tensor], Tensor]) -> "Features":
        """The same after `change` of every tensor."""
        return Features(*(part if part is None else change(part) for part in self))


class Widths(NamedTuple):
    """P and S of such features; None where there is no such part."""

    pooled: int | None
    states: int | None = None


def places(maps: Tensor) -> Tensor:
    """A feature map (B, S, H, W) as states (B, H x W, S)."""
    return maps.flatten(2).transpose(1, 2)
