import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from multilabel.core.errors import UserError
from multilabel.data.archives import open_source


def zip_with(path: Path, *members: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def test_zip_tar_folder_and_file_give_the_same_files(tmp_path: Path) -> None:
    folder = tmp_path / "folder" / "deep"
    folder.mkdir(parents=True)
    (folder / "train.csv").write_bytes(b"a,b\n")
    zipped = zip_with(tmp_path / "x.zip", ("deep/train.csv", b"a,b\n"))
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as archive:
        archive.add(folder, "deep")
    for source in (tmp_path / "folder", zipped, tmp_path / "x.tar.gz", folder / "train.csv"):
        files = open_source(source, 1)
        name = files.find("train.csv")
        assert name is not None
        assert files.read(name) == b"a,b\n"
        assert files.find("test.csv") is None


@pytest.mark.parametrize("name", ["../evil.csv", "/etc/evil.csv", "a/../../evil.csv", "C:/evil.csv", "..\\evil.csv"])
def test_names_that_leave_the_archive_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="points outside the archive"):
        open_source(zip_with(tmp_path / "x.zip", (name, b"x")), 1)
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        member = tarfile.TarInfo(name)
        archive.addfile(member, io.BytesIO(b""))
    with pytest.raises(UserError, match="points outside the archive"):
        open_source(tmp_path / "x.tar", 1)


def test_links_are_refused(tmp_path: Path) -> None:
    member = zipfile.ZipInfo("link.csv")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(member, "/etc/passwd")
    with pytest.raises(UserError, match=r"link.csv is a link; an archive may hold plain files only"):
        open_source(tmp_path / "x.zip", 1)
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        link = tarfile.TarInfo("link.csv")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(UserError, match=r"link.csv is a link or device"):
        open_source(tmp_path / "x.tar", 1)
    (tmp_path / "folder").mkdir()
    os.symlink("/etc/passwd", tmp_path / "folder" / "train.csv")
    with pytest.raises(UserError, match=r"is a link to outside"):
        open_source(tmp_path / "folder", 1)


def test_bombs_and_archives_over_the_limit_are_refused(tmp_path: Path) -> None:
    bomb = zip_with(tmp_path / "bomb.zip", ("train.csv", b"0" * 5_000_000))
    with pytest.raises(UserError, match="look like a bomb"):
        open_source(bomb, 1)
    with pytest.raises(UserError, match=r"unpacks to 0.0 GB, more than ingest.max_unpacked_gb = 0.001"):
        open_source(bomb, 0.001)


def test_what_is_no_archive_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no such file or folder; set datasets.<name>.source"):
        open_source(tmp_path / "absent.zip", 1)
    (tmp_path / "x.zip").write_bytes(b"not an archive")
    with pytest.raises(UserError, match=r"neither a zip or tar archive, nor a .csv file"):
        open_source(tmp_path / "x.zip", 1)
    whole = zip_with(tmp_path / "whole.zip", ("train.csv", os.urandom(5000))).read_bytes()
    (tmp_path / "x.zip").write_bytes(whole[:2000] + bytes(500) + whole[2500:])
    files = open_source(tmp_path / "x.zip", 1)
    with pytest.raises(UserError, match=r"cannot read train.csv .*; fetch the archive again"):
        files.read("train.csv")


def test_a_name_that_is_there_twice_is_an_error(tmp_path: Path) -> None:
    files = open_source(zip_with(tmp_path / "x.zip", ("a/1.jpg", b"x"), ("b/1.jpg", b"y")), 1)
    with pytest.raises(UserError, match=r"1.jpg is there twice \(a/1.jpg, b/1.jpg\)"):
        files.find("1.jpg")
