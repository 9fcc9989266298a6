"""An encoded image -> upright 8-bit RGB, whatever its mode, and whether it can be one at all."""

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

Image.MAX_IMAGE_PIXELS = None  # `fault` has a limit of its own, which is a setting
Image.core.set_block_size(1 << 26)  # type: ignore[attr-defined]  # malloc gives back at once what is above 32 MB
warnings.filterwarnings("ignore", module=r"PIL\.")  # about metadata; what cannot be decoded raises

# Decoders of pixels alone: EPS would start Ghostscript, and others render, embed or fetch what is not the image.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "DIB", "AVIF", "JPEG2000", "PPM", "ICO", "QOI", "PCX", "SGI",
           "TGA")  # fmt: skip
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
HEIC_SUFFIXES = {".heic", ".heif"}
BAND_PIXELS = 1_000_000  # converted at once
MAX_BYTES = 1 << 30  # of an encoded image; Parquet ends at twice that
MEGAPIXELS_AT_ONCE = 64.0  # decoded by all threads together; a pixel takes up to eight bytes meanwhile


def _grey_image() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "grey").save(buffer, "PNG")
    return buffer.getvalue()


GREY_IMAGE = _grey_image()  # stands in where an image is needed and there is none


class _Room:
    """An amount that threads share: whoever takes more than is left waits."""

    def __init__(self, total: float) -> None:
        self._total = self._left = total
        self._changed = threading.Condition()

    @contextmanager
    def taking(self, amount: float) -> Iterator[None]:
        amount = min(amount, self._total)
        with self._changed:
            self._changed.wait_for(lambda: self._left >= amount)
            self._left -= amount
        try:
            yield
        finally:
            with self._changed:
                self._left += amount
                self._changed.notify_all()


_room = _Room(MEGAPIXELS_AT_ONCE)


@cache
def suffixes() -> frozenset[str]:
    """What names of images end in, in lower case; any other file may be one as well."""
    named = {suffix for suffix, name in Image.registered_extensions().items() if name in {*FORMATS, "MPO"}}
    return frozenset(named | HEIC_SUFFIXES)


def open_rgb(content: bytes, at_least: int | None = None) -> Image.Image:
    """The image upright (EXIF) in RGB; transparency lies on white, CMYK and greyscale are converted.

    More than 8 bits are scaled to 8: 16-bit integers by their whole range; 32-bit integers and floats by the narrowest
    of 0..1 (floats), 0..255 and 0..65535 that holds all values of the image, otherwise from its smallest to its largest.
    `at_least` lets JPEG decode at a reduced scale whose shorter side still has that many pixels.
    """
    image = _open(content)
    if at_least is not None:
        image.draft("RGB", (at_least, at_least))
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode == "RGB" and "transparency" not in image.info:
        image.load()
        return image
    low, high = _range(image)
    rgb = Image.new("RGB", image.size)
    rows = max(1, BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):  # in bands: the steps between would each take as much as the image
        band = image.crop((0, top, image.width, min(top + rows, image.height)))
        rgb.paste(_opaque(_eight_bits(band, low, high)), (0, top))
    return rgb


@contextmanager
def decoding(content: bytes) -> Iterator[None]:
    """Waits until all threads that decode within this context hold few enough megapixels, this image's included."""
    with _room.taking(_megapixels(_open(content))):
        yield


def fault(content: bytes, max_megapixels: float) -> str | None:
    """Why these bytes cannot be used as an image, or None; the size is checked before anything is decoded."""
    if len(content) > MAX_BYTES:
        return f"absurdly large image ({len(content) / 1e9:.1f} GB encoded)"
    try:
        image = _open(content)
        if _megapixels(image) > max_megapixels:
            width, height = image.size
            return f"absurdly large image ({width} x {height}; ingest.max_megapixels is {max_megapixels:g})"
        with _room.taking(_megapixels(image)):
            image.draft("RGB", (1, 1))  # JPEG reads all there is at any scale
            image.load()
            image.getexif()
            corner = image.crop((0, 0, 1, 1))
            _opaque(_eight_bits(corner, 0, 1))
    except UnidentifiedImageError:
        return f"undecodable image ({_unknown(content)})"
    except Exception as error:  # noqa: BLE001 (decoders raise whatever they like on damaged files)
        return f"undecodable image ({type(error).__name__}: {str(error)[:60]})"
    return None


def describe(content: bytes) -> tuple[int, int, str]:
    """Width and height in pixels and the mode as stored, without decoding."""
    image = _open(content)
    return image.width, image.height, image.mode


def _open(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content), formats=FORMATS)


def _megapixels(image: Image.Image) -> float:
    return image.width * image.height / 1e6


def _unknown(content: bytes) -> str:
    if content[4:8] == b"ftyp" and content[8:12] in HEIC_BRANDS:
        return "HEIC, which is not read; convert it to JPEG or PNG"
    return "no known image format" if content else "empty file"


def _range(image: Image.Image) -> tuple[float, float]:
    """Which values become black and white; of no interest where a channel has 8 bits."""
    if image.mode.startswith("I;16"):
        bits = getattr(image, "tag_v2", {}).get(258, (16,))[0]  # TIFF's BitsPerSample: 12 are stored in 16
        return 0, 2**bits - 1
    if image.mode == "I" and image.format == "PPM":
        return 0, 65535
    if image.mode not in ("I", "F"):
        return 0, 255
    values = np.asarray(image)
    low, high = float(np.fmin.reduce(values, axis=None)), float(np.fmax.reduce(values, axis=None))
    if not np.isfinite([low, high]).all():
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0, 1)
    for usual in (1, 255, 65535) if image.mode == "F" else (255, 65535):
        if low >= 0 and high <= usual:
            return 0, usual
    return low, high


def _eight_bits(image: Image.Image, low: float, high: float) -> Image.Image:
    """Greyscale of more bits with `low` as black and `high` as white; other modes as they are."""
    if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
        return image
    scaled = (np.asarray(image, np.float64) - low) * (255 / ((high - low) or 1))
    return Image.fromarray(np.rint(np.nan_to_num(scaled.clip(0, 255))).astype(np.uint8))


def _opaque(image: Image.Image) -> Image.Image:
    """RGB, on white where the image is transparent."""
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")
