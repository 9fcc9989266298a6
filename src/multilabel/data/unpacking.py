"""Zip and tar archives that nobody vouches for: names, and a way to read each.

Nothing is written under a name that they give, and absolute paths, `..`, links and bombs are refused. So is what is
damaged, as far as the format can tell.
"""

import bz2
import gzip
import lzma
import re
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np

from multilabel.core.errors import UserError
from multilabel.core.paths import CACHE
from multilabel.data.names import Places

Contents = tuple[list[str], Callable[[str], bytes]]

MAX_RATIO = 200  # unpacked : packed; text reaches 10-20, a bomb a thousand
NO_BOMB = 1_000_000  # bytes unpacked that harm nobody, whatever the ratio
MAX_MEMBERS = 5_000_000
MAX_FILE = 1 << 32  # bytes of a single file, which is read into memory
BLOCK = 1 << 20
ZIP_BLOCK = 1 << 12  # packed bytes at once: what LZMA and bzip2 make of them is not bounded otherwise
TAR_BLOCK = 512
ZIP_FIELDS = [field for field in ("header_offset", "compress_size", "file_size", "CRC", "compress_type", "flag_bits",
                                  "_raw_time", "_end_offset") if field in zipfile.ZipInfo.__slots__]  # fmt: skip
ZIP_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
COMPRESSIONS: dict[bytes, Callable[[Path], BinaryIO]] = {
    b"\x1f\x8b": gzip.open,  # type: ignore[dict-item]
    b"BZh": bz2.open,  # type: ignore[dict-item]
    b"\xfd7zXZ\x00": lzma.open,  # type: ignore[dict-item]
}
# What the decoders raise on damaged input; an OSError with a number is the machine's.
DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError,
          NotImplementedError, RuntimeError, ValueError, IndexError, OverflowError)  # fmt: skip


class Stored:
    """Some numbers on each file of an archive, by its name; an object for each would take ten times the memory."""

    def __init__(self, names: list[str], numbers: Iterable[int], each: int) -> None:
        """`numbers` are those of the first name, then those of the next, `each` as many."""
        self._names, self._places = names, Places(names)
        self._numbers = np.fromiter(numbers, np.int64, len(names) * each).reshape(-1, each)

    def of(self, name: str) -> list[int]:
        """Those of the last file of this name."""
        place = next(place for place in reversed(self._places.of(name)) if self._names[place] == name)
        return self._numbers[place].tolist()


class UnreadableFile(UserError):
    """A file of a source is there, but its content is not to be had."""


def check_file(path: Path, name: str, size: int) -> None:
    """Raise `UnreadableFile` for a file that memory may not hold."""
    if size > MAX_FILE:
        raise UnreadableFile(f"{path}: {name} has {size / 1e9:.1f} GB, more than {MAX_FILE / 1e9:.1f}; split it")


def open_zip(path: Path, max_unpacked_gb: float) -> Contents:
    """Names and reader of a zip archive; raises `UserError`."""
    try:
        archive = zipfile.ZipFile(path)
    except DAMAGE as error:
        raise _damaged(path, "zip", error) from None
    members = [member for member in archive.infolist() if not member.is_dir()]
    names = [_zip_name(member) for member in members]
    for name, member in zip(names, members, strict=True):
        _check_name(path, name)
        if stat.S_ISLNK(member.external_attr >> 16):
            raise UserError(f"{path}: {name} is a link; an archive may hold plain files only")
        if member.flag_bits & 0x1:
            raise UserError(f"{path}: {name} is encrypted; unpack it first and name the folder")
        if member.compress_type not in ZIP_METHODS:
            raise UserError(f"{path}: {name} is packed by a rare method ({member.compress_type}); pack it again as zip")
    _check_size(path, sum(member.file_size for member in members), len(members), max_unpacked_gb)
    renamed = {name: member for name, member in zip(names, members, strict=True) if name != member.orig_filename}
    stored = Stored(names, (getattr(member, field) for member in members for field in ZIP_FIELDS), len(ZIP_FIELDS))
    del members
    archive.filelist.clear()  # half a kilobyte a member
    archive.NameToInfo.clear()

    def read(name: str) -> bytes:
        member = renamed.get(name) or _zip_member(name, stored.of(name))
        check_file(path, name, member.file_size)
        try:
            with archive.open(member) as file:
                return b"".join(iter(lambda: file.read(ZIP_BLOCK), b""))
        except DAMAGE as error:
            raise _unreadable(path, name, error) from None

    return names, read


def _zip_member(name: str, values: Iterable[int]) -> zipfile.ZipInfo:
    """What `zipfile` reads a member by."""
    member = zipfile.ZipInfo(name)
    for field, value in zip(ZIP_FIELDS, values, strict=True):
        setattr(member, field, value)
    return member


def _zip_name(member: zipfile.ZipInfo) -> str:
    """The name as it was meant: macOS writes UTF-8 without the flag that says so."""
    if not member.flag_bits & 0x800:
        try:
            return member.filename.encode("cp437").decode("utf-8")
        except UnicodeError:
            pass
    return member.filename


