"""What a frozen encoder says of each record, computed once and kept in arrays that every later run maps into memory.

A derived cache outside DVC: named after all that the features depend on, filled row by row, safe to delete. A killed run
leaves the rows that it has finished, and the next one goes on with the others. Of two that want the same at once one waits.
"""

import hashlib
import json
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from tqdm import tqdm

from multilabel.core.errors import UserError
from multilabel.core.files import replacing_folder, write_json
from multilabel.core.paths import CACHE

FORMAT = "2"  # raise it when what is kept changes, so that no old array is used
CHUNK = 256  # records that an encoder reads at a time
CHECKSUMS = "checksums"  # a number for each record, 0 where its features are not there
Arrays = dict[str, NDArray[Any]]  # parts of the features by name, a row per record
Compute = Callable[[NDArray[np.int_]], Arrays]


def kept_features(
    of: Mapping[str, Any],
    number: int,
    rows: NDArray[np.int_],
    compute: Compute,
    title: str,
    folder: Path = CACHE / "features",
) -> Arrays:
    """Arrays with a row for each of `number` records, of which `rows` are filled: those that lack, by `compute(rows)`.

    `of` says what the features depend on, as JSON; `title` is shown while they are computed.
    """
    key = json.dumps([FORMAT, number, of], sort_keys=True)
    path = folder / hashlib.sha256(key.encode()).hexdigest()[:16]
    with _alone(path):
        missing, arrays = np.unique(rows), _open(path, number)
        if arrays is not None:
            missing = _lacking(path, arrays, missing)
        with tqdm(total=len(missing), desc=title, unit="record", mininterval=2, disable=not len(missing)) as bar:
            for start in range(0, len(missing), CHUNK):
                chosen = missing[start : start + CHUNK]
                found = compute(chosen)
                if arrays is None:
                    arrays = _create(path, of, number, found)
                _write(path, arrays, chosen, found)
                bar.update(len(chosen))
    return {name: array for name, array in (arrays or {}).items() if name != CHECKSUMS}


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """No other process reads or fills these arrays meanwhile: it would put new files in place of those that are mapped here."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_suffix(".lock"))  # whose owner may be killed: the system gives it free
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"{path}: another process computes these features; waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _open(path: Path, number: int) -> Arrays | None:
    """The arrays in a folder, or None where they are not there, or not whole."""
    if not path.exists():
        return None
    try:
        arrays = {file.stem: np.load(file, mmap_mode="r") for file in sorted(path.glob("*.npy"))}
    except (ValueError, EOFError, OSError):
        arrays = {}
    fits = [array.flags.c_contiguous and len(array) == number for array in arrays.values()]
    if len(arrays) > 1 and CHECKSUMS in arrays and all(fits):
        return arrays
    print(f"{path}: damaged, as a power failure may leave a file; its features are computed anew")
    return None


def _create(path: Path, of: Mapping[str, Any], number: int, like: Arrays) -> Arrays:
    """Empty arrays, which take no room on the disk before they are filled."""
    with replacing_folder(path) as partial:
        write_json(partial / "of.json", of)
        for name, part in {**like, CHECKSUMS: np.zeros(1, np.uint32)}.items():
            np.lib.format.open_memmap(partial / f"{name}.npy", "w+", part.dtype, (number, *part.shape[1:]))  # type: ignore[no-untyped-call]
    arrays = _open(path, number)
    assert arrays is not None
    return arrays


def _write(path: Path, arrays: Arrays, rows: NDArray[np.int_], found: Arrays) -> None:
    """The features, and when these are safe on the disk, the checksums that say so.

    By the file and not by the map: a full disk is an error there, and here the end of the process.
    """
    for name, part in found.items():
        if not np.isfinite(part).all():
            raise UserError(f"a frozen encoder's {name} are no finite numbers in {part.dtype}; write `precision: fp32`")
        _write_rows(path / f"{name}.npy", arrays[name], rows, part)
    sums = np.array([_checksum({name: part[row] for name, part in found.items()}) for row in range(len(rows))])
    _write_rows(path / f"{CHECKSUMS}.npy", arrays[CHECKSUMS], rows, sums.astype(np.uint32))


def _lacking(path: Path, arrays: Arrays, rows: NDArray[np.int_]) -> NDArray[np.int_]:
    """Those of some rows that are not there; all of them if one is not as it was written.

    An encoder's last bits depend on what shares a batch: only in the batches of the first time it says the same again.
    """
    parts = {name: array for name, array in arrays.items() if name != CHECKSUMS}
    there = rows[arrays[CHECKSUMS][rows] != 0]
    sums = [_checksum({name: part[row] for name, part in parts.items()}) for row in there.tolist()]
    damaged = np.count_nonzero(arrays[CHECKSUMS][there] != np.array(sums, np.uint32))
    if damaged:
        print(f"{path}: features of {damaged} records damaged, as a bad disk may leave them; "
              f"all {len(rows)} that are asked for are computed anew")  # fmt: skip
        return rows
    return np.setdiff1d(rows, there)


def _checksum(parts: Arrays) -> int:
    """Of the features of one record, with their names, types and shapes; never 0."""
    found = 0
    for name in sorted(parts):
        part = parts[name]
        found = zlib.crc32(part.tobytes(), zlib.crc32(f"{name} {part.dtype.str} {part.shape}".encode(), found))
    return found or 1


def _write_rows(file: Path, array: NDArray[Any], rows: NDArray[np.int_], values: NDArray[Any]) -> None:
    first, width = array.offset, array[:1].nbytes  # type: ignore[attr-defined]  # of a memory map
    number = os.open(file, os.O_WRONLY)
    try:
        for row, value in zip(rows.tolist(), values, strict=True):
            os.pwrite(number, value.tobytes(), first + row * width)
        os.fsync(number)
    finally:
        os.close(number)
