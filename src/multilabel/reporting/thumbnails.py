"""Small pictures of records inside a page: decoded and encoded again, so that nothing comes along that a camera noted."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from multilabel.data.images import open_rgb
from multilabel.data.records import has_images, iter_images

SIDE = 128  # pixels of the longer side
QUALITY = 60


def thumbnails(records: Path, rows: Sequence[int]) -> list[str]:
    """Of these rows, in their order: a WebP in base64, or "" where there is no image. One group is held at a time."""
    found: dict[int, str] = {}
    wanted, first = set(rows), 0
    if rows and has_images(records):
        for images in iter_images(records):
            for row in wanted.intersection(range(first, first + len(images))):
                content = images[row - first]
                found[row] = "" if content is None else webp(small(content))
            first += len(images)
    return [found.get(row, "") for row in rows]


def small(content: bytes, side: int = SIDE) -> Image.Image:
    """An encoded image with at most `side` pixels either way."""
    image = open_rgb(content, at_least=side)
    image.thumbnail((side, side))
    return image.copy()


def webp(image: Image.Image) -> str:
    """In base64."""
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=QUALITY, method=2)
    return base64.b64encode(buffer.getvalue()).decode()
