import io
import struct
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import image
from numpy.typing import NDArray
from PIL import Image

from multilabel.data import images
from multilabel.data.images import FORMATS, GREY_IMAGE, decoding, describe, fault, open_rgb, suffixes

JPEG = image(["1"])


def encoded(image: Image.Image | NDArray, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(buffer, format, **options)
    return buffer.getvalue()


def grey(content: bytes) -> NDArray[np.uint8]:
    """One channel of what is read; the others must be equal."""
    rgb = np.asarray(open_rgb(content))
    assert (rgb == rgb[:, :, :1]).all()
    return rgb[:, :, 0]


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "RGBA", "P", "LA", "1", "I;16"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    content = encoded(Image.new(mode, (8, 6)), "TIFF" if mode == "CMYK" else "PNG")
    assert open_rgb(content).mode == "RGB"
    assert describe(content) == (8, 6, mode)
    assert fault(content, 1) is None


@pytest.mark.parametrize("format", sorted(set(FORMATS) - {"GIF", "ICO"}))
def test_every_allowed_format_is_read(format: str) -> None:
    content = encoded(Image.new("RGB", (64, 48), (220, 40, 40)), format)
    assert fault(content, 1) is None
    np.testing.assert_allclose(open_rgb(content).getpixel((5, 5)), (220, 40, 40), atol=8)


def test_exif_turns_and_transparency_lies_on_white() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert open_rgb(encoded(Image.new("RGB", (8, 4)), "JPEG", exif=exif)).size == (4, 8)
    clear = Image.new("RGBA", (2, 2), (0, 0, 0, 0))
    assert open_rgb(encoded(clear, "PNG")).getpixel((0, 0)) == (255, 255, 255)
    half = Image.new("LA", (2, 2), (0, 128))
    assert open_rgb(encoded(half, "PNG")).getpixel((0, 0)) == (127, 127, 127)


def test_large_images_are_converted_in_bands_that_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    content = encoded(random.integers(0, 256, (31, 17, 4), dtype=np.uint8), "PNG")
    whole = np.asarray(open_rgb(content))
    monkeypatch.setattr(images, "BAND_PIXELS", 70)
    np.testing.assert_array_equal(np.asarray(open_rgb(content)), whole)


RAMP = np.linspace(0, 1, 256, dtype=np.float32)[None, :].repeat(4, axis=0)
EIGHT_BITS = np.arange(256)


@pytest.mark.parametrize(
    "content",
    [
        encoded((RAMP * 65535).round().astype("<u2"), "PNG"),
        encoded((RAMP * 65535).round().astype("<u2"), "TIFF"),
        b"P5 256 4 65535\n" + (RAMP * 65535).round().astype(">u2").tobytes(),
        encoded((RAMP * 65535).round().astype("<i4"), "TIFF"),
        encoded((RAMP * 255).round().astype("<i4"), "TIFF"),
        encoded((RAMP * 2_000_000 - 1_000_000).astype("<i4"), "TIFF"),
        encoded(RAMP, "TIFF"),
        encoded((RAMP * 255).round(), "TIFF"),
        encoded(RAMP * 65535, "TIFF"),
        encoded(RAMP * 3 - 1, "TIFF"),
    ],
    ids=["png16", "tiff16", "ppm16", "int16", "int8", "int32", "float1", "float255", "float65535", "float"],
)
def test_a_ramp_of_many_bits_stays_a_ramp(content: bytes) -> None:
    assert fault(content, 1) is None
    np.testing.assert_allclose(grey(content)[0].astype(int), EIGHT_BITS, atol=1)


def test_a_dark_image_of_16_bits_stays_dark() -> None:
    assert grey(encoded(np.full((4, 4), 2570, "<u2"), "PNG")).tolist() == [[10] * 4] * 4


def test_twelve_bits_in_a_tiff_are_scaled_by_twelve() -> None:
    ramp = np.arange(0, 4096, 16)
    pairs = ramp.reshape(-1, 2)
    packed = np.stack([pairs[:, 0] >> 4, (pairs[:, 0] & 15) << 4 | pairs[:, 1] >> 8, pairs[:, 1] & 255], axis=1)
    data = packed.astype(np.uint8).tobytes()
    tags = [(256, 3, 256), (257, 3, 1), (258, 3, 12), (259, 3, 1), (262, 3, 1), (273, 4, 8), (278, 3, 1),
            (279, 4, len(data))]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    header = struct.pack("<2sHI", b"II", 42, 8 + len(data))
    content = header + data + struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)
    assert describe(content) == (256, 1, "I;16")
    np.testing.assert_allclose(grey(content)[0].astype(int), EIGHT_BITS, atol=1)


