"""An exponential moving average of the weights, which validates better than the last step's while the rate is high."""

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

Tensors = tuple[Tensor, ...] | list[Tensor]


def averaged(net: nn.Module, decay: float) -> AveragedModel:
    """A copy of `net` whose `update_parameters(net)` moves it towards `net`; running statistics are copied."""

    def move(average: Tensors, current: Tensors, updates: Tensor | int) -> None:
        # As TensorFlow's: the average follows closely at first, or a short run would end near its random start.
        keep = min(decay, (1 + float(updates)) / (10 + float(updates)))
        torch._foreach_lerp_(list(average), list(current), 1 - keep)

    return AveragedModel(net, multi_avg_fn=move, use_buffers=False)
