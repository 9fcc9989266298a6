"""Why a network gives a label: where it looked (Grad-CAM), what it saw by depth, and which words counted."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import torch
import torch.nn.functional as F
from captum.attr import LayerIntegratedGradients
from torch import Tensor, nn

from multilabel.core.errors import UserError
from multilabel.models.image_encoders import Stage
from multilabel.models.network import Network

STEPS = 32  # of integrated gradients
T = TypeVar("T")


class Seen(NamedTuple):
    """What a stage gave, and the same as a map (B, S, H, W)."""

    stage: Stage
    output: Tensor
    map: Tensor


def maps_of(encoder: nn.Module, run: Callable[[], T]) -> tuple[list[Seen], T]:
    """The maps of an image encoder while `run()` runs, from input to output, that have places to tell apart; its result.

    Raises `UserError` where there is none: the tokens of a transformer mix all places.
    """
    seen: list[Seen] = []
    stages: list[Stage] = encoder.stages()  # type: ignore[operator]
    handles = [stage.module.register_forward_hook(_keeper(seen, stage)) for stage in stages]
    result = run()
    for handle in handles:
        handle.remove()
    if not seen:
        raise UserError("the image encoder reads an image as tokens and keeps no feature map to show; explain a network "
                        "with convolutions, or Swin")  # fmt: skip
    return seen, result


def grad_cam(net: Network, images: Tensor, tokens: Tensor | None, mask: Tensor | None, label: int) -> Tensor:
    """(B, 3, H, W) normalised -> (B, H, W) in 0..1: how much each place speaks for a label; a caption stays as it is.

    Selvaraju et al. 2017, on the last feature map that has places to tell apart.
    """
    images = images.detach().requires_grad_()  # or a frozen encoder would leave no trace
    seen, logits = maps_of(net.image, lambda: net(images, tokens, mask))  # type: ignore[arg-type]
    last = seen[-1]
    slopes = last.stage.as_map(torch.autograd.grad(logits[:, label].sum(), last.output)[0])
    weights = slopes.mean(dim=(2, 3), keepdim=True)  # type: ignore[union-attr]
    found = (weights * last.map).sum(dim=1, keepdim=True).relu().detach()
    large = F.interpolate(found, size=images.shape[-2:], mode="bilinear", align_corners=False)[:, 0]
    return large / large.amax(dim=(1, 2), keepdim=True).clamp_min(1e-12)


def feature_maps(net: Network, images: Tensor, depths: int, channels: int) -> list[Tensor]:
    """What at most `depths` stages, evenly spread from input to output, make of the first image: (C, h, w) each.

    Of each stage the `channels` with the strongest response.
    """
    with torch.no_grad():
        seen, _ = maps_of(net.image, lambda: net.image(images[:1]))  # type: ignore[arg-type,misc]
    chosen = sorted({round(i * (len(seen) - 1) / max(1, depths - 1)) for i in range(depths)})
    return [_strongest(seen[place].map[0], channels) for place in chosen]


def word_weights(net: Network, images: Tensor | None, tokens: Tensor, mask: Tensor, label: int) -> Tensor:
    """(B, T): what each token adds to the logit of a label against an empty text; integrated gradients.

    Sundararajan et al. 2017; the sum over tokens is the difference of the logits, up to the error of `STEPS` steps.
    """

    def logits(ids: Tensor) -> Tensor:
        return net(images, ids, mask)

    empty = torch.zeros_like(tokens)  # id 0 is padding
    with torch.backends.cudnn.flags(enabled=False):  # which differentiates recurrent layers in training mode alone
        attribution = LayerIntegratedGradients(logits, _embedding(net)).attribute(
            tokens, baselines=empty, target=label, n_steps=STEPS, internal_batch_size=len(tokens)
        )
    return attribution.detach().sum(dim=2) * mask


def _embedding(net: Network) -> nn.Module:
    """The table of word vectors: the first one of the text encoder."""
    return next(module for module in net.text.modules() if isinstance(module, nn.Embedding))  # type: ignore[union-attr]


def _keeper(seen: list[Seen], stage: Stage) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
    def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        found = stage.as_map(output)
        again = bool(seen) and seen[-1].output is output  # the last block's output is that of its stage
        if found is not None and found.shape[2:].numel() > 1 and not again:
            seen.append(Seen(stage, output, found))

    return keep


def _strongest(maps: Tensor, number: int) -> Tensor:
    order = maps.abs().mean(dim=(1, 2)).argsort(descending=True)[:number]
    return maps[order]
