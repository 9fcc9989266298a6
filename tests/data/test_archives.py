import os
import shutil
import socket
import tarfile
import unicodedata
import zipfile
from pathlib import Path

import pytest

from multilabel.core.errors import LONGEST, UserError
from multilabel.data import archives
from multilabel.data.archives import AmbiguousName, Files, open_source, printable, sha256_of
from multilabel.data.unpacking import UnreadableFile


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """train.csv, images/1.jpg and images/deep/2.jpg."""
    root = tmp_path / "source"
    (root / "images" / "deep").mkdir(parents=True)
    (root / "train.csv").write_bytes(b"a,b\n")
    (root / "images" / "1.jpg").write_bytes(b"1")
    (root / "images" / "deep" / "2.jpg").write_bytes(b"2")
    return root


def names(path: Path) -> list[str]:
    return open_source(path, 1).names


def test_zip_tar_folder_and_file_give_the_same_files(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("x.zip", "w") as zipped:
        zipped.writestr("deep/train.csv", b"a,b\n")
    with tarfile.open("x.tar.gz", "w:gz") as tar:
        tar.add(folder, "deep")
    for source in (folder, Path("x.zip"), Path("x.tar.gz"), folder / "train.csv"):
        files = open_source(source, 1)
        name = files.find("train.csv")
        assert name is not None
        assert files.read(name) == b"a,b\n"
        assert files.find("test.csv") is None


def test_the_digest_of_a_folder_is_that_of_its_files(folder: Path, tmp_path: Path) -> None:
    digest = sha256_of(folder)
    assert sha256_of(shutil.copytree(folder, tmp_path / "copy")) == digest
    (folder / ".DS_Store").write_bytes(b"junk")
    assert sha256_of(folder) == digest
    (folder / "images" / "1.jpg").rename(folder / "images" / "3.jpg")
    renamed = sha256_of(folder)
    (folder / "images" / "3.jpg").write_bytes(b"3")
    assert len({digest, renamed, sha256_of(folder), sha256_of(folder / "train.csv")}) == 4


def test_a_name_in_another_encoding_is_part_of_the_digest(folder: Path) -> None:
    before = sha256_of(folder)
    (folder / os.fsdecode(b"caf\xe9.png")).write_bytes(b"3")
    with_it = sha256_of(folder)
    assert with_it not in (before, sha256_of(folder / "train.csv"))
    (folder / os.fsdecode(b"caf\xe9.png")).rename(folder / os.fsdecode(b"caf\xe8.png"))
    assert sha256_of(folder) not in (before, with_it)
    assert printable(os.fsdecode(b"caf\xe9.png")) == "caf\\udce9.png"
    assert printable("caf\xe9.png") == "caf\xe9.png"


def test_names_that_several_files_of_an_archive_have() -> None:
    assert Files(Path("a.zip"), ["a.png", "b.png", "a.png", "x/b.png"], lambda name: b"").doubled == {"a.png"}
    assert Files(Path("a.zip"), ["a.png", "b.png", "x/b.png"], lambda name: b"").doubled == frozenset()


def test_what_systems_leave_behind_is_no_file_of_the_source(folder: Path) -> None:
    before = names(folder)
    assert before == ["train.csv", "images/1.jpg", "images/deep/2.jpg"]
    for junk in ("__MACOSX/._train.csv", "__MACOSX/images/1.jpg", "._train.csv", ".DS_Store", "images/._1.jpg"):
        (folder / junk).parent.mkdir(parents=True, exist_ok=True)
        (folder / junk).write_bytes(b"junk")
    assert names(folder) == before
    with zipfile.ZipFile(folder.parent / "x.zip", "w") as archive:
        for path in folder.rglob("*"):
            archive.write(path, path.relative_to(folder))
    assert sorted(names(folder.parent / "x.zip")) == sorted(before)


def test_a_name_that_is_there_twice_is_an_error_unless_its_folder_is_said(tmp_path: Path) -> None:
    files = Files(tmp_path, ["a/1.jpg", "b/1.jpg"], lambda name: name.encode())
    with pytest.raises(AmbiguousName, match=r"1.jpg is there twice \(a/1.jpg, b/1.jpg\); keep one of them"):
        files.find("1.jpg")
    assert files.find("b/1.jpg") == "b/1.jpg"
    assert files.find("a/2.jpg") is None
    with pytest.raises(AmbiguousName, match=r"1.jpg is there twice \(1.jpg, 1.jpg\)"):
        Files(tmp_path, ["1.jpg", "1.jpg"], lambda name: b"").find("1.jpg")


def test_a_folder_that_is_a_link_or_has_links_within_is_read(folder: Path) -> None:
    (folder.parent / "link").symlink_to(folder)
    assert names(folder.parent / "link") == names(folder)
    (folder / "photos").symlink_to(folder / "images" / "deep")
    (folder / "cover.jpg").symlink_to(folder / "images" / "1.jpg")
    files = open_source(folder, 1)
    assert files.read(files.find("photos/2.jpg") or "") == b"2"
    assert files.read(files.find("2.jpg") or "") == b"2"  # twice, but the same file
    assert files.read(files.find("cover.jpg") or "") == b"1"


def test_links_in_a_circle_end(folder: Path) -> None:
    (folder / "all").symlink_to(folder)
    (folder / "images" / "up").symlink_to(folder / "images")
    (folder / "images" / "deep" / "across").symlink_to(folder / "images")
    (folder / "self").symlink_to(folder / "self")
    (folder / "gone.jpg").symlink_to(folder / "nowhere.jpg")
    found = names(folder)
    assert len(found) < 12
    assert {"train.csv", "images/1.jpg", "images/deep/2.jpg"} <= set(found)


@pytest.mark.parametrize("target", ["images", "1.jpg"])
def test_links_to_outside_are_refused(folder: Path, tmp_path: Path, target: str) -> None:
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    (outside / "1.jpg").write_bytes(b"secret")
    (folder / "link").symlink_to(outside if target == "images" else outside / "1.jpg")
    with pytest.raises(UserError, match=r"source/link: is a link to outside .*source; copy what it names into the"):
        open_source(folder, 1)


def test_a_table_finds_the_images_beside_it_and_no_other_file(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (folder / "test.csv").write_bytes(b"not asked for")
    accented = unicodedata.normalize("NFD", "é.jpg")
    (folder / "images" / accented).write_bytes(b"3")
    (folder / "out.jpg").symlink_to(tmp_path / "secret.jpg")
    files = open_source(folder / "train.csv", 1)
    assert files.names == ["train.csv"]
    for name in ("images/1.jpg", "./images/1.jpg", "images\\1.jpg", str(folder / "images" / "1.jpg")):
        assert files.read(files.find(name) or "") == b"1"
    assert files.read(files.find("images/é.jpg") or "") == b"3"
    for name in ("1.jpg", "../secret.jpg", str(tmp_path / "secret.jpg"), "out.jpg", "test.csv", "images", "", "x" * 5000,
                 "a\0b"):  # fmt: skip
        assert files.find(name) is None


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom", "/dev/null"])
def test_devices_are_no_source(tmp_path: Path, device: str) -> None:
    (tmp_path / "x.csv").symlink_to(device)
    for path in (Path(device), tmp_path / "x.csv"):
        with pytest.raises(UserError, match=r"is a device, pipe or socket; set datasets.<name>.source to an archive"):
            open_source(path, 1)


def test_pipes_and_sockets_are_no_source_and_no_image(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = names(folder)
    os.mkfifo(folder / "pipe.csv")
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.jpg")
        assert names(folder) == before
        for name in ("pipe.csv", "socket.jpg"):
            with pytest.raises(UserError, match=r"is a device, pipe or socket"):
                open_source(folder / name, 1)
        assert open_source(folder / "train.csv", 1).find("socket.jpg") is None


def test_what_is_no_archive_says_so(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.zip", tmp_path / "a\0b", tmp_path / "x.zip" / "train.csv"):
        with pytest.raises(UserError, match=r"no such file or folder; set datasets.<name>.source"):
            open_source(path, 1)
        (tmp_path / "x.zip").write_bytes(b"not an archive")
    (tmp_path / "x.jsonl").write_text("{}")
    for name in ("x.zip", "x.jsonl"):
        with pytest.raises(UserError) as error:
            open_source(tmp_path / name, 1)
        assert str(error.value) == (
            f"{tmp_path / name}: neither a zip or tar archive, nor a folder, nor a table (.csv, .tsv, .txt); check that the file is "
            "whole, and convert JSON, Excel or Parquet to CSV"
        )
    with pytest.raises(UserError, match=r"File name too long; choose a shorter name") as error:
        open_source(tmp_path / ("x" * 5000), 1)
    assert len(str(error.value)) <= LONGEST


def test_what_may_not_be_read_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(path: object, *arguments: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    files = open_source(folder, 1)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", forbidden)
        with pytest.raises(UnreadableFile, match=r"images/1.jpg: Permission denied; give this user access to it"):
            files.read("images/1.jpg")
    with monkeypatch.context() as patch:
        scandir = os.scandir
        patch.setattr(os, "scandir", lambda path: forbidden(path) if path.name == "images" else scandir(path))
        with pytest.raises(UserError, match=r"source/images: Permission denied; give this user access to it"):
            open_source(folder, 1)
    with monkeypatch.context() as patch:
        patch.setattr(archives, "is_tar", forbidden)
        (folder / "x.zip").write_bytes(b"")
        with pytest.raises(UserError, match=r"x.zip: Permission denied"):
            open_source(folder / "x.zip", 1)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", forbidden)
        with pytest.raises(UserError, match=r"source: Permission denied"):
            open_source(folder, 1)
