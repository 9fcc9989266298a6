import io
from pathlib import Path

import pytest
from conftest import picture
from PIL import Image

from multilabel.core.errors import UserError
from multilabel.data.archives import Files, open_source
from multilabel.data.images import open_rgb
from multilabel.data.readers import Competition, Goodreads, Table
from multilabel.data.readers.goodreads import parse_genres
from multilabel.data.records import Findings, Record

JPEG = picture(["1"])


def files(**contents: bytes | str) -> Files:
    named = {name.replace("__", "."): c.encode() if isinstance(c, str) else c for name, c in contents.items()}
    return Files(Path("source.zip"), list(named), named.__getitem__)


def read(
    reader: Competition | Goodreads | Table, source: Files, policy: str = "reject"
) -> tuple[list[Record], list[str]]:
    findings = Findings(policy)
    records = list(reader.read(source, findings, max_megapixels=1))
    return records, [f"{f.where} {f.id} {f.action}: {f.reason}" for f in findings.items]


def competition(rows: str, **others: bytes | str) -> Files:
    return files(**{"train__csv": "ImageID,Labels,Caption\n" + rows, **others})


def test_a_competition_without_pictures_is_text_only() -> None:
    test = 'ImageID,Caption\n9.jpg,"What?"\n'
    records, findings = read(Competition(), competition('1.jpg,1 19,"A "man", he said"\n', test__csv=test))
    assert records == [Record("1.jpg", 'A "man", he said', ["1", "19"]), Record("9.jpg", "What?", None)]
    assert findings == ["source.zip/train.csv:2 1.jpg repaired: unescaped quotes"]


BIG = Image.new("1", (2000, 600))
BUFFER = io.BytesIO()
BIG.save(BUFFER, "PNG")
BAD = {
    '2.jpg,,"x"\n': "2.jpg rejected: empty label",
    '2.jpg,1;3,"x"\n': "2.jpg rejected: unknown label syntax: '1;3', expected numbers such as '1 19'",
    '1.jpg,1,"x"\n': "1.jpg rejected: duplicate id (first at source.zip/train.csv:2)",
    '3.jpg,1,"x"\n': "3.jpg rejected: picture is absent",
    'broken.jpg,1,"x"\n': "broken.jpg rejected: undecodable picture (OSError: image file is truncated",
    'text.jpg,1,"x"\n': "text.jpg rejected: undecodable picture (no known image format)",
    'big.png,1,"x"\n': "big.png rejected: absurdly large picture (2000 x 600; ingest.max_megapixels is 1)",
}


