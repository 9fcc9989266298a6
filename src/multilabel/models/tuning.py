"""What of a network moves, and how fast: one rate for what starts at random, smaller ones or none for what was pretrained."""

import re
from itertools import accumulate, pairwise

from torch import nn

from multilabel.core.errors import UserError
from multilabel.models.hub_encoder import HubEncoder
from multilabel.models.settings import EncoderSettings, NetworkSettings

LAYER = re.compile(
    r".*?[^.]*\d[^.]*(?=\.)"
)  # `encoder.layer.3` of `encoder.layer.3.output.dense.weight`; all of `Mixed_5b`


def rate_factors(net: nn.Module, settings: NetworkSettings) -> dict[str, float]:
    """The factor of the learning rate of every trainable parameter of a network, by name."""
    factors = {name: 1.0 for name, parameter in net.named_parameters() if parameter.requires_grad}
    for part, encoder in (("image", settings.image), ("text", settings.text)):
        depths = _depths([name for name in factors if name.startswith(f"{part}.")])
        if encoder is not None:
            for name, depth in depths.items():
                factors[name] = encoder.lr_factor * encoder.layer_decay ** (max(depths.values()) - depth)
    return factors


def freeze(encoder: nn.Module, settings: EncoderSettings, where: str) -> list[nn.Module]:
    """Take the gradients from what stays as it is: all of an encoder, or what comes before the end of a stage.

    Returns those modules: without dropout and new statistics in their norms, they are to be kept in evaluation mode.
    """
    if settings.frozen:
        pooling = getattr(encoder, "pooling", None)
        if pooling is not None and any(True for _ in pooling.parameters()):
            raise UserError(f"{where}.frozen: this pooling has weights of its own, which would stay at random; "
                            f"choose first, last, mean or max")  # fmt: skip
        encoder.requires_grad_(False)
        return [encoder]
    if not settings.frozen_stages:
        return []
    stages = [stage for stage in _stages(encoder) if any(True for _ in stage.parameters())]
    if settings.frozen_stages > len(stages):
        raise UserError(f"{where}.frozen_stages: {settings.encoder} has {len(stages)} stages, not {settings.frozen_stages}; "
                        f"lower it, or write `frozen: true`")  # fmt: skip
    read = encoder.inputs_of_layers() if isinstance(encoder, HubEncoder) else []
    for part in read:
        part.requires_grad_(False)
    return _freeze_up_to(list(stages[settings.frozen_stages - 1].modules())[-1], encoder) + read


def _stages(encoder: nn.Module) -> list[nn.Module]:
    """What `frozen_stages` counts: the stages of an image network, the layers of a transformer."""
    if isinstance(encoder, HubEncoder):
        return encoder.layers()
    return [stage.module for stage in encoder.stages()] if hasattr(encoder, "stages") else []  # type: ignore[operator]


def _freeze_up_to(end: nn.Module, within: nn.Module) -> list[nn.Module]:
    """The largest modules of `within` that hold nothing that is registered after `end`."""
    frozen: list[nn.Module] = []
    for parameter in within.parameters(recurse=False):  # such as the positions of a vision transformer
        parameter.requires_grad_(False)
    for part in within.children():
        below = list(part.modules())
        if end in below and below[-1] is not end:
            return frozen + _freeze_up_to(end, part)
        part.requires_grad_(False)
        frozen.append(part)
        if end in below:
            break
    return frozen


def _depths(names: list[str]) -> dict[str, int]:
    """The layer of each parameter, from the input upwards: a numbered module, or all that stands between two of them."""
    layers = [found[0] if (found := LAYER.match(name)) else "" for name in names]
    changes = [after != before for before, after in pairwise(layers)]
    return dict(zip(names, accumulate([0, *changes]), strict=False))
