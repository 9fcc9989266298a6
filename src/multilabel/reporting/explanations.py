"""Why a network gives a label: where it looked (Grad-CAM), what it saw by depth, and which words counted (captum)."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from captum.attr import LayerGradCam, LayerIntegratedGradients
from torch import Tensor, nn

from multilabel.models.network import Network

LEAST_SIDE = 4  # places a side of a feature map that is worth showing
STEPS = 32  # of integrated gradients


def convolutions(net: Network, images: Tensor) -> list[nn.Module]:
    """The convolutions of the image encoder from input to output whose maps have at least `LEAST_SIDE` places a side."""
    sides: list[tuple[nn.Module, int]] = []
    handles = [
        module.register_forward_hook(lambda module, inputs, output: sides.append((module, min(output.shape[-2:]))))
        for module in net.image.modules()  # type: ignore[union-attr]
        if isinstance(module, nn.Conv2d)
    ]
    with torch.no_grad():
        net.image(images)  # type: ignore[misc]
    for handle in handles:
        handle.remove()
    return [module for module, side in sides if side >= LEAST_SIDE]


def grad_cam(net: Network, images: Tensor, tokens: Tensor | None, mask: Tensor | None, label: int) -> Tensor:
    """(B, 3, H, W) normalised -> (B, H, W) in 0..1: how much each place speaks for a label; a caption stays as it is.

    Selvaraju et al. 2017, on the last convolution that still has places to tell apart.
    """

    def logits(pictures: Tensor) -> Tensor:
        return net(pictures, tokens, mask)

    layer = convolutions(net, images)[-1]
    found = LayerGradCam(logits, layer).attribute(images, target=label, relu_attributions=True)
    large = F.interpolate(found.detach(), size=images.shape[-2:], mode="bilinear", align_corners=False)[:, 0]
    return large / large.amax(dim=(1, 2), keepdim=True).clamp_min(1e-12)


def feature_maps(net: Network, images: Tensor, depths: int, channels: int) -> list[Tensor]:
    """What `depths` convolutions, evenly spread from input to output, make of the first picture: (C, h, w) each.

    Of each convolution the `channels` with the strongest response.
    """
    layers = convolutions(net, images[:1])
    chosen = [layers[round(i * (len(layers) - 1) / max(1, depths - 1))] for i in range(depths)]
    found: dict[int, Tensor] = {}
    handles = [layer.register_forward_hook(_keeper(found, place)) for place, layer in enumerate(chosen)]
    with torch.no_grad():
        net.image(images[:1])  # type: ignore[misc]
    for handle in handles:
        handle.remove()
    return [_strongest(found[place][0], channels) for place in range(depths)]


def word_weights(net: Network, images: Tensor | None, tokens: Tensor, mask: Tensor, label: int) -> Tensor:
    """(B, T): what each token adds to the logit of a label against an empty text; integrated gradients.

    Sundararajan et al. 2017; the sum over tokens is the difference of the logits, up to the error of `STEPS` steps.
    """

    def logits(ids: Tensor) -> Tensor:
        return net(images, ids, mask)

    empty = torch.zeros_like(tokens)  # id 0 is padding
    attribution = LayerIntegratedGradients(logits, _embedding(net)).attribute(
        tokens, baselines=empty, target=label, n_steps=STEPS, internal_batch_size=len(tokens)
    )
    return attribution.detach().sum(dim=2) * mask


def _embedding(net: Network) -> nn.Module:
    """The table of word vectors: the first one of the text encoder."""
    return next(module for module in net.text.modules() if isinstance(module, nn.Embedding))  # type: ignore[union-attr]


def _keeper(found: dict[int, Tensor], place: int) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
    def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        found[place] = output

    return keep


def _strongest(maps: Tensor, number: int) -> Tensor:
    order = maps.abs().mean(dim=(1, 2)).argsort(descending=True)[:number]
    return maps[order]
