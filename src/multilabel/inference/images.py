"""What people hold of an image (a path, a file's content, a Pillow image, an array) -> the pixels that a network reads."""

import io
import os
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from multilabel.core.errors import UserError, refused
from multilabel.data.images import describe, fault
from multilabel.inputs.image_cache import squeeze
from multilabel.inputs.image_input import ImageInput, Interpolation

ImageLike: TypeAlias = str | os.PathLike[str] | bytes | Image.Image | NDArray[np.generic]
MAX_MEGAPIXELS = 50.0  # of one image, as stored
BLACK_TO_WHITE = 255


class UnreadableInput(UserError):
    """An image or a text that cannot be classified: one line that says why."""


class View(NamedTuple):
    """How an image is made small once, before the network takes its centre."""

    side: int  # pixels
    interpolation: Interpolation

    @classmethod
    def of(cls, image: ImageInput) -> "View":
        """What the settings of an `image:` block ask for."""
        return cls(image.resize or image.size, image.interpolation)


def pixels(content: bytes, view: View, max_megapixels: float = MAX_MEGAPIXELS) -> NDArray[np.uint8]:
    """The content of an image file -> (side, side, 3) RGB; raises `UnreadableInput`."""
    try:
        width, height, _ = describe(content)
        if width * height > max_megapixels * 1e6:
            raise UnreadableInput(
                f"absurdly large image ({width} x {height}; at most {max_megapixels:g} megapixels are read)"
            )
        return squeeze(content, view.side, view.interpolation)
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001 (decoders raise whatever they like on damaged files)
        raise UnreadableInput(fault(content, max_megapixels) or f"undecodable image ({type(error).__name__})") from None


def file_content(image: ImageLike) -> bytes:
    """An image as the content of a file, losing nothing of it; raises `UnreadableInput`."""
    if isinstance(image, str | os.PathLike):
        try:
            return Path(image).read_bytes()
        except OSError as error:
            raise UnreadableInput(str(refused(error))) from None
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes(image)
    return _lossless(image if isinstance(image, Image.Image) else _from_array(image))


def _lossless(image: Image.Image) -> bytes:
    """As TIFF, which has all of Pillow's modes but a few, upright."""
    upright = ImageOps.exif_transpose(image)
    buffer = io.BytesIO()
    try:
        upright.save(buffer, "TIFF")
    except (OSError, KeyError, ValueError):  # a mode that TIFF lacks
        buffer = io.BytesIO()
        upright.convert("RGBA" if upright.has_transparency_data else "RGB").save(buffer, "TIFF")
    return buffer.getvalue()


def _from_array(array: NDArray[np.generic]) -> Image.Image:
    """(H, W), (H, W, 3) or (H, W, 4) of uint8, or of floats in 0..1."""
    array = np.asarray(array)
    fits = array.size > 0 and (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4)))
    if fits and np.issubdtype(array.dtype, np.floating):
        fits = bool(np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1)
        array = np.rint(array * BLACK_TO_WHITE).astype(np.uint8) if fits else array
    if not fits or array.dtype != np.uint8:
        raise UnreadableInput(f"an array of shape {array.shape} and type {array.dtype} is no image; give (height, width), or "
                              f"(height, width, 3 or 4), of uint8 or of floats in 0..1")  # fmt: skip
    return Image.fromarray(np.ascontiguousarray(array))