def test_floats_that_are_no_numbers_are_clipped() -> None:
    values = RAMP.copy()
    values[0, :3] = [np.nan, np.inf, -np.inf]
    found = grey(encoded(values, "TIFF"))
    assert found[0, :3].tolist() == [0, 255, 0]
    np.testing.assert_allclose(found[1].astype(int), EIGHT_BITS, atol=1)
    assert grey(encoded(np.full((2, 2), np.nan, np.float32), "TIFF")).tolist() == [[0, 0], [0, 0]]
    assert grey(encoded(np.full((2, 2), -7, np.float32), "TIFF")).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"hello", "undecodable image (no known image format)"),
        (b"", "undecodable image (empty file)"),
        (JPEG[:-30], "undecodable image (OSError: image file is truncated"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(200),
         "undecodable image (HEIC, which is not read; convert it to JPEG or PNG)"),
        (encoded(Image.new("1", (2000, 600)), "PNG"),
         "absurdly large image (2000 x 600; ingest.max_megapixels is 1)"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_image_is_said(content: bytes, reason: str) -> None:
    assert (fault(content, max_megapixels=1) or "").startswith(reason)


@pytest.mark.parametrize("format", ["EPS", "PDF", "IM", "MSP", "SPIDER", "XBM"])
def test_only_decoders_of_pixels_are_started(format: str) -> None:
    modes = {"MSP": "1", "XBM": "1", "SPIDER": "F"}
    content = encoded(Image.new(modes.get(format, "RGB"), (8, 8)), format)
    assert fault(content, 1) == "undecodable image (no known image format)"


def test_damage_late_in_a_jpeg_is_found_at_any_scale() -> None:
    random = np.random.default_rng(0)
    noise = encoded(random.integers(0, 256, (200, 200, 3), dtype=np.uint8), "JPEG", quality=95)
    assert fault(noise, 1) is None
    assert fault(noise[: -len(noise) // 20], 1) is not None


def test_names_of_images() -> None:
    named = {
        ".jpg",
        ".jpeg",
        ".jfif",
        ".jpe",
        ".png",
        ".webp",
        ".gif",
        ".tif",
        ".bmp",
        ".avif",
        ".heic",
        ".jp2",
        ".mpo",
    }
    assert named <= suffixes()
    assert not {".eps", ".pdf", ".psd", ".csv", ".txt", ""} & suffixes()


def test_the_grey_image_is_grey() -> None:
    assert fault(GREY_IMAGE, 1) is None
    assert open_rgb(GREY_IMAGE).getpixel((0, 0)) == (128, 128, 128)


def test_threads_share_the_megapixels_they_decode(monkeypatch: pytest.MonkeyPatch) -> None:
    content = encoded(Image.new("1", (1000, 1000)), "PNG")  # one megapixel
    small = encoded(Image.new("1", (8, 8)), "PNG")
    monkeypatch.setattr(images, "_room", images._Room(2.5))
    meet, held, most, lock = threading.Barrier(2, timeout=20), 0, 0, threading.Lock()

    def hold(number: int) -> None:
        nonlocal held, most
        with decoding(content):
            with lock:
                held += 1
                most = max(most, held)
            meet.wait()  # two are inside at once, and a third would be counted while they are
            with lock:
                held -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hold, range(8)))
    assert most == 2
    monkeypatch.setattr(images, "_room", images._Room(0.5))
    with decoding(content):  # an image larger than all there is goes alone
        pass
    with decoding(small):
        assert fault(small, 1) is None
