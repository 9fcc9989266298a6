"""Logits (B, L) and targets (B, L) in 0..1 -> the mean over all B x L elements, whatever the loss.

The same mean everywhere, so that a learning rate keeps its meaning when the loss or the batch size changes.
"""

from collections.abc import Callable
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt, Le, Len, Lt
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

from multilabel.core.errors import UserError
from multilabel.core.ranges import Positive
from multilabel.core.registry import Registry

Loss = Callable[[Tensor, Tensor], Tensor]
Exponent = Annotated[float, Ge(0), Le(10)]


def bce(
    frequencies: Tensor,
    *,
    pos_weight: Literal["auto"] | Positive | Annotated[list[Positive], Len(1)] | None = None,
    pos_weight_cap: Annotated[float, Ge(1), Le(1e6)] = 10.0,
) -> Loss:
    """Binary cross-entropy, one independent yes/no per label; `pos_weight` multiplies the loss of a missed label.

    `auto` takes negatives per positive on train, at most `pos_weight_cap` and at least its inverse; a number is for all
    labels, a list for each.
    """
    if pos_weight is None:
        return binary_cross_entropy_with_logits
    if pos_weight == "auto":
        weights = ((1 - frequencies) / frequencies.clamp(min=1e-9)).clamp(1 / pos_weight_cap, pos_weight_cap)
    else:
        if isinstance(pos_weight, list) and len(pos_weight) != len(frequencies):
            raise UserError(f"train.loss.pos_weight: {len(pos_weight)} weights for {len(frequencies)} labels; give one each, "
                            f"or one number for all")  # fmt: skip
        weights = torch.as_tensor(pos_weight, dtype=frequencies.dtype).expand(len(frequencies))

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        return binary_cross_entropy_with_logits(logits, targets, pos_weight=weights.to(logits))

    return loss


def soft_margin(frequencies: Tensor) -> Loss:
    """PyTorch's MultiLabelSoftMarginLoss, which is binary cross-entropy under another name."""

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        return -(targets * logsigmoid(logits) + (1 - targets) * logsigmoid(-logits)).mean()

    return loss


def focal(frequencies: Tensor, *, gamma: Exponent = 2.0, alpha: Annotated[float, Gt(0), Lt(1)] | None = None) -> Loss:
    """Cross-entropy times (1 - p)^gamma of the truth's probability p (Lin 2017, arXiv 1708.02002).

    `alpha` weighs present labels, 1 - alpha absent ones; null weighs both alike.
    """

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        present = -targets * _probability_to(gamma, -logits) * logsigmoid(logits)
        absent = -(1 - targets) * _probability_to(gamma, logits) * logsigmoid(-logits)
        return ((present + absent) if alpha is None else (alpha * present + (1 - alpha) * absent)).mean()

    return loss


def asymmetric(
    frequencies: Tensor,
    *,
    gamma_negative: Exponent = 4.0,
    gamma_positive: Exponent = 0.0,
    clip: Annotated[float, Ge(0), Lt(1)] = 0.05,
) -> Loss:
    """ASL (Ridnik 2021, arXiv 2009.14119): easy absent labels count less, and none whose probability is below `clip`.

    A mean as all losses here; its authors sum over labels, so their learning rates are L times as large.
    """

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        present = targets * logsigmoid(logits) * _probability_to(gamma_positive, -logits)
        if clip:
            shifted = logits.sigmoid() - clip
            counts = shifted > 0  # the others are left out before the power, whose gradient at 0 may be infinite
            shifted = shifted.where(counts, 0.5).clamp(max=1 - 1e-7)
            absent = (torch.log1p(-shifted) * shifted.pow(gamma_negative)).where(counts, 0.0)
        else:
            absent = logsigmoid(-logits) * _probability_to(gamma_negative, logits)
        return -(present + (1 - targets) * absent).mean()

    return loss


LOSSES: Registry[Callable[..., Loss]] = Registry(
    {
        "bce": bce,
        "soft_margin": soft_margin,
        "focal": focal,
        "asymmetric": asymmetric,
    }
)


def smoothed(targets: Tensor, share: float) -> Tensor:
    """Targets moved from 0 and 1 towards 1/2 by `share` of the way."""
    return targets * (1 - share) + share / 2 if share else targets


def _probability_to(exponent: float, logits: Tensor) -> Tensor:
    """`sigmoid(logits) ** exponent`, through logarithms: its gradient is finite also where the probability rounds to 0."""
    return torch.exp(exponent * logsigmoid(logits))
