"""Sources that lie elsewhere, in stores that need no network."""

import errno
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from multilabel.core.errors import UserError
from multilabel.data.remote_sources import fetch, is_remote


@pytest.fixture
def store() -> Iterator[fsspec.AbstractFileSystem]:
    memory = fsspec.filesystem("memory")
    yield memory
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


def lying_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("source", "remote"),
    [
        ("s3://bucket/a.zip", True),
        ("memory://a", True),
        ("path/to/a.zip", False),
        ("C:\\a.zip", False),
        ("synthetic", False),
        ("s3://", False),
    ],
)
def test_what_is_an_address(source: str, remote: bool) -> None:
    assert is_remote(source) == remote


def test_a_file_is_fetched_once_and_again_when_it_has_changed(
    store: fsspec.AbstractFileSystem, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    store.pipe("/bucket/records.csv", b"id,labels\n")
    first = fetch("memory://bucket/records.csv", tmp_path)
    assert (first.name, first.read_bytes()) == ("records.csv", b"id,labels\n")
    assert "fetching memory://bucket/records.csv (0.0 MB)" in capsys.readouterr().out
    assert fetch("memory://bucket/records.csv", tmp_path) == first
    assert capsys.readouterr().out == ""

    store.pipe("/bucket/records.csv", b"id,label2\n")  # of the same size
    second = fetch("memory://bucket/records.csv", tmp_path)
    assert second.read_bytes() == b"id,label2\n"
    assert len(lying_in(tmp_path)) == 1  # of the former state nothing is kept


def test_a_folder_comes_with_its_folders(store: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    for name in ("train.csv", "images/1.jpg", "images/deep/2.jpg"):
        store.pipe(f"/bucket/data/{name}", name.encode())
    store.pipe("/bucket/database/other.csv", b"not asked for")
    found = fetch("memory://bucket/data", tmp_path)
    assert lying_in(found) == ["images/1.jpg", "images/deep/2.jpg", "train.csv"]
    assert (found / "images/deep/2.jpg").read_text() == "images/deep/2.jpg"

    store.pipe("/bucket/data/images/3.jpg", b"new")
    assert lying_in(fetch("memory://bucket/data", tmp_path))[1] == "images/3.jpg"


def test_two_sources_do_not_replace_each_other(store: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    for name in "ab":
        store.pipe(f"/{name}/t.csv", name.encode())
    found = [fetch(f"memory://{name}/t.csv", tmp_path) for name in "ab"]
    assert [path.read_text() for path in found] == ["a", "b"]


def test_an_interrupted_copy_is_no_copy(
    store: fsspec.AbstractFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.pipe("/bucket/a.zip", b"12345")

    def half(_: object, paths: list[str], copies: list[str]) -> None:
        Path(copies[0]).write_bytes(b"12")

    with monkeypatch.context() as patch:
        patch.setattr(type(store), "get", half)
        with pytest.raises(UserError, match=r"memory://bucket/a.zip: it has 5 bytes, of which 2 came; run again"):
            fetch("memory://bucket/a.zip", tmp_path)
    assert lying_in(tmp_path) == []
    assert fetch("memory://bucket/a.zip", tmp_path).read_bytes() == b"12345"


def test_a_name_that_leads_out_of_the_folder_is_refused(
    tmp_path: Path, store: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.pipe("/bucket/data/a.csv", b"")
    hostile = {"/bucket/data/../../b.csv": {"size": 1}}
    monkeypatch.setattr(type(store), "find", lambda *_, **__: hostile)
    with pytest.raises(UserError, match="leads out of its folder; rename it there"):
        fetch("memory://bucket/data", tmp_path)
    assert lying_in(tmp_path) == []


def test_what_is_not_there_has_one_line(store: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"^memory://bucket/a.zip: no such file or folder; set datasets.<name>.source to"
    ):
        fetch("memory://bucket/a.zip", tmp_path)
    with pytest.raises(
        UserError, match=r"^nowhere://a: Protocol not known: nowhere; name a path, or an address such as s3://"
    ):
        fetch("nowhere://a", tmp_path)


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    fsspec.register_implementation(
        "lake", "no_such_package.Lake", clobber=True, errtxt="Install lakefs to access lakes"
    )
    with pytest.raises(UserError, match=r"^lake://a: is read by a package that is not installed; pip install lakefs$"):
        fetch("lake://a", tmp_path)


@pytest.mark.parametrize(
    "error", [PermissionError("Forbidden"), RuntimeError("no credentials\nanywhere"), TimeoutError()]
)
def test_what_a_store_refuses_is_one_line(
    error: Exception, store: fsspec.AbstractFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(type(store), "info", refuse)
    with pytest.raises(
        UserError, match=f"cannot be read .{type(error).__name__}: .*check the address, the network and your rights"
    ) as caught:
        fetch("memory://bucket/a.zip", tmp_path)
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_the_machines_fault(
    store: fsspec.AbstractFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.pipe("/bucket/a.zip", b"1")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path))

    monkeypatch.setattr(type(store), "get", full)
    with pytest.raises(OSError, match="No space left"):
        fetch("memory://bucket/a.zip", tmp_path)
