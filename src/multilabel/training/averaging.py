"""An exponential moving average of the weights, which validates better than the last step's while the rate is high."""

from copy import deepcopy

import torch
from torch import Tensor, nn


class Average(nn.Module):
    """A copy of a network that follows it; how often it has is counted on the host, for a GPU would have to be asked."""

    def __init__(self, net: nn.Module, decay: float) -> None:
        """`decay` is how much of the average a step keeps, once there were many."""
        super().__init__()
        self.module, self.decay, self.updates = deepcopy(net), decay, 0

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        """Move towards `net`, which is copied at first; running statistics always are."""
        average: list[Tensor] = list(self.module.parameters())
        current: list[Tensor] = list(net.parameters())
        if self.updates == 0:
            torch._foreach_copy_(average, current)
        else:
            # As TensorFlow's: the average follows closely at first, or a short run would end near its random start.
            keep = min(self.decay, (1 + self.updates) / (10 + self.updates))
            torch._foreach_lerp_(average, current, 1 - keep)
        for own, other in zip(self.module.buffers(), net.buffers(), strict=True):
            own.copy_(other)
        self.updates += 1

    def get_extra_state(self) -> int:
        """What `state_dict` holds besides the weights."""
        return self.updates

    def set_extra_state(self, state: int) -> None:
        """The inverse."""
        self.updates = state
