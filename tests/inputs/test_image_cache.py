import io
import mmap
import os
from pathlib import Path

import numpy as np
import pytest
from conftest import image
from PIL import Image

from multilabel.core.errors import UserError
from multilabel.data import images
from multilabel.data.images import open_rgb
from multilabel.data.records import Record, write_records
from multilabel.inputs import image_cache
from multilabel.inputs.image_cache import ask_for, pixel_array, squeeze


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five images in a records file."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "records.parquet"
    write_records(path, [Record(str(i), "", None, image(["1"], 50 * i, (40, 30))) for i in range(5)])
    return path


def test_rows_are_the_images_in_order(records: Path, tmp_path: Path) -> None:
    pixels = pixel_array(records, 16, folder=tmp_path / "pixels")
    assert (pixels.shape, pixels.dtype) == ((5, 16, 16, 3), np.uint8)
    for row in range(5):
        content = image(["1"], 50 * row, (40, 30))
        expected = open_rgb(content, at_least=16).resize((16, 16), Image.Resampling.BILINEAR)
        np.testing.assert_array_equal(pixels[row], np.asarray(expected))


def test_images_are_decoded_once_and_their_bytes_never_read_to_know_that(
    records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = pixel_array(records, 16, folder=tmp_path / "pixels")
    read = []
    read_records = image_cache.read_records
    monkeypatch.setattr(image_cache, "iter_images", lambda path: read.append("images") or [])
    monkeypatch.setattr(image_cache, "read_records", lambda *a: read.append("digests") or read_records(*a))
    for _ in range(3):
        np.testing.assert_array_equal(pixel_array(records, 16, folder=tmp_path / "pixels"), first)
    assert read == []


@pytest.mark.parametrize("kept", [0, 5, 100, 130, 1000, 3968, 3999])
def test_an_array_that_is_not_whole_is_made_anew(
    records: Path, tmp_path: Path, kept: int, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = np.array(pixel_array(records, 16, folder=tmp_path / "pixels"))
    (path,) = (tmp_path / "pixels").iterdir()
    assert path.stat().st_size == 4000
    os.truncate(path, kept)
    capsys.readouterr()
    np.testing.assert_array_equal(pixel_array(records, 16, folder=tmp_path / "pixels"), whole)
    said = capsys.readouterr().out
    assert said == f"{path}: damaged, as a power failure may leave a file; its images are decoded anew\n"
    pixel_array(records, 16, folder=tmp_path / "pixels")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("place", [3, 30, 128, 2000, 3967, 3968, 3999])
def test_one_other_byte_is_noticed(
    records: Path, tmp_path: Path, place: int, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = np.array(pixel_array(records, 16, folder=tmp_path / "pixels"))
    (path,) = (tmp_path / "pixels").iterdir()
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    np.testing.assert_array_equal(pixel_array(records, 16, folder=tmp_path / "pixels"), whole)
    assert "damaged" in capsys.readouterr().out


def test_other_images_get_another_array_even_under_the_same_name(records: Path, tmp_path: Path) -> None:
    first = pixel_array(records, 16, folder=tmp_path / "pixels").copy()
    write_records(records, [Record(str(i), "other text", ["x"], image(["2"], 50 * i, (40, 30))) for i in range(5)])
    os.utime(records, ns=(1, 1))
    assert (pixel_array(records, 16, folder=tmp_path / "pixels") != first).any()
    pixel_array(records, 8, folder=tmp_path / "pixels")
    pixel_array(records, 8, "bicubic", tmp_path / "pixels")
    assert len(list((tmp_path / "pixels").iterdir())) == 4


def test_records_with_the_same_images_share_an_array(records: Path, tmp_path: Path) -> None:
    pixel_array(records, 16, folder=tmp_path / "pixels")
    again = tmp_path / "again.parquet"
    write_records(again, [Record(str(i), "text", ["x"], image(["1"], 50 * i, (40, 30))) for i in range(5)])
    pixel_array(again, 16, folder=tmp_path / "pixels")
    assert len(list((tmp_path / "pixels").iterdir())) == 1


def test_records_without_images_are_refused(records: Path) -> None:
    write_records(records, [Record("1", "", None, image(["1"])), Record("2", "", None)])
    with pytest.raises(UserError, match=r"1 records have no image; train on the text alone"):
        pixel_array(records, 16)


def test_a_large_image_is_decoded_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (1000, 500), (255, 0, 0, 0)).save(buffer, "PNG")
    taken = []
    room = images._Room(2)
    taking = room.taking
    monkeypatch.setattr(room, "taking", lambda amount: taken.append(amount) or taking(amount))
    monkeypatch.setattr(images, "_room", room)
    assert squeeze(buffer.getvalue(), 8).tolist() == [[[255, 255, 255]] * 8] * 8
    assert taken == [0.5]


@pytest.mark.parametrize("rows", [[4, 0, 4], [0], []])
def test_images_that_are_asked_for_are_the_same(records: Path, tmp_path: Path, rows: list[int]) -> None:
    pixels = pixel_array(records, 37, folder=tmp_path / "pixels")  # images that begin and end within pages
    before = np.array(pixels)
    ask_for(pixels, np.array(rows, np.int64))
    np.testing.assert_array_equal(pixels, before)


def test_of_an_array_in_memory_nothing_is_asked() -> None:
    ask_for(np.zeros((3, 4, 4, 3), np.uint8), np.array([2]))


def test_the_pages_of_an_image_are_asked_for_and_no_others(tmp_path: Path) -> None:
    path = tmp_path / "pixels.npy"
    np.save(path, np.zeros((40, 64, 64, 3), np.uint8))
    pixels = np.load(path, mmap_mode="r")
    asked: list[tuple[int, int]] = []

    class File(mmap.mmap):
        def madvise(self, option: int, start: int = 0, length: int = 0) -> None:  # type: ignore[override]
            asked.append((start, length))
            super().madvise(option, start, length)

    with path.open("rb") as file:
        mapped = File(file.fileno(), 0, access=mmap.ACCESS_READ)
    watched = np.ndarray.__new__(np.memmap, pixels.shape, np.uint8, mapped, offset=pixels.offset)
    watched.offset = pixels.offset
    ask_for(watched, np.array([7, 39]))
    size = 64 * 64 * 3
    for row, (start, length) in zip((7, 39), asked, strict=True):
        first = pixels.offset + row * size
        assert start % mmap.PAGESIZE == 0
        assert first - mmap.PAGESIZE < start <= first
        assert start + length == first + size
