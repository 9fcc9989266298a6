"""Images decoded and resized once, into an array that every later run maps into memory.

The array is a derived cache outside DVC: named after the images' content and the size, sealed, safe to delete.
"""

import hashlib
import mmap
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from multilabel.core.errors import UserError
from multilabel.core.files import replacing
from multilabel.core.paths import CACHE
from multilabel.core.versions import versions
from multilabel.data.images import decoding, open_rgb
from multilabel.data.records import iter_images, read_records
from multilabel.inputs.image_input import Interpolation
from multilabel.inputs.sealed_files import is_whole, seal

LAYOUT = "3"  # raise it when decoding or resizing changes, so that no old array is used


def pixel_array(
    records: Path, size: int, interpolation: Interpolation = "bilinear", folder: Path = CACHE / "pixels"
) -> NDArray[np.uint8]:
    """All images of a records file as (N, size, size, 3) RGB, mapped from disk; made on first use.

    Images are squeezed to a square: nothing of them is cut off, and no label with it.
    """
    digests = image_digests(records)
    path = folder / f"{_fingerprint(digests)}-{size}-{interpolation}.npy"
    shape = (len(digests), size, size, 3)
    if (found := _mapped(path, shape)) is not None:
        return found
    _decode(records, shape, partial(squeeze, size=size, interpolation=interpolation), path)
    return np.load(path, mmap_mode="r")


def ask_for(pixels: NDArray[np.uint8], rows: NDArray[np.int_]) -> None:
    """Have the disk bring these images, all at once, while something else goes on; nothing where they are no mapped file.

    Images that are read in random order wait for the disk one by one otherwise, and it brings their neighbours as well.
    """
    file = pixels.base
    if not (isinstance(pixels, np.memmap) and isinstance(file, mmap.mmap) and hasattr(mmap, "MADV_WILLNEED")):
        return
    begins = pixels.offset % mmap.ALLOCATIONGRANULARITY + rows * pixels.strides[0]
    pages = begins // mmap.PAGESIZE * mmap.PAGESIZE
    for page, size in zip(pages.tolist(), (begins - pages + pixels.strides[0]).tolist(), strict=True):
        file.madvise(mmap.MADV_WILLNEED, page, size)


def _mapped(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
    """The array in a file, or None where it is not there or not whole."""
    if not path.exists():
        return None
    if is_whole(path):
        found: NDArray[np.uint8] = np.load(path, mmap_mode="r")
        if found.shape == shape:
            return found
    print(f"{path}: damaged, as a power failure may leave a file; its images are decoded anew")
    return None


def squeeze(content: bytes, size: int, interpolation: Interpolation = "bilinear") -> NDArray[np.uint8]:
    """One image as (size, size, 3) RGB."""
    with decoding(content):
        image = open_rgb(content, at_least=size)
        return np.asarray(image.resize((size, size), Image.Resampling[interpolation.upper()]))


def _decode(records: Path, shape: tuple[int, ...], read: Callable[[bytes], NDArray[np.uint8]], path: Path) -> None:
    with replacing(path) as unfinished, ThreadPoolExecutor() as pool:
        pixels = np.lib.format.open_memmap(unfinished, "w+", np.uint8, shape)  # type: ignore[no-untyped-call]
        row = 0
        with tqdm(total=len(pixels), desc=f"decoding images at {shape[1]} px", unit="img", mininterval=2) as bar:
            for group in iter_images(records):
                for image in pool.map(read, group):
                    pixels[row] = image
                    row += 1
                bar.update(len(group))
        pixels.flush()
        seal(unfinished)


def _fingerprint(digests: Sequence[str]) -> str:
    return hashlib.sha256("\n".join([f"layout {LAYOUT}", versions("pillow"), *digests]).encode()).hexdigest()[:16]


def image_digests(records: Path) -> Sequence[str]:
    """The digest of each image, as ingested; read once per process as long as the file stays the same."""
    status = records.stat()
    return _read_digests(records.resolve(), status.st_mtime_ns, status.st_size)


@cache
def _read_digests(records: Path, modified: int, size: int) -> Sequence[str]:
    digests = read_records(records, ["image_digest"])["image_digest"]
    if digests.isna().any():
        raise UserError(f"{records}: {digests.isna().sum()} records have no image; train on the text alone")
    return digests.tolist()
