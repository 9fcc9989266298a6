"""Which file is meant by a name in a table: paths as people and operating systems write them."""

import re
import unicodedata
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

PLAIN = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)*", re.ASCII)  # as most names are: no part of them is idle
SEVERAL = 8  # files that one name could mean; more are not looked for
JUNK = {"__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini", ".ipynb_checkpoints", "@eaDir"}


def is_junk(name: str) -> bool:
    """Whether an operating system or a tool left this file beside those that were meant."""
    parts = plain(name).split("/")
    return parts[-1].startswith("._") or not JUNK.isdisjoint(parts)


def plain(name: str) -> str:
    """`name` in composed characters (macOS decomposes them), with forward slashes and without idle parts."""
    if PLAIN.fullmatch(name):
        return name
    parts = unicodedata.normalize("NFC", name).replace("\\", "/").split("/")
    return "/".join(part for part in (part.strip() for part in parts) if part not in ("", "."))


def agree(given: str, found: str) -> bool:
    """Whether two paths to a file of the same name contradict each other nowhere: one is the end of the other."""
    longer, shorter = sorted((f"/{plain(given)}".casefold(), f"/{plain(found)}".casefold()), key=len, reverse=True)
    return longer.endswith(shorter)


class Places:
    """Where each key stands in a list of them, in 16 bytes each: a dict of a million names takes a third of a gigabyte."""

    def __init__(self, keys: Iterable[str]) -> None:
        """The keys themselves are not kept."""
        hashes = np.fromiter(map(hash, keys), np.int64)
        self._order = np.argsort(hashes, kind="stable")
        self._hashes = array("q", hashes[self._order].tobytes())  # which bisect reads ten times as fast as NumPy's

    def of(self, key: str) -> NDArray[np.int_]:
        """Rising numbers; a key of the same hash may be among them, so whoever asks compares."""
        wanted = hash(key)
        first = bisect_left(self._hashes, wanted)
        return self._order[first : bisect_right(self._hashes, wanted, lo=first)]


class Names:
    """An index of file names."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = list(names)
        self._exact = _Index(self._names, plain)

    @cached_property
    def _folded(self) -> "_Index":
        return _Index(self._names, lambda name: plain(name).casefold())

    def find(self, name: str) -> list[str]:
        """The file that `name` means: none, one, or several where it is ambiguous.

        The path itself comes first, then paths that end in it or in which it ends, then, unless the folder is there
        and lacks the file, any with the same base name. Case counts only where it tells files apart.
        """
        return self._exact.find(name) or self._folded.find(name)


class _Index:
    """Names by their whole path and by their base name, and the folders that hold them."""

    def __init__(self, names: list[str], key: Callable[[str], str]) -> None:
        self._names, self._key = names, key
        self._paths = Places(map(key, names))
        self._bases = Places(_base(key(name)) for name in names)
        holders = {_folder(key(name)) for name in names}
        self._folders: dict[str, list[str]] = {}  # the end of a folder's path -> whole paths
        for folder in sorted({head for holder in holders for head in _heads(holder)}):
            for tail in _tails(folder):
                self._folders.setdefault(tail, []).append(folder)

    def find(self, name: str) -> list[str]:
        path = self._key(name)
        if found := list(islice(self._files(path), SEVERAL)):
            return found
        folder, base = _folder(path), _base(path)
        for tail in _tails(folder):
            if tail in self._folders:  # it is there: no other folder is meant, whether it has the file or not
                return self._called(base, self._ending_in(tail, base))
        return self._called(base, self._homes(base))

    def _files(self, path: str) -> Iterator[str]:
        """The names of this path."""
        found = (self._names[place] for place in self._paths.of(path))
        return (name for name in found if self._key(name) == path)

    def _homes(self, base: str) -> Iterator[str]:
        """The folders that hold this base name, each once."""
        seen: set[str] = set()
        for place in self._bases.of(base):
            path = self._key(self._names[place])
            if _base(path) == base and (folder := _folder(path)) not in seen:
                seen.add(folder)
                yield folder

    def _ending_in(self, tail: str, base: str) -> Iterable[str]:
        """Folders whose path ends in `tail`, those at least that hold `base`."""
        folders = self._folders.get(tail, [])
        if len(folders) < len(self._bases.of(base)):
            return folders
        return (home for home in self._homes(base) if f"/{home}".endswith(f"/{tail}"))

    def _called(self, base: str, folders: Iterable[str]) -> list[str]:
        found = (self._files(f"{folder}/{base}" if folder else base) for folder in folders)
        return list(islice(chain.from_iterable(found), SEVERAL))


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _tails(folder: str) -> list[str]:
    """`a/b/c`, `b/c`, `c`; none for the root."""
    parts = folder.split("/") if folder else []
    return ["/".join(parts[start:]) for start in range(len(parts))]


def _heads(folder: str) -> list[str]:
    """`a`, `a/b`, `a/b/c`: the folder and those above it; none for the root."""
    parts = folder.split("/") if folder else []
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