@pytest.mark.parametrize("row", BAD)
def test_bad_competition_records_are_listed_or_stop_the_stage(row: str) -> None:
    source = competition(
        f'1.jpg,1,"ok"\n{row}', **{"1__jpg": JPEG, "2__jpg": JPEG, "text__jpg": b"hello", "big__png": BUFFER.getvalue()},
        broken__jpg=JPEG[: len(JPEG) // 2],
    )  # fmt: skip
    records, findings = read(Competition(), source)
    assert [record.id for record in records] == ["1.jpg"]
    assert len(findings) == 1
    assert f"source.zip/train.csv:3 {BAD[row]}".startswith(findings[0][:70])
    with pytest.raises(UserError, match=r"train.csv:3: record .*; mend it, or set ingest.on_bad_record: reject"):
        read(Competition(), source, policy="error")


def test_an_unlabelled_record_keeps_its_place_with_a_grey_picture() -> None:
    test = 'ImageID,Caption\n8.jpg,"x"\n9.jpg,"y"\n'
    records, findings = read(
        Competition(), competition('1.jpg,1,"ok"\n', test__csv=test, **{"1__jpg": JPEG, "9__jpg": JPEG})
    )
    assert [record.id for record in records] == ["1.jpg", "8.jpg", "9.jpg"]
    assert open_rgb(records[1].image or b"").getpixel((0, 0)) == (128, 128, 128)
    assert findings == ["source.zip/test.csv:2 8.jpg repaired: picture is absent; replaced by a grey picture"]


def test_competition_tables_that_cannot_be_read() -> None:
    with pytest.raises(UserError, match=r"source.zip: has no train.csv \(tables found: other.csv\); add it"):
        read(Competition(), files(other__csv="a\n"))
    with pytest.raises(
        UserError, match=r"train.csv: has no column 'Labels' \(it has ImageID, Caption\); add or rename it"
    ):
        read(Competition(), files(train__csv="ImageID,Caption\n"))


@pytest.mark.parametrize(
    ("cell", "genres"),
    [
        ("['Fiction', 'Young Adult', 'Fiction']", ["fiction", "young adult"]),
        ("Fiction|Young Adult", ["fiction", "young adult"]),
        ("Fiction, Young Adult ,", ["fiction", "young adult"]),
        ("[]", []),
        ("", []),
        ("['Fiction', 3]", None),
        ("['Fiction'", None),
    ],
)
def test_genres_in_every_spelling(cell: str, genres: list[str] | None) -> None:
    assert parse_genres(cell) == genres


@pytest.mark.parametrize("header", ["bookId,title,author,description,genres", "URL,Book,Author,Description,Genres"])
def test_books_keep_the_most_common_genres_and_every_dropped_row_is_listed(header: str) -> None:
    rows = [
        "a,T,A,one,\"['X', 'Y']\"",
        "b,T,A,two,X|Z",
        "c,T,A,,X",
        "d,T,A,four,",
        "e,T,A,five,Z",
        "f,T,A",
        'g,T,A,six,"[1]"',
    ]
    records, findings = read(Goodreads(top_labels=2), files(books__csv=header + "\n" + "\n".join(rows) + "\n"))
    assert [(r.id, r.text, r.labels) for r in records] == [
        ("a", "T. A. one", ["x"]),
        ("b", "T. A. two", ["x", "z"]),
        ("e", "T. A. five", ["z"]),
    ]
    assert [finding.split(" ", 2)[2] for finding in findings] == [
        "rejected: empty description", "rejected: empty label", "rejected: wrong number of fields (3 fields where the header has 5)",
        "rejected: unknown label syntax: '[1]'",
    ]  # fmt: skip
    assert len(records) + len(findings) == len(rows)


def test_books_without_genres_say_what_to_rename() -> None:
    with pytest.raises(
        UserError, match=r"has no column for the genres \(it has title, description\); rename one to 'genres'"
    ):
        read(Goodreads(text=["description"]), files(books__csv="title,description\na,b\n"))


def test_an_engineers_own_table() -> None:
    table = "sku,tags,file,words\n1,red;blue,images/a.jpg,hello\n2,,b.jpg,bye\n3,red,gone.jpg,x\n"
    columns = {"id": "sku", "labels": "tags", "image": "file", "text": "words"}
    source = files(**{"items__csv": table, "a__jpg": JPEG, "b__jpg": JPEG})
    records, findings = read(Table(columns=columns, label_separator=";", empty_labels="unlabelled"), source)
    assert records == [Record("1", "hello", ["red", "blue"], JPEG), Record("2", "bye", None, JPEG)]
    assert findings == ["source.zip/items.csv:4 3 rejected: picture is absent"]
    assert read(Table(columns=columns, label_separator=";"), source)[1][0].endswith("2 rejected: empty label")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": "sku"}, r"columns: 'labels' is missing; name the column that holds it"),
        ({"id": "sku", "labels": "tag"}, r"has no column 'tag' \(it has sku, tags\); mend datasets.<name>.columns"),
        ({"id": "sku", "label": "tags"}, r"columns: unknown key 'label'; use id, image, labels, text"),
    ],
)
def test_a_wrong_mapping_is_one_line(columns: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(Table(columns=columns), files(items__csv="sku,tags\n1,a\n"))


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "RGBA", "P", "LA", "1", "I;16"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    buffer = io.BytesIO()
    Image.new(mode, (8, 6)).save(buffer, "TIFF" if mode == "CMYK" else "PNG")
    assert open_rgb(buffer.getvalue()).mode == "RGB"


def test_exif_turns_and_transparency_lies_on_white() -> None:
    buffer, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (8, 4)).save(buffer, "JPEG", exif=exif)
    assert open_rgb(buffer.getvalue()).size == (4, 8)
    buffer = io.BytesIO()
    Image.new("RGBA", (2, 2), (0, 0, 0, 0)).save(buffer, "PNG")
    assert open_rgb(buffer.getvalue()).getpixel((0, 0)) == (255, 255, 255)


def test_a_real_archive_on_disk(tmp_path: Path) -> None:
    from multilabel.data.synthetic import write_competition

    write_competition(tmp_path / "a.zip", labelled=40, unlabelled=5, seed=3)
    records, _ = read(Competition(), open_source(tmp_path / "a.zip", 1))
    assert [r.id for r in records] == [f"{i}.jpg" for i in range(45)]
    assert all(r.image for r in records)
    first = (tmp_path / "a.zip").read_bytes()
    write_competition(tmp_path / "b.zip", labelled=40, unlabelled=5, seed=3)
    assert (tmp_path / "b.zip").read_bytes() == first
