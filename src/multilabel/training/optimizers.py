"""Optimizers over groups of weights: biases and norms are never decayed, pretrained parts may have a rate of their own."""

from collections.abc import Callable
from typing import Annotated

import torch
from annotated_types import Gt
from torch import nn
from torch.optim import Optimizer

from multilabel.core.ranges import Share
from multilabel.core.registry import Registry
from multilabel.models.settings import NetworkSettings
from multilabel.models.tuning import rate_factors


def adamw(groups: list[dict], lr: float, *, beta1: Share = 0.9, beta2: Share = 0.999) -> Optimizer:
    """Adam with decoupled weight decay (Loshchilov 2019, arXiv 1711.05101)."""
    return torch.optim.AdamW(groups, lr=lr, betas=(beta1, beta2), fused=True)


def adam(groups: list[dict], lr: float, *, beta1: Share = 0.9, beta2: Share = 0.999) -> Optimizer:
    """Adam (Kingma 2015, arXiv 1412.6980); weight decay is added to the gradient."""
    return torch.optim.Adam(groups, lr=lr, betas=(beta1, beta2), fused=True)


def sgd(groups: list[dict], lr: float, *, momentum: Share = 0.9, nesterov: bool = False) -> Optimizer:
    """Stochastic gradient descent with momentum."""
    return torch.optim.SGD(groups, lr=lr, momentum=momentum, nesterov=nesterov and momentum > 0, fused=True)


def adadelta(groups: list[dict], lr: float, *, rho: Share = 0.9, eps: Annotated[float, Gt(0)] = 1e-6) -> Optimizer:
    """AdaDelta (Zeiler 2012, arXiv 1212.5701), whose paper sets `lr` to 1: smaller ones slow it down a lot."""
    return torch.optim.Adadelta(groups, lr=lr, rho=rho, eps=eps)


OPTIMIZERS: Registry[Callable[..., Optimizer]] = Registry(
    {"adamw": adamw, "adam": adam, "sgd": sgd, "adadelta": adadelta}
)


def weight_groups(net: nn.Module, settings: NetworkSettings, weight_decay: float) -> list[dict]:
    """One group per factor of the learning rate and kind: matrices with weight decay, vectors (biases, norms) without."""
    factors = rate_factors(net, settings)
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in net.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((factors[name], parameter.ndim > 1), []).append(parameter)
    return [
        {"params": parameters, "weight_decay": weight_decay if matrices else 0.0, "factor": factor}
        for (factor, matrices), parameters in groups.items()
    ]