def is_tar(path: Path) -> bool:
    """Whether the file begins as a tar archive does, or as something compressed, which `open_tar` unpacks to see."""
    with path.open("rb") as packed:
        return _decompression(packed) is not None or _begins_as_tar(packed)


def _begins_as_tar(plain: BinaryIO) -> bool:
    try:
        tarfile.open(fileobj=plain, mode="r:").close()
    except DAMAGE:
        return False
    return True


def open_tar(path: Path, max_unpacked_gb: float) -> Contents:
    """Names and reader of a tar archive, plain or compressed; raises `UserError`."""
    plain = _unpacked(path, max_unpacked_gb)
    if not _begins_as_tar(plain):
        raise UserError(f"{path}: what it unpacks to is no tar archive; unpack it first and name that as the source")
    plain.seek(0)
    numbers = array("q")  # where in `plain` a member begins, and its length
    names: list[str] = []
    end = 0
    try:
        with tarfile.open(fileobj=plain, mode="r:") as archive:
            for number, member in enumerate(archive):
                end = member.offset_data
                if member.isdir():
                    continue
                _check_name(path, member.name)
                if not member.isfile() or member.issparse():
                    raise UserError(f"{path}: {member.name} is a link or device; an archive may hold plain files only")
                _check_size(path, member.offset_data + member.size, number, max_unpacked_gb)
                end += -(-member.size // TAR_BLOCK) * TAR_BLOCK
                numbers.extend((member.offset_data, member.size))
                names.append(member.name)
                archive.members.clear()  # type: ignore[attr-defined]  # a kilobyte a member
        _check_end(path, plain, end)
    except DAMAGE as error:
        raise _damaged(path, "tar", error) from None

    stored = Stored(names, numbers, 2)

    def read(name: str) -> bytes:
        start, size = stored.of(name)
        check_file(path, name, size)
        plain.seek(start)
        content = plain.read(size)
        if len(content) < size:
            raise _unreadable(path, name, EOFError("it has become shorter"))
        return content

    return names, read


def _unpacked(path: Path, max_unpacked_gb: float) -> BinaryIO:
    """The tar without its compression, which allows no jumps: unpacked once, to a file without a name.

    To the end, where the checksum is.
    """
    packed = path.open("rb")
    opener = _decompression(packed)
    if opener is None:
        return packed
    packed.close()
    CACHE.mkdir(parents=True, exist_ok=True)
    plain: BinaryIO = tempfile.TemporaryFile(dir=CACHE)  # type: ignore[assignment]  # noqa: SIM115 (closed with the last reference)
    for block in _blocks(path, opener):
        plain.write(block)
        _check_size(path, plain.tell(), 0, max_unpacked_gb)
    plain.seek(0)
    return plain


def _decompression(packed: BinaryIO) -> Callable[[Path], BinaryIO] | None:
    """What unpacks a file that begins like this; none for a plain one, which is left at its begin."""
    magic = packed.read(8)
    packed.seek(0)
    return next((opener for start, opener in COMPRESSIONS.items() if magic.startswith(start)), None)


def _blocks(path: Path, opener: Callable[[Path], BinaryIO]) -> Iterator[bytes]:
    try:
        with opener(path) as file:
            yield from iter(lambda: file.read(BLOCK), b"")
    except DAMAGE as error:
        raise _damaged(path, "tar", error) from None


def _check_end(path: Path, plain: BinaryIO, end: int) -> None:
    """`tarfile` takes a damaged header for the end: behind the last member there must be zeros, and nothing else."""
    plain.seek(end)
    first = plain.read(TAR_BLOCK)
    if len(first) < TAR_BLOCK or any(first):
        raise tarfile.ReadError(f"it breaks off after {end} bytes")
    for block in iter(lambda: plain.read(BLOCK), b""):
        if block.count(0) < len(block):
            raise UserError(f"{path}: a second archive follows the end of the first; pack the files again as one")


def _damaged(path: Path, kind: str, error: Exception) -> Exception:
    if isinstance(error, OSError) and error.errno:
        return error
    return UserError(f"{path}: damaged {kind} archive ({_words(error)}); fetch it again")


def _unreadable(path: Path, name: str, error: Exception) -> UserError:
    return UnreadableFile(f"{path}: cannot read {name} ({_words(error)}); fetch the archive again")


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


def _check_name(path: Path, name: str) -> None:
    pure = PurePosixPath(name.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts or re.match(r"[A-Za-z]:[\\/]", name):
        raise UserError(f"{path}: {name!r} points outside the archive; refuse it, or repack it with plain names")


def _check_size(path: Path, unpacked: int, members: int, max_unpacked_gb: float) -> None:
    """For a tar while it is read: `unpacked` bytes so far."""
    ratio = unpacked / max(1, path.stat().st_size)
    if unpacked > max_unpacked_gb * 1e9:
        raise UserError(
            f"{path}: unpacks to {unpacked / 1e9:.1f} GB, more than ingest.max_unpacked_gb = {max_unpacked_gb:g}; "
            "raise that setting if you trust the archive"
        )
    if (ratio > MAX_RATIO and unpacked > NO_BOMB) or members > MAX_MEMBERS:
        raise UserError(
            f"{path}: {members} files that unpack {ratio:.0f}-fold look like a bomb; unpack it yourself and name the folder"
        )
