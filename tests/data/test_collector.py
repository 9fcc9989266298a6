import io
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import image
from PIL import Image

from multilabel.core.errors import UserError
from multilabel.data.archives import Files, open_source
from multilabel.data.images import GREY_IMAGE
from multilabel.data.readers import collector
from multilabel.data.readers.collector import Collector, only_table, read_text
from multilabel.data.records import Findings, Record
from multilabel.data.unpacking import UnreadableFile

JPEG = image(["1"])
OTHER = image(["2"])


def source(**contents: bytes) -> Files:
    return Files(Path("source.zip"), list(contents), contents.__getitem__)


def attach(
    files: Files,
    named: dict[str, str],
    unlabelled: tuple[str, ...] = (),
    required: bool = False,
    policy: str = "reject",
) -> tuple[dict[str, bytes | None], list[str]]:
    """What becomes of records whose images are `named` by id: image by id, and findings."""
    findings = Findings(policy)
    records = [(f"t.csv:{line}", Record(id, "", None if id in unlabelled else ["a"]))
               for line, id in enumerate(named, start=2)]  # fmt: skip
    made = Collector(files, findings, 1).attach(records, lambda record: named[record.id], required)
    return {record.id: record.image for record in made}, [f"{f.id} {f.action}: {f.reason}" for f in findings.items]


def test_the_path_that_a_row_names_decides() -> None:
    files = source(**{"a/1.png": JPEG, "b/1.png": OTHER, "b/2.png": OTHER})
    images, findings = attach(files, {"x": "a/1.png", "y": "b/1.png", "z": "a/2.png", "w": "2.png", "v": "1.png"})
    assert images == {"x": JPEG, "y": OTHER, "w": OTHER}
    assert findings == [
        "z rejected: image is absent (a/2.png)",
        "v rejected: image is ambiguous (source.zip: 1.png is there twice (a/1.png, b/1.png); keep one of them)",
    ]


def test_a_folder_that_is_not_there_is_overlooked_but_said() -> None:
    images, findings = attach(source(**{"images/1.png": JPEG}), {"x": "photos/1.png"})
    assert images == {"x": JPEG}
    assert findings == ["x repaired: image found by its base name (photos/1.png -> images/1.png)"]


@pytest.mark.parametrize("suffix", [".jpg", ".JPG", ".jfif", ".jpe", ".Jpeg", ".dat", ".jpg?x=1", ""])
def test_an_image_is_what_can_be_decoded_whatever_its_name(suffix: str) -> None:
    files = source(**{f"images/7{suffix}": JPEG})
    assert attach(files, {"x": f"7{suffix}"}) == ({"x": JPEG}, [])
    assert attach(files, {"x": f"images\\7{suffix}"}) == ({"x": JPEG}, [])


