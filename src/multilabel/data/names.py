"""Which file is meant by a name in a table: paths as people and operating systems write them."""

import unicodedata
from collections.abc import Callable, Iterable
from functools import cached_property
from itertools import chain, islice

SEVERAL = 8  # files that one name could mean; more are not looked for
JUNK = {"__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini", ".ipynb_checkpoints", "@eaDir"}


def is_junk(name: str) -> bool:
    """Whether an operating system or a tool left this file beside those that were meant."""
    parts = plain(name).split("/")
    return parts[-1].startswith("._") or not JUNK.isdisjoint(parts)


def plain(name: str) -> str:
    """`name` in composed characters (macOS decomposes them), with forward slashes and without idle parts."""
    parts = unicodedata.normalize("NFC", name).replace("\\", "/").split("/")
    return "/".join(part for part in (part.strip() for part in parts) if part not in ("", "."))


def agree(given: str, found: str) -> bool:
    """Whether two paths to a file of the same name contradict each other nowhere: one is the end of the other."""
    longer, shorter = sorted((f"/{plain(given)}".casefold(), f"/{plain(found)}".casefold()), key=len, reverse=True)
    return longer.endswith(shorter)


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
    """Names by their whole path, and where each base name and each folder occurs."""

    def __init__(self, names: list[str], key: Callable[[str], str]) -> None:
        self._key = key
        self._files: dict[str, list[str]] = {}
        self._homes: dict[str, list[str]] = {}  # base name -> the folders that hold it
        for name in names:
            self._files.setdefault(key(name), []).append(name)
        for path in self._files:
            folder, _, base = path.rpartition("/")
            self._homes.setdefault(base, []).append(folder)
        holders = {home for homes in self._homes.values() for home in homes}
        self._folders: dict[str, list[str]] = {}  # the end of a folder's path -> whole paths
        for folder in sorted({head for holder in holders for head in _heads(holder)}):
            for tail in _tails(folder):
                self._folders.setdefault(tail, []).append(folder)

    def find(self, name: str) -> list[str]:
        path = self._key(name)
        if path in self._files:
            return self._files[path][:SEVERAL]
        folder, _, base = path.rpartition("/")
        for tail in _tails(folder):
            if tail in self._folders:  # it is there: no other folder is meant, whether it has the file or not
                return self._called(base, self._ending_in(tail, base))
        return self._called(base, self._homes.get(base, []))

    def _ending_in(self, tail: str, base: str) -> Iterable[str]:
        """Folders whose path ends in `tail`, those at least that hold `base`."""
        homes, folders = self._homes.get(base, []), self._folders.get(tail, [])
        return folders if len(folders) < len(homes) else (home for home in homes if f"/{home}".endswith(f"/{tail}"))

    def _called(self, base: str, folders: Iterable[str]) -> list[str]:
        found = (self._files.get(f"{folder}/{base}" if folder else base, []) for folder in folders)
        return list(islice(chain.from_iterable(found), SEVERAL))


def _tails(folder: str) -> list[str]:
    """`a/b/c`, `b/c`, `c`; none for the root."""
    parts = folder.split("/") if folder else []
    return ["/".join(parts[start:]) for start in range(len(parts))]


def _heads(folder: str) -> list[str]:
    """`a`, `a/b`, `a/b/c`: the folder and those above it; none for the root."""
    parts = folder.split("/") if folder else []
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
