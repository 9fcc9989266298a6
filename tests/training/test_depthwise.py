"""Depthwise convolutions leave bf16 on a CPU, alone, and gradients stay those of the network."""

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import timm
import torch
from torch import nn

from multilabel.training.depthwise import DepthwiseInFp32, depthwise_in_fp32


def on(device: str, precision: str) -> Any:
    return SimpleNamespace(device=torch.device(device), mixed_precision=precision)


@pytest.mark.parametrize(
    ("network", "device", "precision", "applies"),
    [
        ("tf_efficientnet_lite0", "cpu", "bf16", True),
        ("tf_efficientnet_lite0", "cpu", "no", False),
        ("tf_efficientnet_lite0", "cuda", "bf16", False),
        ("resnet10t", "cpu", "bf16", False),
        ("resnext26ts", "cpu", "bf16", False),  # groups of several channels
    ],
)
def test_it_applies_to_networks_that_have_them_on_a_cpu_in_bf16(
    network: str, device: str, precision: str, applies: bool
) -> None:
    entered = depthwise_in_fp32(timm.create_model(network), on(device, precision))
    assert isinstance(entered, DepthwiseInFp32) is applies


@pytest.mark.parametrize(("groups", "in_fp32"), [(1, False), (2, False), (8, True)])
def test_depthwise_convolutions_alone_are_computed_in_fp32(groups: int, in_fp32: bool) -> None:
    torch.manual_seed(0)
    net, images = nn.Conv2d(8, 8, 3, groups=groups), torch.randn(2, 8, 9, 9)
    with torch.autocast("cpu", torch.bfloat16):
        half = net(images)
        with DepthwiseInFp32():
            ours = net(images)
    exact = net(images).bfloat16()
    assert not torch.equal(half, exact)
    assert torch.equal(ours, exact if in_fp32 else half)


@pytest.mark.parametrize("bias", [True, False])
def test_gradients_are_those_of_fp32_but_for_the_rounding_of_what_comes_in(bias: bool) -> None:
    torch.manual_seed(0)
    net = nn.Conv2d(8, 16, 3, stride=2, padding=1, groups=8, bias=bias)
    images = torch.randn(4, 8, 9, 9).bfloat16().float()
    gradients = []
    for precision in (nullcontext(), torch.autocast("cpu", torch.bfloat16)):
        net.zero_grad()
        with precision, DepthwiseInFp32():
            net(images).float().sum().backward()
        gradients.append([own.grad.clone() for own in net.parameters() if own.grad is not None])
    for exact, ours in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, exact)
