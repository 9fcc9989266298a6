"""How fast the parts of a network move: one rate for what starts at random, smaller ones for what was pretrained."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le
from torch import nn

LAYER = re.compile(r".*?\d+(?=\.)")  # `encoder.layer.3` of `encoder.layer.3.output.dense.weight`


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """Settings of an `image:` or `text:` block about its learning rate, as factors of `train.lr`."""

    lr_factor: Annotated[float, Ge(0), Le(10)] = 1.0  # 0 freezes the encoder
    layer_decay: Annotated[float, Gt(0), Le(1)] = 1.0  # each layer's rate relative to the layer above it


def rate_factors(net: nn.Module, settings: Mapping[str, Any]) -> dict[str, float]:
    """The factor of the learning rate of every trainable parameter of a network, by name."""
    factors = {name: 1.0 for name, parameter in net.named_parameters() if parameter.requires_grad}
    for part in ("image", "text"):
        depths = _depths([name for name in factors if name.startswith(f"{part}.")])
        for name, depth in depths.items():
            below_top = max(depths.values()) - depth
            factors[name] = settings[part]["lr_factor"] * settings[part]["layer_decay"] ** below_top
    return factors


def _depths(names: list[str]) -> dict[str, int]:
    """The layer of each parameter, from the input upwards: a numbered module, or all that stands between two of them."""
    layers = [found[0] if (found := LAYER.match(name)) else "" for name in names]
    changes = [after != before for before, after in pairwise(layers)]
    return dict(zip(names, accumulate([0, *changes]), strict=False))
