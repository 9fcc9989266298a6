"""Random views of an image batch on its own device: one resampling for all geometry, one matrix for all colour.

Every image draws its own crop, scale, flips, rotation and colours. Crop, scale, flips and rotation are affine, so they
are one `grid_sample`; brightness, contrast, saturation and hue are affine in RGB, so they are one 3x3 matrix and an offset.
"""

import math
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Le, Lt
from torch import Tensor

from multilabel.core.registry import choose
from multilabel.core.settings import as_block, parsed
from multilabel.core.yaml_files import read_yaml

PRESETS = Path(__file__).with_name("augmentations.yaml")

Probability = Annotated[float, Ge(0), Le(1)]
Strength = Annotated[float, Ge(0), Le(1)]

GREY = torch.tensor([0.299, 0.587, 0.114])  # ITU-R BT.601 luma, as PIL and torchvision weigh the channels
# RGB -> YIQ (the 1953 NTSC colour space): hue is a rotation of I and Q, saturation their length.
YIQ = torch.tensor([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How far views may differ from the image; the defaults leave it as it is."""

    crop: Annotated[float, Gt(0), Le(1)] = 1.0  # smallest share of each side that a random crop keeps
    aspect: Annotated[float, Ge(1), Le(4)] = 1.0  # largest ratio by which a crop's sides may be distorted
    flip: Probability = 0.0  # left-right
    flip_vertical: Probability = 0.0
    rotation: Annotated[float, Ge(0), Le(180)] = 0.0  # degrees, either way
    brightness: Strength = 0.0  # factor drawn from 1 - x .. 1 + x
    contrast: Strength = 0.0
    saturation: Strength = 0.0
    hue: Annotated[float, Ge(0), Le(0.5)] = 0.0  # turns of the colour circle, either way
    grey: Probability = 0.0
    sharpness: Strength = 0.0  # factor drawn from 1 - x .. 1 + x; 0 is blurred
    randaugment: Annotated[int, Ge(0), Le(10)] = 0  # operations that RandAugment chooses for each image
    magnitude: Annotated[int, Ge(0), Le(30)] = 9  # of RandAugment's operations
    erase: Probability = 0.0  # that a rectangle of an image takes its mean colour
    erase_area: Annotated[float, Gt(0), Lt(1)] = 0.33  # largest share of the image that is erased


def resolve_augmentation(block: Any, where: str) -> Augmentation:
    """`mild`, `{name: mild, rotation: 5}` or plain options -> every option; `name` is a key of augmentations.yaml."""
    if isinstance(block, Augmentation):
        return block
    block = {"name": block} if isinstance(block, str) else dict(as_block(block, where))
    preset = choose("augmentation", _presets(), block.pop("name", "none"), where)
    return parsed(Augmentation, {**preset, **block}, where)


def only_flips(settings: Augmentation) -> bool:
    """Whether an image is seen as it is or as its mirror image, and in no other way."""
    return replace(settings, flip=0.0) == Augmentation()


@cache
def _presets() -> dict[str, dict[str, Any]]:
    presets: dict[str, dict[str, Any]] = read_yaml(PRESETS)
    return presets


def augment(images: Tensor, size: int, settings: Augmentation) -> Tensor:
    """(B, 3, R, R) of 0..1 -> (B, 3, size, size), each image seen at random; draws from torch's global generator.

    What is larger than `size` is cropped: without further settings, a window of `size` pixels anywhere.
    """
    if settings.randaugment:
        images = _randaugment(images, settings)
    view = sample_geometry(images, geometry(images, settings, size), size)
    if settings.brightness or settings.contrast or settings.saturation or settings.hue or settings.grey:
        view = apply_colours(view, *colours(view, settings))
    if settings.sharpness:
        view = sharpen(view, _uniform(len(view), 1 - settings.sharpness, 1 + settings.sharpness, view.device))
    return erase(view, settings) if settings.erase else view


def geometry(images: Tensor, settings: Augmentation, size: int) -> Tensor:
    """(B, 2, 3) random affine maps from output to input coordinates, both -1..1."""
    number, device, whole = len(images), images.device, size / images.shape[-1]
    wide = high = _uniform(number, settings.crop, 1.0, device) * whole
    if settings.aspect > 1:
        stretch = torch.exp(0.5 * _uniform(number, -1.0, 1.0, device) * math.log(settings.aspect))
        wide, high = (wide * stretch).clamp(max=whole), (high / stretch).clamp(max=whole)
    angle = _uniform(number, -settings.rotation, settings.rotation, device) * (math.pi / 180)
    left_right, up_down = _flips(number, settings.flip, device), _flips(number, settings.flip_vertical, device)
    right, down = (1 - wide) * _uniform(number, -1.0, 1.0, device), (1 - high) * _uniform(number, -1.0, 1.0, device)
    cos, sin = torch.cos(angle), torch.sin(angle)
    rows = [wide * cos * left_right, -high * sin * up_down, right]
    rows += [wide * sin * left_right, high * cos * up_down, down]
    return torch.stack(rows, dim=1).view(number, 2, 3)


def sample_geometry(images: Tensor, maps: Tensor, size: int) -> Tensor:
    """Images seen through affine maps at `size` pixels a side; what lies outside repeats the border."""
    grid = F.affine_grid(maps, [len(images), 3, size, size], align_corners=False).to(images.dtype)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def sharpen(images: Tensor, factors: Tensor) -> Tensor:
    """Images between their blurred version (factor 0) and beyond themselves (above 1), as PIL defines sharpness."""
    kernel = _constants(images.device).blur.to(images.dtype)
    blurred = images.clone()  # the border stays as it is, as in PIL
    blurred[:, :, 1:-1, 1:-1] = F.conv2d(images, kernel.expand(3, 1, 3, 3), groups=3)
    return blurred.lerp(images, factors.to(images.dtype)[:, None, None, None]).clamp(0, 1)


def erase(images: Tensor, settings: Augmentation) -> Tensor:
    """In some images a rectangle takes the image's mean colour (Zhong 2017, arXiv 1708.04896; DeVries 2017, cutout)."""
    number, _, height, width = images.shape
    area = _uniform(number, min(0.02, settings.erase_area), settings.erase_area, images.device)
    stretch = torch.exp(_uniform(number, -1.0, 1.0, images.device) * math.log(3.3) / 2)  # sides up to 3.3 : 1
    half = torch.stack([(area.sqrt() * stretch).clamp(max=1), (area.sqrt() / stretch).clamp(max=1)], dim=1)  # of -1..1
    centre = _uniform(2 * number, -1.0, 1.0, images.device).view(number, 2)
    chosen = torch.rand(number, device=images.device) < settings.erase
    rows, columns = (torch.linspace(-1, 1, n, device=images.device) for n in (height, width))
    inside_rows = (rows[None] - centre[:, :1]).abs() <= half[:, :1]
    inside_columns = (columns[None] - centre[:, 1:]).abs() <= half[:, 1:]
    hidden = (inside_rows[:, :, None] & inside_columns[:, None, :] & chosen[:, None, None])[:, None]
    return torch.where(hidden, images.mean(dim=(2, 3), keepdim=True), images)


def colours(images: Tensor, settings: Augmentation) -> tuple[Tensor, Tensor]:
    """Random (B, 3, 3) matrices and (B, 3) offsets: hue and saturation, then contrast about the mean, then brightness."""
    number, device = len(images), images.device
    brightness = _uniform(number, 1 - settings.brightness, 1 + settings.brightness, device)
    contrast = _uniform(number, 1 - settings.contrast, 1 + settings.contrast, device)
    saturation = _uniform(number, 1 - settings.saturation, 1 + settings.saturation, device)
    saturation = torch.where(
        torch.rand(number, device=device) < settings.grey, torch.zeros_like(saturation), saturation
    )
    turn = _uniform(number, -settings.hue, settings.hue, device) * (2 * math.pi)
    return colour_maps(images, brightness, contrast, saturation, turn)


def colour_maps(
    images: Tensor, brightness: Tensor, contrast: Tensor, saturation: Tensor, turn: Tensor
) -> tuple[Tensor, Tensor]:
    """The same for given factors (B,) and hue angles in radians."""
    grey, yiq, rgb, _ = _constants(images.device)
    cos, sin = saturation * torch.cos(turn), saturation * torch.sin(turn)
    rotation = torch.zeros(len(images), 3, 3, device=images.device)
    rotation[:, 0, 0] = 1
    rotation[:, 1, 1], rotation[:, 1, 2], rotation[:, 2, 1], rotation[:, 2, 2] = cos, -sin, sin, cos
    matrix = (contrast * brightness)[:, None, None] * (rgb @ rotation @ yiq)
    mean_grey = images.float().mean(dim=(2, 3)) @ grey
    shift = (mean_grey * (1 - contrast) * brightness)[:, None].expand(-1, 3)
    return matrix, shift


def apply_colours(images: Tensor, matrix: Tensor, shift: Tensor) -> Tensor:
    """(B, 3, H, W) through its matrix and offset, clipped to 0..1."""
    mixed = torch.einsum("bij,bjhw->bihw", matrix.to(images.dtype), images)
    return mixed.add_(shift.to(images.dtype)[:, :, None, None]).clamp_(0, 1)


class _Constants(NamedTuple):
    grey: Tensor  # weights of the channels
    yiq: Tensor  # RGB -> YIQ
    rgb: Tensor  # YIQ -> RGB
    blur: Tensor  # PIL's kernel for sharpness


@cache
def _constants(device: torch.device) -> _Constants:
    """On the device once, for to bring them there waits for it."""
    blur = torch.tensor([[1.0, 1, 1], [1, 5, 1], [1, 1, 1]]) / 13
    return _Constants(GREY.to(device), YIQ.to(device), torch.linalg.inv(YIQ).to(device), blur.to(device))


def _uniform(number: int, low: float, high: float, device: torch.device) -> Tensor:
    return torch.rand(number, device=device) * (high - low) + low


def _flips(number: int, probability: float, device: torch.device) -> Tensor:
    """-1 with the given probability, else 1."""
    return 1 - 2 * (torch.rand(number, device=device) < probability).float()


def _randaugment(images: Tensor, settings: Augmentation) -> Tensor:
    """torchvision's RandAugment (Cubuk 2019, arXiv 1909.13719), drawn anew for every image of the batch."""
    from torchvision.transforms import RandAugment

    change = RandAugment(settings.randaugment, settings.magnitude)
    changed = [change(image) for image in (images * 255).round().to(torch.uint8)]
    return torch.stack(changed).to(images.dtype) / 255
