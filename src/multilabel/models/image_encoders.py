"""Image batches (B, 3, H, W), normalised -> features, by names such as `timm/resnet18`.

timm and torchvision are imported where they are used: together they take 2 s, which text models need not wait for.
"""

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from multilabel.core.errors import UserError
from multilabel.core.ranges import Share
from multilabel.core.registry import Registry, choose, suggestion
from multilabel.inputs.features import Features, Widths, places
from multilabel.models.weights import PRETRAINED, fill

INCEPTIONS = ("googlenet", "inception_v3")  # have auxiliary heads, and rescale their input where weights are published
OutputStride = Literal[8, 16, 32]  # pixels; what timm knows
PROBED_SIDE = 224  # pixels; every network of torchvision reads such images, or names its own size


class Stage(NamedTuple):
    """A part of an encoder that gives a feature map, residuals added."""

    module: nn.Module
    channels_last: bool

    def as_map(self, output: Tensor) -> Tensor | None:
        """What the part gave, as (B, S, H, W); None for what is no map."""
        if not isinstance(output, Tensor) or output.ndim != 4:
            return None
        return output.permute(0, 3, 1, 2) if self.channels_last else output


class TimmEncoder(nn.Module):
    """Any network of timm without its classifier."""

    def __init__(
        self, name: str, *, weights: str | None = None, dropout: Share = 0.0, output_stride: OutputStride | None = None
    ) -> None:
        """`weights` is null (random), `pretrained`, `package/<name>` or a file; `dropout` acts before the features.

        `output_stride` is how many pixels of the image a place of the last feature map stands for, null as the network is
        published: a smaller one leaves late stages undivided and dilates their convolutions instead (Yu 2017, dilated
        residual networks), with the same weights.
        """
        import timm

        super().__init__()
        _check_timm(name)
        stride = {} if output_stride is None else _stride(name, output_stride)
        make = partial(timm.create_model, name, num_classes=0, drop_rate=dropout, **stride)
        encoder = f"timm/{name}"
        self.network = _fetch(make, encoder, pretrained=True) if weights == PRETRAINED else make()
        fill(self.network, weights, encoder)
        states = int(self.network.num_features)  # type: ignore[arg-type]
        self.widths = Widths(int(getattr(self.network, "head_hidden_size", states)), states)
        self.last = nn.Identity()  # whose output is the last map, so that it can be looked at

    def forward(self, images: Tensor) -> Features:
        """(B, 3, H, W) -> one state per place of the last feature map."""
        found = self.last(self.network.forward_features(images))  # type: ignore[operator]
        return Features(self.network.forward_head(found, pre_logits=True), self._states(found))  # type: ignore[operator]

    def _states(self, found: Tensor) -> Tensor:
        if not isinstance(found, Tensor):
            name = type(self.network).__name__
            raise UserError(
                f"{name} of timm gives several feature maps at once, which no head here reads; choose another"
            )
        if found.ndim == 3:  # of a vision transformer: (B, tokens, S), the first of which are no places
            return found[:, getattr(self.network, "num_prefix_tokens", 0) :]
        return found.flatten(1, 2) if self._channels_last else places(found)

    @property
    def _channels_last(self) -> bool:
        return getattr(self.network, "output_fmt", "NCHW") == "NHWC"

    def stages(self) -> list[Stage]:
        """From input to output."""
        there = dict(self.network.named_modules())
        names = [str(stage["module"]) for stage in getattr(self.network, "feature_info", [])]
        modules = [
            *(there[name] for name in names if name in there),
            self.last,
        ]  # of HRNet, timm names some that are not
        return [Stage(module, self._channels_last) for module in modules]

    @staticmethod
    def published_input(name: str) -> dict[str, Any]:
        """How the images looked that the published weights were trained with."""
        import timm

        _check_timm(name)
        published = timm.get_pretrained_cfg(name)
        mean, std = list(published.mean), list(published.std)
        return {"size": published.input_size[-1], "mean": mean, "std": std, "interpolation": published.interpolation}


class TorchvisionEncoder(nn.Module):
    """A classification network of torchvision without its last layer, Inceptions without auxiliary heads."""

    def __init__(self, name: str, *, weights: str | None = None) -> None:
        """`weights` is null (random), `pretrained`, `package/<name>` or a file."""
        import torchvision

        super().__init__()
        _check_torchvision(name)
        make = partial(torchvision.models.get_model, name)
        if weights == PRETRAINED:
            self.network = _without_extras(_fetch(make, f"torchvision/{name}", weights="DEFAULT"))
        else:
            self.network = make(**({"init_weights": True, "aux_logits": False} if name in INCEPTIONS else {}))
        width = _take_off_last_layer(self.network)
        fill(self.network, weights, f"torchvision/{name}")
        self.maps: list[Tensor] = []
        self.widths = Widths(width, self._watch_last_map())

    def forward(self, images: Tensor) -> Features:
        """(B, 3, H, W) -> one state per place of the last feature map, if the network has one."""
        self.maps.clear()
        pooled = self.network(images)
        return Features(pooled, places(self.maps.pop()) if self.maps else None)

    def _watch_last_map(self) -> int | None:
        """Have the last map before the pooling left in `maps`; its channels, or None where tokens are pooled instead.

        What torchvision pools is (B, S, H, W) in every network, also where the stages below keep their channels last.
        """
        probe, last = deepcopy(self.network).to("meta").eval(), ("", 0)  # which computes shapes and nothing else

        def look(name: str, output: Any) -> None:
            nonlocal last
            if isinstance(output, Tensor) and output.ndim == 3:
                last = ("", 0)
            elif isinstance(output, Tensor) and output.ndim == 4 and output.shape[2:].numel() > 1:
                last = (name, output.shape[1])

        for name, stage in _stages(probe):
            stage.register_forward_hook(lambda module, inputs, output, name=name: look(name, output))
        side = getattr(probe, "image_size", PROBED_SIDE)
        probe(torch.zeros(1, 3, side, side, device="meta"))
        self.last = last[0]  # its name, for a copy of the encoder has a module of its own
        if not self.last:
            return None
        self.network.get_submodule(self.last).register_forward_hook(self._keep_map)
        return last[1]

    def stages(self) -> list[Stage]:
        """From input to output, none for a network that pools tokens."""
        if not self.last:
            return []
        last, found = self.network.get_submodule(self.last), []
        for _, part in _stages(self.network):
            found += list(part) if isinstance(part, nn.Sequential) else [part]
            if part is last:
                break
        channels_last = type(self.network).__name__ == "SwinTransformer"  # up to the last, which turns them
        return [*(Stage(part, channels_last) for part in found if part is not last), Stage(last, False)]

    def _keep_map(self, module: nn.Module, inputs: Any, output: Tensor) -> None:
        self.maps.append(output)  # a method, not a lambda, so that a copy of the encoder keeps its own

    @staticmethod
    def published_input(name: str) -> dict[str, Any]:
        """How the images looked that the published weights were trained with."""
        import torchvision

        _check_torchvision(name)
        published = torchvision.models.get_model_weights(name).DEFAULT.transforms()  # type: ignore[attr-defined]
        mean, std = ([0.5] * 3, [0.5] * 3) if name in INCEPTIONS else (list(published.mean), list(published.std))
        interpolation = published.interpolation.value
        return {"size": published.crop_size[0], "mean": mean, "std": std, "interpolation": interpolation}


