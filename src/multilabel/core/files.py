"""Writing files so that a reader sees the old content or the new, never half of one, whatever is killed when."""

import errno
import hashlib
import itertools
import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from multilabel.core.paths import PARTIAL

_numbers = itertools.count()
_clearing = threading.Lock()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name to write a file to; on success it is safe on disk and moved to `path`, else removed."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    with _partial(path) as partial:
        yield partial
        _sync(partial)
        _move(partial, path)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """The same for a folder: an empty one to fill, swapped for `path` on success."""
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    with _partial(path) as partial:
        partial.mkdir()
        yield partial
        _sync(partial)
        with _partial(path) as old:
            if path.exists():
                os.replace(path, old)
            _move(partial, path)


def write_json(path: Path, content: Any) -> None:
    """`content` as indented JSON with a final newline; NaN is refused because JSON has none."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_text(path, text)


def write_text(path: Path, text: str) -> None:
    """`text` as UTF-8."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def sha256_of_file(path: Path) -> str:
    """In hex; a file of any size takes a megabyte of memory."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def read_json(path: Path) -> Any:
    """The content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


@contextmanager
def _partial(path: Path) -> Iterator[Path]:
    """A free name on the filesystem of `path`; whatever has it in the end is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = f"{os.getpid()}-{next(_numbers)}-{path.name[-50:]}"  # with the suffix, at which a writer may look
    partial = PARTIAL / name if _can_move_to(path.parent) else path.with_name(f".{name}")
    try:
        yield partial
    finally:
        _remove(partial)


def _can_move_to(folder: Path) -> bool:
    """Whether `PARTIAL` is there, cleared of what killed processes left, and on the filesystem of `folder`."""
    try:
        PARTIAL.mkdir(parents=True, exist_ok=True)
        with _clearing:
            _clear_leftovers(PARTIAL.resolve())
        return PARTIAL.stat().st_dev == folder.stat().st_dev
    except OSError:
        return False


@cache
def _clear_leftovers(folder: Path) -> None:
    """Once per process and before its first file: remove the files of processes that are no more."""
    for leftover in folder.iterdir():
        pid = leftover.name.partition("-")[0]
        if not pid.isdecimal() or int(pid) == os.getpid() or not _runs(int(pid)):
            _remove(leftover)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def _move(partial: Path, path: Path) -> None:
    try:
        os.replace(partial, path)
    except OSError as error:
        if error.errno != errno.EXDEV:  # two mounts of one filesystem
            raise
        beside = path.with_name(f".{partial.name}")
        shutil.move(partial, beside)
        os.replace(beside, path)
    _flush(path.parent)


def _sync(path: Path) -> None:
    """The content is on disk before its name is, or a power failure could leave the name with nothing behind it."""
    for part in [*path.rglob("*"), path]:
        _flush(part)


def _flush(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
