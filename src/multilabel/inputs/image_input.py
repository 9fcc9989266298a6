"""How images reach a network: their size, how they are resized, and the mean and spread that its weights expect."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Len

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
Interpolation = Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]  # Pillow's
Pixels = Annotated[int, Ge(16), Le(1024)]


@dataclass(frozen=True, kw_only=True)
class ImageInput:
    """Settings of an `image:` block that do not belong to the network itself."""

    size: Pixels = 64  # pixels a side that the network reads
    resize: Pixels | None = None  # pixels a side before cropping to `size`: at random in training, the centre after
    interpolation: Interpolation = "bilinear"  # of the one resizing that every image goes through
    mean: Annotated[Sequence[Annotated[float, Ge(-10), Le(10)]], Len(3, 3)] = (
        IMAGENET_MEAN  # of values 0..1, by channel
    )
    std: Annotated[Sequence[Annotated[float, Gt(0.001), Le(10)]], Len(3, 3)] = IMAGENET_STD
