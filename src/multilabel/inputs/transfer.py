"""From the host to the device that computes."""

import torch
from torch import Tensor


def sent(part: Tensor, device: torch.device) -> Tensor:
    """A tensor of the host on its way to a device; of a GPU nothing waits, neither it nor the host."""
    return part.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else part.to(device)
