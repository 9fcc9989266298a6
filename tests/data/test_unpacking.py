import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import tracemalloc
import unicodedata
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from multilabel.core.errors import UserError
from multilabel.data import unpacking
from multilabel.data.archives import open_source
from multilabel.data.unpacking import UnreadableFile

METHODS = {"stored": 0, "deflate": 8, "bzip2": 12, "lzma": 14}
TARS = {"tar": open, "tar.gz": gzip.open, "tar.bz2": bz2.open, "tar.xz": lzma.open}


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def zip_with(path: Path, *members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def tar_bytes(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def tar_with(path: Path, *members: tuple[str, bytes]) -> Path:
    with TARS[path.name.partition(".")[2]](path, "wb") as file:
        file.write(tar_bytes(*members))
    return path


def noise(number: int, size: int = 3000) -> bytes:
    return bytes((number * 7919 + i * i * 31) % 251 for i in range(size))


MEMBERS = [("train.csv", b"a,b\n"), *((f"images/{i}.jpg", noise(i)) for i in range(20))]


@pytest.mark.parametrize("suffix", TARS)
def test_every_tar_is_read_in_any_order(tmp_path: Path, suffix: str) -> None:
    files = open_source(tar_with(tmp_path / f"x.{suffix}", *MEMBERS), 1)
    assert files.names == [name for name, _ in MEMBERS]
    for name, content in reversed(MEMBERS):
        assert files.read(name) == content
    assert list((tmp_path / ".cache").glob("*")) == [] if suffix != "tar" else not (tmp_path / ".cache").exists()


@pytest.mark.parametrize("method", METHODS)
def test_every_zip_is_read(tmp_path: Path, method: str) -> None:
    files = open_source(zip_with(tmp_path / "x.zip", *MEMBERS, method=METHODS[method]), 1)
    assert [(name, files.read(name)) for name in files.names] == MEMBERS


def test_a_compressed_tar_is_unpacked_once_whatever_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked = []
    blocks = unpacking._blocks

    def count(*arguments):
        for block in blocks(*arguments):
            unpacked.append(len(block))
            yield block

    monkeypatch.setattr(unpacking, "_blocks", count)
    path = tar_with(tmp_path / "x.tar.gz", *((f"{i}.jpg", noise(i, 300)) for i in range(200)))
    files = open_source(path, 1)
    for i in range(199, -1, -1):
        assert files.read(f"{i}.jpg") == noise(i, 300)
    assert sum(unpacked) == len(gzip.decompress(path.read_bytes()))


@pytest.mark.parametrize("suffix", ["tar.gz", "tar.bz2", "tar.xz"])
@pytest.mark.parametrize("damage", ["middle", "cut", "half"])
def test_a_compressed_tar_damaged_anywhere_is_refused(tmp_path: Path, suffix: str, damage: str) -> None:
    path = tmp_path / f"x.{suffix}"
    whole = tar_with(path, ("train.csv", b"a\n"), ("1.bin", os.urandom(300_000))).read_bytes()
    middle = len(whole) * 2 // 3
    path.write_bytes(
        {
            "middle": whole[:middle] + bytes(b ^ 0x55 for b in whole[middle : middle + 8]) + whole[middle + 8 :],
            "cut": whole[:-5],
            "half": whole[: len(whole) // 2],
        }[damage]
    )
    with pytest.raises(UserError, match=r"damaged tar archive \(.+\)"):
        open_source(path, 1)


@pytest.mark.parametrize("suffix", ["tar.gz", "tar.bz2", "tar.xz"])
def test_a_small_compressed_tar_damaged_at_any_byte_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tar_with(tmp_path / f"x.{suffix}", *MEMBERS)  # its decoder meets the damage before it gives the first header
    whole = path.read_bytes()
    for start in range(12, len(whole) - 8, 7):
        path.write_bytes(whole[:start] + bytes(b ^ 0x55 for b in whole[start : start + 8]) + whole[start + 8 :])
        with pytest.raises(UserError, match=r"damaged tar archive \(.+\)|look like a bomb"):
            open_source(path, 1)


@pytest.mark.parametrize("packed", [gzip.compress, bz2.compress, lzma.compress])
def test_what_is_compressed_and_no_tar_says_what_to_do(tmp_path: Path, packed: Callable[[bytes], bytes]) -> None:
    (tmp_path / "train.csv.x").write_bytes(packed(b"ImageID,Labels\n1.jpg,1\n"))
    with pytest.raises(UserError, match=r"train.csv.x: what it unpacks to is no tar archive; unpack it first and name"):
        open_source(tmp_path / "train.csv.x", 1)


def test_a_tar_damaged_in_a_header_is_not_read_as_complete(tmp_path: Path) -> None:
    whole = tar_bytes(*MEMBERS)
    header = whole.index(b"images/9.jpg")
    (tmp_path / "x.tar").write_bytes(whole[:header] + b"\xff" * 20 + whole[header + 20 :])
    with pytest.raises(
        UserError, match=r"x.tar: damaged tar archive \(it breaks off after \d+ bytes\); fetch it again"
    ):
        open_source(tmp_path / "x.tar", 1)


@pytest.mark.parametrize("length", [header for header in range(512, 1024 * 12, 1000)])
def test_a_tar_that_breaks_off_is_refused(tmp_path: Path, length: int) -> None:
    (tmp_path / "x.tar").write_bytes(tar_bytes(*MEMBERS)[:length])
    with pytest.raises(UserError, match=r"damaged tar archive"):
        open_source(tmp_path / "x.tar", 1)


def test_a_second_archive_behind_the_first_is_not_lost(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(tar_bytes(("train.csv", b"a")) + tar_bytes(("1.jpg", b"b")))
    with pytest.raises(UserError, match=r"x.tar: a second archive follows the end of the first"):
        open_source(tmp_path / "x.tar", 1)


def test_a_zip_in_a_tar_is_not_taken_for_the_archive(tmp_path: Path) -> None:
    inner = zip_with(tmp_path / "inner.zip", ("other.csv", b"b\n")).read_bytes()
    assert open_source(tar_with(tmp_path / "x.tar", ("train.csv", b"a\n"), ("inner.zip", inner)), 1).names == [
        "train.csv",
        "inner.zip",
    ]


@pytest.mark.parametrize("method", METHODS)
def test_a_damaged_file_of_a_zip_is_one_line(tmp_path: Path, method: str) -> None:
    path = zip_with(tmp_path / "x.zip", ("1.bin", os.urandom(5000)), ("2.bin", b"whole"), method=METHODS[method])
    whole = path.read_bytes()
    for start in range(60, 2000, 450):
        path.write_bytes(whole[:start] + bytes(40) + whole[start + 40 :])
        files = open_source(path, 1)
        with pytest.raises(UnreadableFile, match=r"x.zip: cannot read 1.bin \(.+\); fetch the archive again$"):
            files.read("1.bin")
        assert files.read("2.bin") == b"whole"


@pytest.mark.parametrize("length", [10, 100, 2000])
def test_a_zip_that_breaks_off_is_refused(tmp_path: Path, length: int) -> None:
    path = zip_with(tmp_path / "x.zip", *MEMBERS)
    path.write_bytes(path.read_bytes()[:-length])
    with pytest.raises(UserError, match=r"(neither a zip or tar archive|damaged zip archive)"):
        open_source(path, 1)


def test_a_damaged_directory_of_a_zip_is_one_line(tmp_path: Path) -> None:
    path = zip_with(tmp_path / "x.zip", *MEMBERS)
    whole = path.read_bytes()
    start = whole.index(b"PK\x01\x02")
    for place in range(start, len(whole) - 30, 13):
        path.write_bytes(whole[:place] + b"\xff\xfe\x01" + whole[place + 3 :])
        with suppress(UserError):  # and nothing else
            files = open_source(path, 1)
            for name in files.names:
                files.read(name)


@pytest.mark.parametrize(
    ("bit", "value", "message"),
    [
        (6, 0x1, r"x.zip: 1.bin is encrypted; unpack it first and name the folder"),
        (8, 9, r"x.zip: 1.bin is packed by a rare method \(9\); pack it again as zip"),
    ],
)
def test_a_zip_that_cannot_be_unpacked_is_refused_at_once(tmp_path: Path, bit: int, value: int, message: str) -> None:
    path = zip_with(tmp_path / "x.zip", ("1.bin", b"x" * 50))
    whole = bytearray(path.read_bytes())
    whole[whole.index(b"PK\x03\x04") + bit] = value
    whole[whole.index(b"PK\x01\x02") + bit + 2] = value
    path.write_bytes(whole)
    with pytest.raises(UserError, match=message):
        open_source(path, 1)


def test_what_a_zip_says_of_sizes_bounds_what_is_unpacked(tmp_path: Path) -> None:
    random = Random(0)
    content = bytes(3000).join(random.randbytes(60) for _ in range(4000))
    path = zip_with(tmp_path / "x.zip", ("1.bin", content), method=METHODS["lzma"])
    whole = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = whole.index(mark) + place
        whole[start : start + 4] = (1000).to_bytes(4, "little")
    path.write_bytes(whole)
    files = open_source(path, 1)
    tracemalloc.start()
    with pytest.raises(UnreadableFile, match=r"cannot read 1.bin"):
        files.read("1.bin")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < len(content)  # unbounded: twice that, and the dictionary


@pytest.mark.parametrize("name", ["../evil.csv", "/etc/evil.csv", "a/../../evil.csv", "C:/evil.csv", "C:\\evil.csv",
                                  "..\\evil.csv"])  # fmt: skip
def test_names_that_leave_the_archive_are_refused(tmp_path: Path, name: str) -> None:
    for path in (zip_with(tmp_path / "x.zip", (name, b"x")), tar_with(tmp_path / "x.tar", (name, b"x"))):
        with pytest.raises(UserError, match="points outside the archive"):
            open_source(path, 1)


@pytest.mark.parametrize("name", ["12:30.jpg", "a/12:30.jpg", "1:2.jpg", "a:b/1.jpg", "..jpg", "a..b/1.jpg"])
def test_odd_names_inside_the_archive_are_read(tmp_path: Path, name: str) -> None:
    for path in (zip_with(tmp_path / "x.zip", (name, b"x")), tar_with(tmp_path / "x.tar", (name, b"x"))):
        files = open_source(path, 1)
        assert files.read(files.find(name) or "") == b"x"


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    member = zipfile.ZipInfo("link.csv")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(member, "/etc/passwd")
    with pytest.raises(UserError, match=r"link.csv is a link; an archive may hold plain files only"):
        open_source(tmp_path / "x.zip", 1)
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
        with tarfile.open(tmp_path / "x.tar", "w") as tar:
            link = tarfile.TarInfo("link.csv")
            link.type, link.linkname = kind, "/etc/passwd"
            tar.addfile(link)
        with pytest.raises(UserError, match=r"link.csv is a link or device"):
            open_source(tmp_path / "x.tar", 1)


def test_bombs_and_archives_over_the_limit_are_refused(tmp_path: Path) -> None:
    zeros = ("train.csv", b"0" * 5_000_000)
    for path in (zip_with(tmp_path / "bomb.zip", zeros), tar_with(tmp_path / "bomb.tar.gz", zeros)):
        with pytest.raises(UserError, match=r"unpack \d+-fold look like a bomb"):
            open_source(path, 1)
        with pytest.raises(UserError, match=r"unpacks to 0.0 GB, more than ingest.max_unpacked_gb = 0.001"):
            open_source(path, 0.001)
    small = ("train.csv", b"0" * 400_000)
    for path in (zip_with(tmp_path / "x.zip", small), tar_with(tmp_path / "x.tar.xz", small)):
        assert open_source(path, 1).read("train.csv") == small[1]


def test_a_file_that_memory_may_not_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_FILE", 1000)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "1.jpg").write_bytes(noise(1))
    for path in (zip_with(tmp_path / "x.zip", ("1.jpg", noise(1))), tar_with(tmp_path / "x.tar", ("1.jpg", noise(1))),
                 tmp_path / "folder"):  # fmt: skip
        with pytest.raises(UnreadableFile, match=r"1.jpg has 0.0 GB, more than 0.0; split it"):
            open_source(path, 1).read("1.jpg")


def test_names_that_macos_stores_without_saying_how(tmp_path: Path) -> None:
    name = unicodedata.normalize("NFD", "café/é.jpg")
    path = zip_with(tmp_path / "x.zip", (name, b"x"), ("plain.csv", b"y"))
    whole = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        whole[whole.index(mark) + place] &= ~0x08
    path.write_bytes(whole)
    files = open_source(path, 1)
    assert files.find("café/é.jpg") == name
    assert files.read(name) == b"x"


def test_a_full_disk_is_not_called_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path):
        raise OSError(28, "No space left on device", str(path))
        yield

    path = tar_with(tmp_path / "x.tar.gz", *MEMBERS)
    monkeypatch.setattr(unpacking, "_blocks", lambda path, opener: full(path))
    with pytest.raises(OSError, match="No space left on device"):
        open_source(path, 1)
