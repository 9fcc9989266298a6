"""Explanations point at what a network has in fact read."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from multilabel.core.errors import UserError
from multilabel.models.heads import LinearHead
from multilabel.models.image_encoders import IMAGE_FAMILIES
from multilabel.models.network import Network
from multilabel.models.text_encoders import TEXT_ENCODERS
from multilabel.reporting import explanations
from multilabel.reporting.explanations import feature_maps, grad_cam, maps_of, word_weights

CLASSES = 3


def network(encoder: str) -> Network:
    torch.manual_seed(0)
    family, _, name = encoder.partition("/")
    image = IMAGE_FAMILIES[family](name)
    return Network(image, None, None, [LinearHead(image.widths, CLASSES)]).eval()


def noise(number: int, size: int, seed: int = 1) -> Tensor:
    return torch.randn(number, 3, size, size, generator=torch.Generator().manual_seed(seed))


# Of these, what the head reads is the mean over the places of the last map.
MEANS = [("timm/resnet10t", 64), ("torchvision/resnet18", 64), ("torchvision/shufflenet_v2_x0_5", 96),
         ("torchvision/swin_t", 96), ("timm/swin_tiny_patch4_window7_224", 224)]  # fmt: skip


@pytest.mark.parametrize(("encoder", "size"), MEANS)
def test_grad_cam_of_a_mean_and_a_linear_head_is_the_map_that_its_weights_draw(encoder: str, size: int) -> None:
    """Zhou et al. 2016: of the block's output, the residual added, each place's share of the logit."""
    net, images = network(encoder), noise(2, size)
    with torch.no_grad():
        states = net.image(images).states  # (B, places, S)
    side = round(states.shape[1] ** 0.5)
    for label in range(CLASSES):
        shares = (states @ net.heads[0].linear.weight[label]).relu().view(2, 1, side, side)
        expected = nn.functional.interpolate(shares, size=(size, size), mode="bilinear", align_corners=False)[:, 0]
        found = grad_cam(net, images, None, None, label)
        peak = expected.amax(dim=(1, 2), keepdim=True).clamp_min(1e-12)
        torch.testing.assert_close(found, (expected / peak).detach(), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(("encoder", "size"), [*MEANS, ("timm/efficientnet_b0", 64), ("torchvision/mobilenet_v2", 64),
                                               ("torchvision/densenet121", 64), ("timm/convnext_atto", 64)])  # fmt: skip
def test_the_last_map_is_what_the_states_are_made_of(encoder: str, size: int) -> None:
    net, images = network(encoder), noise(1, size)
    with torch.no_grad():
        seen, found = maps_of(net.image, lambda: net.image(images))
    assert torch.equal(seen[-1].map.flatten(2).transpose(1, 2), found.states)
    sides = [one.map.shape[-1] for one in seen]
    assert sides == sorted(sides, reverse=True)
    assert len(sides) >= 4


def corner(quadrant: int, colour: int, images: Tensor) -> None:
    """A square of one colour in a quarter of each image."""
    half = images.shape[-1] // 2
    row, column = (4 + half * place for place in divmod(quadrant, 2))
    square = images[:, :, row : row + half - 8, column : column + half - 8]
    square[:] = -2
    square[:, colour] = 3


def test_words_are_weighed_without_what_differentiates_in_training_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """cuDNN refuses the backward pass of a recurrent network that is evaluated."""
    seen: list[bool] = []
    attribute = explanations.LayerIntegratedGradients.attribute

    def watched(self: Any, *given: Any, **options: Any) -> Any:
        seen.append(torch.backends.cudnn.enabled)
        return attribute(self, *given, **options)

    monkeypatch.setattr(explanations.LayerIntegratedGradients, "attribute", watched)
    text = TEXT_ENCODERS["gru"](vocabulary=9, embedding=4, hidden=4)
    net = Network(None, text, None, [LinearHead(text.widths, CLASSES)]).eval()
    found = word_weights(net, None, torch.tensor([[3, 4, 5]]), torch.ones(1, 3, dtype=torch.bool), 1)
    assert found.shape == (1, 3)
    assert (seen, torch.backends.cudnn.enabled) == ([False], True)


def test_a_trained_network_looks_where_the_reason_is() -> None:
    net = network("timm/resnet10t").train()
    steps = torch.optim.AdamW(net.parameters(), lr=3e-3)
    for step in range(24):
        images, targets = noise(12, 64, step), torch.zeros(12, CLASSES)
        for i in range(12):
            colour, quadrant = (i + step) % CLASSES, (i // 3 + step) % 4
            corner(quadrant, colour, images[i : i + 1])
            targets[i, colour] = 1
        steps.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(net(images, None, None), targets).backward()
        steps.step()
    net.eval()
    for reason, other in ((0, 3), (3, 0), (1, 2), (2, 1)):
        images = noise(2, 64, 99)
        corner(reason, 0, images)
        corner(other, 1, images)
        for label, place in ((0, reason), (1, other)):
            found = grad_cam(net, images, None, None, label).mean(dim=0)
            quarters = found.unfold(0, 32, 32).unfold(1, 32, 32).sum(dim=(2, 3)).flatten()
            assert quarters.argmax() == place


def test_a_frozen_encoder_is_explained_as_well() -> None:
    net, images = network("timm/resnet10t"), noise(2, 64)
    free = grad_cam(net, images, None, None, 0)
    net.image.requires_grad_(False)
    net.frozen.append(net.image)
    assert torch.equal(grad_cam(net, images, None, None, 0), free)


def test_maps_of_a_single_place_are_passed_over() -> None:
    net, images = network("timm/resnet10t"), noise(1, 32)  # whose last map is a single place
    seen, _ = maps_of(net.image, lambda: net.image(images))
    assert seen[-1].map.shape[2:] == (2, 2)
    assert grad_cam(net, images, None, None, 0).shape == (1, 32, 32)


def test_feature_maps_are_those_of_blocks_from_input_to_output() -> None:
    found = feature_maps(network("timm/resnet10t"), noise(1, 64), depths=5, channels=8)
    assert [tuple(part.shape) for part in found] == [(8, side, side) for side in (32, 16, 8, 4, 2)]
    assert len(feature_maps(network("timm/convnext_atto"), noise(1, 64), depths=9, channels=8)) == 4  # no stage twice


@pytest.mark.parametrize("encoder", ["timm/vit_tiny_patch16_224", "torchvision/vit_b_32"])
def test_an_encoder_of_tokens_is_refused_in_one_line(encoder: str) -> None:
    net, images = network(encoder), noise(1, 224)
    message = (
        r"^the image encoder reads an image as tokens and keeps no feature map to show; explain a network with conv"
    )
    with pytest.raises(UserError, match=message):
        grad_cam(net, images, None, None, 0)
    with pytest.raises(UserError, match=message):
        feature_maps(net, images, 5, 8)


def test_an_encoder_whose_stages_are_named_wrongly_is_explained_by_its_last_map() -> None:
    net = network("timm/hrnet_w18_small")
    assert grad_cam(net, noise(1, 64), None, None, 0).shape == (1, 64, 64)
