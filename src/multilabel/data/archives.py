"""Opening what a dataset's `source:` names: a zip or tar archive, a folder, or a single table.

Archives are untrusted: nothing is extracted to disk, and absolute paths, `..`, links and bombs are refused.
"""

import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from multilabel.core.errors import UserError

TABLE_SUFFIXES = {".csv", ".tsv", ".txt"}
MAX_RATIO = 200  # unpacked : packed; text reaches 10-20, a bomb a thousand
MAX_MEMBERS = 5_000_000


class Files:
    """Named files that can be read one by one: `names` in the order found, `read(name)` gives the bytes."""

    def __init__(self, path: Path, names: list[str], read: Callable[[str], bytes]) -> None:
        """Wrap a reader; `path` is only for messages."""
        self.path, self.names, self.read = path, names, read
        self._by_base: dict[str, list[str]] = {}
        for name in names:
            self._by_base.setdefault(PurePosixPath(name).name, []).append(name)

    def find(self, base: str) -> str | None:
        """The one file called `base` in whatever folder, or None; raises `UserError` if several are."""
        found = self._by_base.get(base, [])
        if len(found) > 1:
            raise UserError(f"{self.path}: {base} is there twice ({found[0]}, {found[1]}); keep one of them")
        return found[0] if found else None


def open_source(path: Path, max_unpacked_gb: float) -> Files:
    """The files behind `path`; raises `UserError` if it is missing, unreadable, or not safe to read."""
    if not path.exists():
        raise UserError(f"{path}: no such file or folder; set datasets.<name>.source to an archive, folder or CSV")
    if path.is_dir():
        return _open_folder(path)
    if path.suffix.lower() in TABLE_SUFFIXES:
        return Files(path, [path.name], lambda name: path.read_bytes())
    if zipfile.is_zipfile(path):
        return _open_zip(path, max_unpacked_gb)
    if tarfile.is_tarfile(path):
        return _open_tar(path, max_unpacked_gb)
    raise UserError(f"{path}: neither a zip or tar archive, nor a .csv file, nor a folder; check the file is complete")


def _open_folder(path: Path) -> Files:
    root = path.resolve()
    names = []
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        if root not in file.resolve().parents:
            raise UserError(f"{file}: is a link to outside {path}; copy the file into the folder")
        names.append(file.relative_to(path).as_posix())
    return Files(path, names, lambda name: (path / name).read_bytes())


def _open_zip(path: Path, max_unpacked_gb: float) -> Files:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise UserError(f"{path}: damaged zip archive ({error}); fetch it again") from None
    members = [member for member in archive.infolist() if not member.is_dir()]
    for member in members:
        _check_name(path, member.filename)
        if stat.S_ISLNK(member.external_attr >> 16):
            raise UserError(f"{path}: {member.filename} is a link; an archive may hold plain files only")
        if member.flag_bits & 0x1:
            raise UserError(f"{path}: {member.filename} is encrypted; unpack it first and name the folder")
    _check_size(path, sum(member.file_size for member in members), len(members), max_unpacked_gb)

    def read(name: str) -> bytes:
        try:
            return archive.read(name)
        except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError) as error:
            raise UserError(f"{path}: cannot read {name} ({error}); fetch the archive again") from None

    return Files(path, [member.filename for member in members], read)


def _open_tar(path: Path, max_unpacked_gb: float) -> Files:
    try:
        archive = tarfile.open(path)  # noqa: SIM115 (open as long as its members are read)
        members = {member.name: member for member in archive.getmembers() if not member.isdir()}
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UserError(f"{path}: damaged tar archive ({error}); fetch it again") from None
    for name, member in members.items():
        _check_name(path, name)
        if not member.isfile():
            raise UserError(f"{path}: {name} is a link or device; an archive may hold plain files only")
    _check_size(path, sum(member.size for member in members.values()), len(members), max_unpacked_gb)

    def read(name: str) -> bytes:
        try:
            file = archive.extractfile(members[name])
            return file.read() if file else b""
        except (tarfile.TarError, EOFError, OSError) as error:
            raise UserError(f"{path}: cannot read {name} ({error}); fetch the archive again") from None

    return Files(path, list(members), read)


def _check_name(path: Path, name: str) -> None:
    pure = PurePosixPath(name.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts or (pure.parts and ":" in pure.parts[0]):
        raise UserError(f"{path}: {name!r} points outside the archive; refuse it, or repack it with plain names")


def _check_size(path: Path, unpacked: int, members: int, max_unpacked_gb: float) -> None:
    ratio = unpacked / max(1, path.stat().st_size)
    if unpacked > max_unpacked_gb * 1e9:
        raise UserError(
            f"{path}: unpacks to {unpacked / 1e9:.1f} GB, more than ingest.max_unpacked_gb = {max_unpacked_gb:g}; "
            "raise that setting if you trust the archive"
        )
    if ratio > MAX_RATIO or members > MAX_MEMBERS:
        raise UserError(
            f"{path}: {members} files that unpack {ratio:.0f}-fold look like a bomb; unpack it yourself and name the folder"
        )