@pytest.mark.parametrize(("stored", "written"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_accented_names_are_found_however_composed(stored: str, written: str) -> None:
    file, name = (unicodedata.normalize(form, "été.jpg") for form in (stored, written))
    assert attach(source(**{file: JPEG}), {name: name}) == ({name: JPEG}, [])


@pytest.mark.parametrize("name", ["1.heic", "1.HEIC", "1.jpg"])
def test_heic_is_said_to_be_heic(name: str) -> None:
    heic = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(100)
    assert attach(source(**{name: heic}), {"x": name}) == (
        {}, ["x rejected: undecodable image (HEIC, which is not read; convert it to JPEG or PNG)"],
    )  # fmt: skip


def test_a_source_without_any_image_is_text_only_unless_the_table_says_otherwise() -> None:
    files = source(**{"train.csv": b"", "README.md": b""})
    assert attach(files, {"1.jpg": "1.jpg"}) == ({"1.jpg": None}, [])
    images, findings = attach(files, {"x": "1.jpg", "y": ""}, unlabelled=("y",), required=True)
    assert images == {"y": GREY_IMAGE}
    assert findings == [
        "x rejected: image is absent (1.jpg)",
        "y repaired: image is absent (); replaced by a grey image",
    ]


def test_what_is_wrong_is_listed_and_unlabelled_records_are_kept() -> None:
    def read(name: str) -> bytes:
        if name == "forbidden.jpg":
            raise UnreadableFile("source: forbidden.jpg: Permission denied")
        return {"text.jpg": b"hello", "cut.jpg": JPEG[:-30]}.get(name, JPEG)

    files = Files(Path("source"), ["ok.jpg", "text.jpg", "cut.jpg", "forbidden.jpg"], read)
    named = {"1": "ok.jpg", "2": "text.jpg", "3": "cut.jpg", "4": "forbidden.jpg", "5": "gone.jpg", "6": "gone.jpg"}
    images, findings = attach(files, named, unlabelled=("6",))
    assert images == {"1": JPEG, "6": GREY_IMAGE}
    assert findings == [
        "2 rejected: undecodable image (no known image format)",
        "3 rejected: undecodable image (OSError: image file is truncated (27 bytes not processed))",
        "4 rejected: unreadable image (source: forbidden.jpg: Permission denied)",
        "5 rejected: image is absent (gone.jpg)",
        "6 repaired: image is absent (gone.jpg); replaced by a grey image",
    ]
    with pytest.raises(UserError, match=r"t.csv:2: record '5': image is absent \(gone.jpg\); mend it, or set ingest"):
        attach(files, {"5": "gone.jpg"}, policy="error")


def test_a_record_gets_its_own_image_though_its_id_comes_again() -> None:
    named: dict[str, str] = {}

    def rows() -> Iterator[tuple[str, Record]]:
        for line, name in enumerate(["1.jpg", "2.jpg"]):
            named["x"] = name
            yield f"t.csv:{line}", Record("x", "", ["a"])

    findings = Findings("reject")
    made = Collector(source(**{"1.jpg": JPEG, "2.jpg": OTHER}), findings, 1).attach(rows(), lambda r: named[r.id])
    assert [record.image for record in made] == [JPEG]
    assert [finding.reason for finding in findings.items] == ["duplicate id (first at t.csv:0)"]


def test_ids_are_unique_among_labelled_and_among_unlabelled_and_never_empty() -> None:
    findings = Findings("reject")
    rows = [("a", ["x"]), ("a", None), ("a", ["y"]), ("a", None), ("", ["x"])]
    records = [(f"t:{line}", Record(id, "", labels)) for line, (id, labels) in enumerate(rows)]
    made = list(Collector(source(), findings, 1).without_images(records))
    assert [record.labels for record in made] == [["x"], None]
    assert [finding.reason for finding in findings.items] == [
        "duplicate id (first at t:0)",
        "duplicate id (first at t:1)",
        "empty id",
    ]


def test_few_images_are_held_at_once_and_fewer_large_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0

    def count(name: str) -> bytes:
        nonlocal read
        read += 1
        return JPEG

    files = Files(Path("source"), [f"{i}.jpg" for i in range(100)], count)
    records = [(f"t:{i}", Record(f"{i}.jpg", "", ["a"])) for i in range(100)]
    for limit, value, ahead in (("RECORDS_AT_ONCE", 10, 11), ("BYTES_AT_ONCE", 3 * len(JPEG), 4)):
        read = 0
        monkeypatch.setattr(collector, limit, value)
        made = Collector(files, Findings("reject"), 1).attach(iter(records), lambda record: record.id)
        for number, record in enumerate(made, start=1):
            assert record.id == f"{number - 1}.jpg"
            assert read <= number + ahead
        assert read == 100


def test_a_table_as_source_gets_the_images_beside_it(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "1.jpg").write_bytes(JPEG)
    (tmp_path / "items.csv").write_bytes(b"")
    files = open_source(tmp_path / "items.csv", 1)
    images, findings = attach(files, {"x": "images/1.jpg", "y": "../1.jpg"}, required=True)
    assert images == {"x": JPEG}
    assert findings == ["y rejected: image is absent (../1.jpg)"]


def test_eps_reaches_no_decoder() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "EPS")
    assert attach(source(**{"1.jpg": buffer.getvalue()}), {"x": "1.jpg"})[1] == [
        "x rejected: undecodable image (no known image format)"
    ]


def test_the_one_table_is_found_beside_notes_and_leftovers() -> None:
    files = source(**{"data/items.csv": b"a\n", "README.txt": b"", "__MACOSX/data/._items.csv": b"\0", "1.jpg": JPEG})
    assert only_table(files) == "data/items.csv"
    assert read_text(files, "data/items.csv", Findings("reject")) == ("a\n", "source.zip/data/items.csv")
    with pytest.raises(UserError, match=r"expected one .csv table, found 2 \(a.csv, b.tsv\); name the file itself"):
        only_table(source(**{"a.csv": b"", "b.tsv": b""}))
    with pytest.raises(UserError, match=r"source.zip: has no train.csv \(tables found: a.csv\); add it"):
        read_text(source(**{"a.csv": b""}), "train.csv", Findings("reject"))
