"""Image encoders: the states that heads read are the places of the network's last feature map, whatever its layout."""

import pytest
import torch
from accelerate import init_empty_weights
from torch import Tensor

from multilabel.core.errors import UserError
from multilabel.models.image_encoders import TimmEncoder, TorchvisionEncoder, normalise

LAST_MAPS = {  # the part of the network whose output is pooled, and the order of its axes
    "swin_t": ("norm", "NHWC"), "swin_v2_t": ("norm", "NHWC"), "maxvit_t": ("blocks.3", "NCHW"),
    "convnext_tiny": ("features", "NCHW"), "resnet18": ("layer4", "NCHW"), "mobilenet_v3_small": ("features", "NCHW"),
    "shufflenet_v2_x0_5": ("conv5", "NCHW"), "regnet_x_400mf": ("trunk_output", "NCHW"),
    "densenet121": ("features", "NCHW"), "mnasnet0_5": ("layers", "NCHW"), "squeezenet1_1": ("features", "NCHW"),
    "googlenet": ("inception5b", "NCHW"), "inception_v3": ("Mixed_7c", "NCHW"),
}  # fmt: skip
SIZES = {"maxvit_t": [(224, 224)], "inception_v3": [(160, 128)]}


def images(height: int, width: int) -> Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", LAST_MAPS)
def test_states_are_the_places_of_the_last_map(name: str) -> None:
    torch.manual_seed(0)
    net = TorchvisionEncoder(name).eval()
    part, order = LAST_MAPS[name]
    maps: list[Tensor] = []
    net.network.get_submodule(part).register_forward_hook(lambda module, inputs, output: maps.append(output))
    for height, width in SIZES.get(name, [(96, 96), (96, 160)]):
        with torch.no_grad():
            found = net(images(height, width))
        expected = maps.pop() if order == "NHWC" else maps.pop().permute(0, 2, 3, 1)
        assert found.pooled.shape == (2, net.widths.pooled)
        assert found.states.shape[2] == net.widths.states
        assert torch.equal(found.states, expected.flatten(1, 2))


@pytest.mark.parametrize(
    "name", ["swin_t", "swin_v2_t", "resnet18", "shufflenet_v2_x0_5", "mnasnet0_5", "squeezenet1_1"]
)
def test_what_is_pooled_is_the_mean_state(name: str) -> None:
    found = TorchvisionEncoder(name).eval()(images(96, 96))
    mean = found.states.mean(dim=1)
    torch.testing.assert_close(mean.relu() if name == "squeezenet1_1" else mean, found.pooled, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", [*LAST_MAPS, "alexnet", "vgg11", "efficientnet_b0", "efficientnet_v2_s", "vit_b_32"])
def test_every_family_of_torchvision_is_as_wide_as_it_says_in_training(name: str) -> None:
    with init_empty_weights():
        net = TorchvisionEncoder(name)
    found = net.to("meta")(torch.zeros(2, 3, 224, 224, device="meta"))
    assert found.pooled.shape == (2, net.widths.pooled)
    assert (net.widths.states is None) == name.startswith("vit_")  # which pools tokens, not places
    assert found.states is None or found.states.shape[2] == net.widths.states


@pytest.mark.parametrize(("stride", "side"), [(None, 2), (32, 2), (16, 4), (8, 8)])
def test_a_smaller_stride_keeps_more_places_and_the_same_weights(stride: int | None, side: int) -> None:
    torch.manual_seed(0)
    net = TimmEncoder("resnet10t", output_stride=stride).eval()
    torch.manual_seed(0)
    plain = TimmEncoder("resnet10t").eval()
    assert net(images(64, 64)).states.shape == (2, side * side, 512)
    assert all(torch.equal(value, plain.state_dict()[name]) for name, value in net.state_dict().items())


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "densenet121"])
def test_a_network_without_a_choice_of_stride_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(
        UserError, match=rf"^image.output_stride: timm cannot build {name} with a stride of 16 \(TypeError\); ta"
    ):
        TimmEncoder(name, output_stride=16)


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_published_inceptions_are_stored_in_the_form_that_they_are_loaded_in(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torchvision

    def published(asked: str, **options: object) -> torch.nn.Module:
        options.pop("weights", None)
        return real(asked, **{"aux_logits": True, "init_weights": False, "transform_input": True, **options})

    real = torchvision.models.get_model
    torch.manual_seed(0)
    with monkeypatch.context() as patched:
        patched.setattr("torchvision.models.get_model", published)
        net = TorchvisionEncoder(name, weights="pretrained").eval()
    again = TorchvisionEncoder(name).eval()
    again.load_state_dict(net.state_dict())
    given = TorchvisionEncoder.published_input(name)
    raw = images(128, 128)
    ours = normalise(raw, torch.tensor(given["mean"]), torch.tensor(given["std"]))
    with torch.no_grad():
        assert torch.equal(again(ours).pooled, net(ours).pooled)
        net.network.transform_input = True  # as published: from ImageNet's mean and spread
        theirs = normalise(raw, torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225]))
        torch.testing.assert_close(again(ours).pooled, net(theirs).pooled, atol=1e-4, rtol=1e-4)


def test_a_timm_network_with_several_maps_is_refused_in_one_line() -> None:
    with init_empty_weights():
        net = TimmEncoder("crossvit_tiny_240")
    with pytest.raises(
        UserError, match="CrossVit of timm gives several feature maps at once, which no head here reads"
    ):
        net.to("meta")(torch.zeros(1, 3, 240, 240, device="meta"))