IMAGE_FAMILIES: Registry[Any] = Registry({"timm": TimmEncoder, "torchvision": TorchvisionEncoder})


def image_family(encoder: Any, where: str) -> tuple[Any, str]:
    """`timm/resnet18` -> (TimmEncoder, "resnet18")."""
    family, _, name = str(encoder).partition("/")
    return choose("image encoder family", IMAGE_FAMILIES, family, where), name


def normalise(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Values 0..1 -> zero mean, unit variance per channel; (B, 3, H, W) both."""
    return torch.sub(images, mean[:, None, None]).div_(std[:, None, None])


def _check_timm(name: str) -> None:
    import timm

    if not timm.is_model(name):
        raise UserError(f"timm has no network {name!r}; {suggestion(name, timm.list_models())[:200]}...")
    plain, _, tag = name.partition(".")
    if tag and not timm.is_model_pretrained(name):
        tags = [known.partition(".")[2] for known in timm.list_pretrained(f"{plain}.*")]
        raise UserError(f"timm has no weights {tag!r} of {plain}; {suggestion(tag, tags)}")


def _stride(name: str, output_stride: int) -> dict[str, int]:
    """The option as timm takes it; which networks do is known by building one, here without memory."""
    import timm

    option = {"output_stride": output_stride}
    try:
        with torch.device("meta"):
            timm.create_model(name, **option)
    except Exception as error:  # noqa: BLE001 (each family of networks refuses in its own way)
        raise UserError(
            f"image.output_stride: timm cannot build {name} with a stride of {output_stride} ({type(error).__name__}); "
            f"take it out, or choose a network that has one, as all ResNets and EfficientNets do"
        ) from None
    return option


def _check_torchvision(name: str) -> None:
    import torchvision

    known = torchvision.models.list_models(module=torchvision.models)
    if name not in known:
        raise UserError(f"torchvision has no network {name!r}; {suggestion(name, known)[:200]}...")


def _fetch(make: Callable[..., nn.Module], encoder: str, **options: Any) -> nn.Module:
    """A network with weights from its publisher; whatever goes wrong on the way is one line."""
    try:
        return make(**options)
    except Exception as error:  # noqa: BLE001 (network libraries raise their own kinds)
        reason = str(error).split("\n")[0][:120]
        raise UserError(
            f"cannot fetch the pretrained weights of {encoder} ({type(error).__name__}: {reason}); "
            f"run once with a network so that they are cached, or write `weights: null`"
        ) from None


def _without_extras(network: nn.Module) -> nn.Module:
    """A published network in the form that random weights get: no auxiliary heads, and no rescaling of its own.

    `published_input` gives the scale that the weights were trained with instead, which stored settings keep.
    """
    for name in ("aux1", "aux2", "AuxLogits"):
        if getattr(network, name, None) is not None:
            setattr(network, name, None)
    if hasattr(network, "transform_input"):
        network.aux_logits, network.transform_input = False, False  # type: ignore[assignment]
    return network


def _stages(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """The parts that a network calls one after the other, poolings aside, which only make maps smaller."""
    found: list[tuple[str, nn.Module]] = []
    for name, child in network.named_children():
        if isinstance(child, nn.ModuleList):
            found += [(f"{name}.{i}", part) for i, part in enumerate(child)]
        elif not isinstance(child, nn.AdaptiveAvgPool2d):
            found.append((name, child))
    return found


def _has(module: nn.Module, kind: type[nn.Module]) -> bool:
    return any(isinstance(part, kind) for part in module.modules())


def _take_off_last_layer(network: nn.Module) -> int:
    """Replace the classifying layer, linear or in SqueezeNet a convolution, by nothing; the width that it read."""
    kind = nn.Linear if _has(network, nn.Linear) else nn.Conv2d
    name, last = [(name, module) for name, module in network.named_modules() if isinstance(module, kind)][-1]
    parent = network.get_submodule(name.rpartition(".")[0])
    setattr(parent, name.rpartition(".")[2], nn.Identity())
    return last.in_features if isinstance(last, nn.Linear) else last.in_channels
