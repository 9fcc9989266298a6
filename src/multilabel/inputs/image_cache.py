"""Pictures decoded and resized once, into an array that every later run maps into memory.

The array is a derived cache outside DVC: named after the pictures' content and the size, safe to delete.
"""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from multilabel.core.files import replacing
from multilabel.core.paths import CACHE
from multilabel.data.images import open_rgb

LAYOUT = "1"  # raise it when decoding or resizing changes, so that no old array is used


def pixel_array(records: Path, size: int, folder: Path = CACHE / "pixels") -> NDArray[np.uint8]:
    """All pictures of a records file as (N, size, size, 3) RGB, mapped from disk; made on first use.

    Pictures are squeezed to a square: nothing of them is cut off, and no label with it.
    """
    path = folder / f"{_fingerprint(records)}-{size}.npy"
    if not path.exists():
        _decode(records, size, path)
    return np.load(path, mmap_mode="r")


def _decode(records: Path, size: int, path: Path) -> None:
    number = pq.ParquetFile(records).metadata.num_rows
    with replacing(path) as partial, ThreadPoolExecutor() as pool:
        pixels = np.lib.format.open_memmap(partial, "w+", np.uint8, (number, size, size, 3))  # type: ignore[no-untyped-call]
        row = 0
        with tqdm(total=number, desc=f"decoding pictures at {size} px", unit="img", mininterval=2) as bar:
            for chunk in _images(records):
                for picture in pool.map(lambda content: squeeze(content, size), chunk):
                    pixels[row] = picture
                    row += 1
                bar.update(len(chunk))
        pixels.flush()


def squeeze(content: bytes, size: int) -> NDArray[np.uint8]:
    """One picture as (size, size, 3) RGB."""
    return np.asarray(open_rgb(content, at_least=size).resize((size, size), Image.Resampling.BILINEAR))


def _images(records: Path) -> Iterator[Sequence[bytes]]:
    for batch in pq.ParquetFile(records).iter_batches(256, columns=["image"]):
        yield batch.column(0).to_pylist()


def _fingerprint(records: Path) -> str:
    digest = hashlib.sha256(f"layout {LAYOUT}".encode())
    for chunk in _images(records):
        for content in chunk:
            digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:16]
