"""An encoded picture -> upright RGB, whatever its mode, and whether it can be one at all."""

import io
import warnings

from PIL import Image, ImageOps, UnidentifiedImageError

Image.MAX_IMAGE_PIXELS = None  # `fault` has a limit of its own, which is a setting


def _grey_picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "grey").save(buffer, "PNG")
    return buffer.getvalue()


GREY_PICTURE = _grey_picture()  # stands in where a picture is needed and there is none


def open_rgb(content: bytes, at_least: int | None = None) -> Image.Image:
    """The picture upright (EXIF) in RGB; transparency lies on white, CMYK and greyscale are converted.

    `at_least` lets JPEG decode at a reduced scale whose shorter side still has that many pixels.
    """
    image: Image.Image = Image.open(io.BytesIO(content))
    if at_least is not None:
        image.draft("RGB", (at_least, at_least))
    image = ImageOps.exif_transpose(image)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def fault(content: bytes, max_megapixels: float) -> str | None:
    """Why these bytes cannot be used as a picture, or None; the size is checked before anything is decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(content))
            width, height = image.size
            if width * height > max_megapixels * 1e6:
                return f"absurdly large picture ({width} x {height}; ingest.max_megapixels is {max_megapixels:g})"
            open_rgb(content)
    except UnidentifiedImageError:
        return "undecodable picture (no known image format)"
    except Exception as error:  # noqa: BLE001 (decoders raise whatever they like on damaged files)
        return f"undecodable picture ({type(error).__name__}: {str(error)[:60]})"
    return None


def describe(content: bytes) -> tuple[int, int, str]:
    """Width and height in pixels and the mode as stored, without decoding."""
    image = Image.open(io.BytesIO(content))
    return image.size[0], image.size[1], image.mode
