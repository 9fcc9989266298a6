"""Opening what a dataset's `source:` names: a zip or tar archive, a folder, or a single table.

Only what lies in the archive or folder is read, and nothing is written under a name that it gives.
"""

import hashlib
import os
import stat
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath

from multilabel.core.errors import UserError, refused
from multilabel.core.files import sha256_of_file
from multilabel.data.names import Names, is_junk, plain
from multilabel.data.unpacking import UnreadableFile, check_file, is_tar, open_tar, open_zip

TABLE_SUFFIXES = {".csv", ".tsv", ".txt"}


def is_table(name: str) -> bool:
    """Whether a file's name ends as a table's does."""
    return PurePosixPath(name).suffix.lower() in TABLE_SUFFIXES


def printable(name: str) -> str:
    """A file's name as text that any output takes: bytes of it that are no UTF-8 are escaped."""
    return name.encode(errors="backslashreplace").decode()


class AmbiguousName(UserError):
    """A name fits several files of a source."""


class Files:
    """Named files that can be read one by one: `names` in the order found, `read(name)` gives the bytes.

    `read` raises `UnreadableFile` for a file that is damaged or forbidden. What operating systems leave behind
    (`__MACOSX/`, `._x`, `.DS_Store`) is not among the names.
    """

    def __init__(
        self,
        path: Path,
        names: list[str],
        read: Callable[[str], bytes],
        identity: Callable[[str], Hashable] = str,
    ) -> None:
        """Wrap a reader; `path` is only for messages. Names of equal `identity` are links to one file."""
        self.path, self.read, self._identity = path, read, identity
        self.names = [name for name in names if not is_junk(name)]
        self._index = Names(self.names)

    def find(self, name: str) -> str | None:
        """The file that a table calls `name` (see `Names.find`), or None; raises `AmbiguousName`."""
        found = self._index.find(name)
        if len(found) > 1 and (len(set(found)) < len(found) or len({self._identity(one) for one in found}) > 1):
            raise AmbiguousName(f"{self.path}: {name} is there twice ({found[0]}, {found[1]}); keep one of them")
        return found[0] if found else None

    @cached_property
    def doubled(self) -> frozenset[str]:
        """Names that several files of an archive have, of which `read` gives one."""
        if len(set(self.names)) == len(self.names):
            return frozenset()
        return frozenset(name for name, count in Counter(self.names).items() if count > 1)

    def tables(self) -> list[str]:
        """The names of all tables."""
        return [name for name in self.names if is_table(name)]


class TableFile(Files):
    """A single table, and the images that it names by their paths from its own folder."""

    def find(self, name: str) -> str | None:
        """The table itself, or an image in its folder or below it; other tables there were not asked for."""
        return super().find(name) or (None if is_table(name) else self._beside(name))

    def _beside(self, name: str) -> str | None:
        folder = self.path.parent.resolve()
        for form in ("NFC", "NFD"):
            path = folder / unicodedata.normalize(form, name.strip().replace("\\", "/"))
            try:
                if name and path.is_file() and path.resolve().is_relative_to(folder):
                    return path.relative_to(folder).as_posix()
            except (OSError, ValueError):  # too long a name, or one that leaves the folder on its way
                continue
        return None


def check_source(path: Path) -> None:
    """Raise `UserError` unless `path` is a regular file or a folder: a device or a pipe may never end."""
    wanted = "set datasets.<name>.source to an archive, folder or CSV"
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise UserError(f"{path}: no such file or folder; {wanted}") from None
    except OSError as error:
        raise refused(error) from None
    if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        raise UserError(f"{path}: is a device, pipe or socket; {wanted}")


def sha256_of(path: Path) -> str:
    """SHA-256 of a file; of a folder that of the names and the content of all its files, in order.

    What a table names outside of itself is no part of its digest: name the folder as the source where images count.
    """
    if path.is_file():
        return sha256_of_file(path)
    digest = hashlib.sha256()
    for name in sorted(_open_folder(path).names, key=plain):
        try:
            digest.update(f"{plain(name)}\0{sha256_of_file(path / name)}\n".encode(errors="surrogateescape"))
        except OSError as error:
            raise refused(error) from None
    return digest.hexdigest()


def open_source(path: Path, max_unpacked_gb: float) -> Files:
    """The files behind `path`; raises `UserError` if it is missing, unreadable, or not safe to read."""
    check_source(path)
    try:
        if path.is_dir():
            return _open_folder(path)
        if path.suffix.lower() in TABLE_SUFFIXES:
            return _open_table(path)
        if is_tar(path):  # before zip, whose mark may stand at the end of any file
            return Files(path, *open_tar(path, max_unpacked_gb))
        if zipfile.is_zipfile(path):
            return Files(path, *open_zip(path, max_unpacked_gb))
    except PermissionError as error:
        raise refused(error) from None
    raise UserError(
        f"{path}: neither a zip or tar archive, nor a folder, nor a table ({', '.join(sorted(TABLE_SUFFIXES))}); check that the "
        "file is whole, and convert JSON, Excel or Parquet to CSV"
    )


def _open_folder(path: Path) -> Files:
    root = Path(os.path.realpath(path))
    names = list(_walk(path, root))
    return Files(path, names, lambda name: _content(path / name), lambda name: os.path.realpath(path / name))


def _walk(path: Path, root: Path) -> Iterator[str]:
    """Regular files below `path`; a link within it is followed, each linked folder once, so that loops end."""
    waiting, linked = [""], {root}
    while waiting:
        folder = waiting.pop()
        inner = []
        for entry in sorted(os.scandir(path / folder), key=lambda entry: entry.name):
            name = f"{folder}/{entry.name}" if folder else entry.name
            if is_junk(entry.name) or (entry.is_symlink() and not _follow(entry, path, root, linked)):
                continue
            if entry.is_file():
                yield name
            elif entry.is_dir():
                inner.append(name)
        waiting += reversed(inner)


def _follow(link: os.DirEntry[str], path: Path, root: Path, linked: set[Path]) -> bool:
    """Whether there is something new behind a link; raises `UserError` if it leads out of `root`."""
    target = Path(os.path.realpath(link.path))
    if not target.exists() or target in linked:
        return False
    if not target.is_relative_to(root):
        raise UserError(f"{link.path}: is a link to outside {path}; copy what it names into the folder")
    if target.is_dir():
        linked.add(target)
    return True


def _open_table(path: Path) -> Files:
    return TableFile(path, [path.name], lambda name: _content(path.parent / name))


def _content(path: Path) -> bytes:
    try:
        check_file(path.parent, path.name, path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFile(*refused(error).args) from None
