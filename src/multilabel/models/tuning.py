"""How fast the parts of a network move: one rate for what starts at random, smaller ones for what was pretrained."""

import re
from itertools import accumulate, pairwise

from torch import nn

from multilabel.models.settings import NetworkSettings

LAYER = re.compile(r".*?\d+(?=\.)")  # `encoder.layer.3` of `encoder.layer.3.output.dense.weight`


def rate_factors(net: nn.Module, settings: NetworkSettings) -> dict[str, float]:
    """The factor of the learning rate of every trainable parameter of a network, by name."""
    factors = {name: 1.0 for name, parameter in net.named_parameters() if parameter.requires_grad}
    for part, encoder in (("image", settings.image), ("text", settings.text)):
        depths = _depths([name for name in factors if name.startswith(f"{part}.")])
        if encoder is not None:
            for name, depth in depths.items():
                factors[name] = encoder.lr_factor * encoder.layer_decay ** (max(depths.values()) - depth)
    return factors


def _depths(names: list[str]) -> dict[str, int]:
    """The layer of each parameter, from the input upwards: a numbered module, or all that stands between two of them."""
    layers = [found[0] if (found := LAYER.match(name)) else "" for name in names]
    changes = [after != before for before, after in pairwise(layers)]
    return dict(zip(names, accumulate([0, *changes]), strict=False))
