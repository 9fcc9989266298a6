"""A source that lies elsewhere (`s3://bucket/archive.zip`): fetched through fsspec, and anew only where it has changed.

What is fetched lies in `.cache/sources/` and is read as any other source; it is safe to delete.
"""

import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from multilabel.core.errors import UserError
from multilabel.core.files import replacing_folder
from multilabel.core.paths import CACHE

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://.+", re.IGNORECASE)
STATES = (
    "ETag",
    "etag",
    "VersionId",
    "mtime",
    "LastModified",
    "last_modified",
    "updated",
    "created",
)  # as stores call it


def is_remote(source: str) -> bool:
    """Whether a source is an address and no path."""
    return bool(ADDRESS.fullmatch(source))


def fetch(address: str, folder: Path = CACHE / "sources") -> Path:
    """Where on this machine a copy of the source lies; of another state of it none is kept. Raises `UserError`."""
    with _asking(address):
        import fsspec

        store, root = fsspec.core.url_to_fs(address)
        found = _files(store, root)
    if not found:
        raise UserError(f"{address}: no such file or folder; set datasets.<name>.source to an archive, folder or CSV")
    own = folder / _digest(address)
    state = own / _digest(*(f"{name}\0{_state(info)}" for name, info in sorted(found.items())))
    target = state / PurePosixPath(root).name
    if not target.exists():
        size = sum(info["size"] or 0 for info in found.values())
        print(f"fetching {address} ({size / 1e6:,.1f} MB)")
        shutil.rmtree(own, ignore_errors=True)
        with replacing_folder(state) as partial, _asking(address):
            _copy(store, root, found, partial / target.name, address)
    return target


def _files(store: Any, root: str) -> Mapping[str, Mapping[str, Any]]:
    """What the store says of the file, or of all files of the folder, by their path within it; the file itself is ""."""
    try:
        about = store.info(root)
    except FileNotFoundError:
        return {}
    if about["type"] == "file":
        return {"": about}
    below = store.find(root, detail=True)
    return {path[len(root) :].lstrip("/"): info for path, info in below.items()}


def _copy(store: Any, root: str, found: Mapping[str, Mapping[str, Any]], target: Path, address: str) -> None:
    copies = {name: target / name if name else target for name in found}
    for name, copy in copies.items():
        if ".." in PurePosixPath(name).parts:
            raise UserError(f"{address}: {name!r} leads out of its folder; rename it there")
        copy.parent.mkdir(parents=True, exist_ok=True)
    store.get([f"{root}/{name}" if name else root for name in copies], [str(copy) for copy in copies.values()])
    for name, copy in copies.items():
        size = found[name]["size"]
        if size is not None and copy.stat().st_size != size:
            raise UserError(
                f"{address}: {name or 'it'} has {size} bytes, of which {copy.stat().st_size} came; run again"
            )


def _state(info: Mapping[str, Any]) -> str:
    """What changes with a file's content, as far as its store says: its size, and a tag or a time."""
    return "\0".join([str(info["size"]), *(str(info[name]) for name in STATES if name in info)])


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@contextmanager
def _asking(address: str) -> Iterator[None]:
    """Whatever a store raises, in one line."""
    try:
        yield
    except UserError:
        raise
    except ImportError as error:
        package = re.search(r"[Ii]nstall ([\w.-]+)", str(error))
        name = package[1] if package else getattr(error, "name", None) or "its package"
        raise UserError(f"{address}: is read by a package that is not installed; pip install {name}") from None
    except ValueError as error:
        raise UserError(f"{address}: {error}; name a path, or an address such as s3://bucket/archive.zip") from None
    except OSError as error:
        if error.filename is not None:  # of this machine: the disk is full, say
            raise
        raise _refused(address, error) from None
    except Exception as error:  # noqa: BLE001 (stores raise whatever their libraries do)
        raise _refused(address, error) from None


def _refused(address: str, error: Exception) -> UserError:
    return UserError(
        f"{address}: cannot be read ({type(error).__name__}: {error}); check the address, the network and your rights"
    )
