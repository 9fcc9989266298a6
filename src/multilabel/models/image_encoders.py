"""Image batches (B, 3, H, W), normalised -> features, by names such as `timm/resnet18`.

timm and torchvision are imported where they are used: together they take 2 s, which text models need not wait for.
"""

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from multilabel.core.errors import UserError
from multilabel.core.registry import choose, suggestion
from multilabel.models.features import Features, Widths, places

PRETRAINED = "pretrained"


class TimmEncoder(nn.Module):
    """Any network of timm without its classifier."""

    def __init__(self, name: str, *, weights: str | None = None, dropout: float = 0.0) -> None:
        """`weights` is null (random), `pretrained`, or a file; `dropout` is the network's own, before its features."""
        import timm

        super().__init__()
        _check_timm(name)
        make = partial(timm.create_model, name, num_classes=0, drop_rate=dropout)
        encoder = f"timm/{name}"
        self.network = _fetch(make, encoder, pretrained=True) if weights == PRETRAINED else make()
        _load_weights_file(self.network, weights, encoder)
        states = int(self.network.num_features)  # type: ignore[arg-type]
        self.widths = Widths(int(getattr(self.network, "head_hidden_size", states)), states)

    def forward(self, images: Tensor) -> Features:
        """(B, 3, H, W) -> one state per place of the last feature map."""
        found = self.network.forward_features(images)  # type: ignore[operator]
        return Features(self.network.forward_head(found, pre_logits=True), self._states(found))  # type: ignore[operator]

    def _states(self, found: Tensor) -> Tensor:
        if found.ndim == 3:  # of a vision transformer: (B, tokens, S), the first of which are no places
            return found[:, getattr(self.network, "num_prefix_tokens", 0) :]
        channels_last = getattr(self.network, "output_fmt", "NCHW") == "NHWC"
        return found.flatten(1, 2) if channels_last else places(found)

    @staticmethod
    def published_input(name: str) -> dict[str, Any]:
        """The size, mean and spread that the published weights were trained with."""
        import timm

        _check_timm(name)
        published = timm.get_pretrained_cfg(name)
        return {"size": published.input_size[-1], "mean": list(published.mean), "std": list(published.std)}


class TorchvisionEncoder(nn.Module):
    """A classification network of torchvision with its last linear layer taken off, GoogLeNet without auxiliary heads."""

    def __init__(self, name: str, *, weights: str | None = None) -> None:
        """`weights` is null (random), `pretrained`, or a file."""
        import torchvision

        super().__init__()
        _check_torchvision(name)
        make = partial(torchvision.models.get_model, name)
        if weights == PRETRAINED:
            self.network = _fetch(make, f"torchvision/{name}", weights="DEFAULT")
            if name == "googlenet":
                self.network.aux_logits, self.network.aux1, self.network.aux2 = False, None, None  # type: ignore[assignment]
        else:
            self.network = make(**({"init_weights": True, "aux_logits": False} if name == "googlenet" else {}))
        width = _take_off_last_linear(self.network)
        _load_weights_file(self.network, weights, f"torchvision/{name}")
        self.maps: list[Tensor] = []
        self.widths = Widths(width, self._watch_last_map())

    def forward(self, images: Tensor) -> Features:
        """(B, 3, H, W) -> one state per place of the last feature map, if the network has one."""
        self.maps.clear()
        pooled = self.network(images)
        return Features(pooled, places(self.maps.pop()) if self.maps else None)

    def _watch_last_map(self) -> int | None:
        """Have the last stage with convolutions leave its output in `maps`; its channels, or None for a transformer."""
        stages = [name for name, stage in self.network.named_children() if _has(stage, nn.Conv2d)]
        if not stages or _has(self.network, nn.MultiheadAttention):
            return None
        probe, found = deepcopy(self.network).to("meta").eval(), []  # which computes shapes and nothing else
        probe.get_submodule(stages[-1]).register_forward_hook(lambda module, inputs, output: found.append(output))
        probe(torch.zeros(1, 3, 96, 96, device="meta"))
        self.network.get_submodule(stages[-1]).register_forward_hook(self._keep_map)
        return found[0].shape[1]

    def _keep_map(self, module: nn.Module, inputs: Any, output: Tensor) -> None:
        self.maps.append(output)  # a method, not a lambda, so that a copy of the encoder keeps its own

    @staticmethod
    def published_input(name: str) -> dict[str, Any]:
        """The size, mean and spread that the published weights were trained with."""
        import torchvision

        _check_torchvision(name)
        published = torchvision.models.get_model_weights(name).DEFAULT.transforms()  # type: ignore[attr-defined]
        return {"size": published.crop_size[0], "mean": list(published.mean), "std": list(published.std)}


IMAGE_FAMILIES: dict[str, Any] = {"timm": TimmEncoder, "torchvision": TorchvisionEncoder}


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


def _load_weights_file(network: nn.Module, weights: str | None, encoder: str) -> None:
    """Fill a network from a file of its state; entries of a classifier that the network lacks are passed over."""
    if weights in (None, PRETRAINED):
        return
    path = Path(str(weights))
    if not path.is_file():
        raise UserError(
            f"image.weights: {weights}: no such file; write null (random), pretrained, or a file of weights"
        )
    try:
        safe = path.suffix == ".safetensors"
        state = load_file(path) if safe else torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 (whatever is wrong with a file)
        raise UserError(f"image.weights: {weights} holds no plain tensors ({type(error).__name__}); "
                        f"store the network's state_dict, best as .safetensors") from None  # fmt: skip
    state = state.get("state_dict", state)
    own = network.state_dict()
    unfit = [name for name in own if name not in state or state[name].shape != own[name].shape]
    if unfit:
        raise UserError(
            f"image.weights: {weights} does not fit {encoder}: {len(unfit)} of {len(own)} entries are missing or of "
            f"another shape, the first is {unfit[0]!r}; name the encoder that the file was made with"
        )
    network.load_state_dict({name: state[name] for name in own})


def _has(module: nn.Module, kind: type[nn.Module]) -> bool:
    return any(isinstance(part, kind) for part in module.modules())


def _take_off_last_linear(network: nn.Module) -> int:
    """Replace the last linear layer by nothing; the width that it read."""
    name, last = [(name, module) for name, module in network.named_modules() if isinstance(module, nn.Linear)][-1]
    parent = network.get_submodule(name.rpartition(".")[0])
    setattr(parent, name.rpartition(".")[2], nn.Identity())
    return last.in_features
