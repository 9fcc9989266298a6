"""Depthwise convolutions in fp32 where a CPU computes the rest in bf16, in which their backward pass is slow.

EfficientNet-Lite, MobileNetV2 and ShuffleNetV2 train 1.6 to 2.3 times as fast for it (docs/decisions.md).
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn
from torch.overrides import TorchFunctionMode


class DepthwiseInFp32(TorchFunctionMode):
    """Takes them out of autocast while it is entered; what they return is bf16 again."""

    def __torch_function__(
        self, function: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if function is torch.conv2d:
            images, weight, *others = args
            if _is_depthwise(weight):
                with torch.autocast("cpu", enabled=False):
                    return function(images.float(), weight, *others, **(kwargs or {})).to(torch.bfloat16)
        return function(*args, **(kwargs or {}))


def depthwise_in_fp32(net: nn.Module, accelerator: Accelerator) -> AbstractContextManager[Any]:
    """What a forward pass that will be followed by a backward one is to run in."""
    half = accelerator.device.type == "cpu" and accelerator.mixed_precision == "bf16"
    if half and any(_is_depthwise(module.weight) for module in net.modules() if isinstance(module, nn.Conv2d)):
        return DepthwiseInFp32()
    return nullcontext()


def _is_depthwise(weight: torch.Tensor) -> bool:
    """Whether each filter, of which there are several, sees one channel."""
    return weight.shape[1] == 1 and weight.shape[0] > 1
