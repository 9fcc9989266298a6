import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import image
from in_memory import damaged, files, read
from PIL import Image

from multilabel.core.errors import UserError
from multilabel.data.archives import Files, open_source
from multilabel.data.boxes import Box
from multilabel.data.encodings import decode
from multilabel.data.images import open_rgb
from multilabel.data.readers import Competition
from multilabel.data.readers.competition import NUMBERS
from multilabel.data.records import Record
from multilabel.data.synthetic import write_competition
from multilabel.data.text_tables import read_table
from multilabel.data.unescaped_tables import read_unescaped

JPEG = image(["1"])


def competition(rows: str, **others: bytes | str) -> Files:
    return files(**{"train__csv": "ImageID,Labels,Caption\n" + rows, **others})


def test_a_competition_without_images_is_text_only() -> None:
    test = 'ImageID,Caption\n9.jpg,"What?"\n'
    records, findings = read(Competition(), competition('1.jpg,1 19,"A "man", he said"\n', test__csv=test))
    assert records == [Record("1.jpg", 'A "man", he said', ["1", "19"]), Record("9.jpg", "What?", None)]
    assert findings == ["source.zip/train.csv:2 1.jpg repaired: unescaped quotes"]


BIG = Image.new("1", (2000, 600))
BUFFER = io.BytesIO()
BIG.save(BUFFER, "PNG")
BAD = {
    '2.jpg,,"x"\n': "2.jpg rejected: empty label",
    '2.jpg,1 cat,"x"\n': "2.jpg rejected: unknown label syntax: '1 cat', expected numbers such as '1 19'",
    '1.jpg,1,"x"\n': "1.jpg rejected: duplicate id (first at source.zip/train.csv:2)",
    '3.jpg,1,"x"\n': "3.jpg rejected: image is absent",
    'broken.jpg,1,"x"\n': "broken.jpg rejected: undecodable image (OSError: image file is truncated",
    'text.jpg,1,"x"\n': "text.jpg rejected: undecodable image (no known image format)",
    'big.png,1,"x"\n': "big.png rejected: absurdly large image (2000 x 600; ingest.max_megapixels is 1)",
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


def test_an_unlabelled_record_keeps_its_place_with_a_grey_image() -> None:
    test = 'ImageID,Caption\n8.jpg,"x"\n9.jpg,"y"\n'
    records, findings = read(
        Competition(), competition('1.jpg,1,"ok"\n', test__csv=test, **{"1__jpg": JPEG, "9__jpg": JPEG})
    )
    assert [record.id for record in records] == ["1.jpg", "8.jpg", "9.jpg"]
    assert open_rgb(records[1].image or b"").getpixel((0, 0)) == (128, 128, 128)
    assert findings == ["source.zip/test.csv:2 8.jpg repaired: image is absent; replaced by a grey image"]


def test_competition_tables_that_cannot_be_read() -> None:
    with pytest.raises(UserError, match=r"source.zip: has no train.csv \(tables found: other.csv\); add it"):
        read(Competition(), files(other__csv="a\n"))
    with pytest.raises(
        UserError, match=r"train.csv: has no column 'Labels' \(it has ImageID, Caption\); add or rename it"
    ):
        read(Competition(), files(train__csv="ImageID,Caption\n"))


@pytest.mark.parametrize("rest", ["", '9.jpg,1,"a "man""\n'])
@pytest.mark.parametrize(
    "labels", ["1 3", '"1 3"', '"1,3"', '"1, 3"', "1,3", "1;3", "1|3", "[1 3]", '"[1, 3]"', "\"['1', '3']\"", "1 3 1"]
)
def test_labels_in_every_spelling(labels: str, rest: str) -> None:
    assert read(Competition(), competition(f'1.jpg,{labels},"a man, a dog"\n{rest}'))[0][0].labels == ["1", "3"]


@pytest.mark.parametrize("labels", ["", "nan", "NaN", "None", "null", "[]", "[nan]"])
def test_labels_that_are_none(labels: str) -> None:
    found = read(Competition(), competition(f'1.jpg,{labels},"a man"\n'))
    assert found == ([], ["source.zip/train.csv:2 1.jpg rejected: empty label"])


def test_an_unlabelled_record_is_kept_whatever_ids_the_labelled_have() -> None:
    test = 'ImageID,Caption\n1.jpg,"again"\n2.jpg,"new"\n2.jpg,"twice"\n'
    source = competition('1.jpg,1,"one"\n1.jpg,2,"two"\n', test__csv=test, **{"1__jpg": JPEG, "2__jpg": JPEG})
    records, findings = read(Competition(), source)
    assert [(record.id, record.text, record.labels) for record in records] == [
        ("1.jpg", "one", ["1"]), ("1.jpg", "again", None), ("2.jpg", "new", None),
    ]  # fmt: skip
    assert findings == [
        "source.zip/train.csv:3 1.jpg rejected: duplicate id (first at source.zip/train.csv:2)",
        "source.zip/test.csv:4 2.jpg rejected: duplicate id (first at source.zip/test.csv:3)",
    ]


def test_an_id_that_is_empty_is_a_finding_and_no_caption() -> None:
    records, findings = read(Competition(), competition('1.jpg,1,"one"\n,1,"two"\n3,1,"th"ree"\n'))
    assert [(record.id, record.text) for record in records] == [("1.jpg", "one"), ("3", 'th"ree')]
    assert "source.zip/train.csv:3  rejected: empty id" in findings


def test_a_line_that_is_no_record_is_a_finding() -> None:
    records, findings = read(Competition(), competition('1.jpg,1,"one"\nrubbish\n3.jpg,1,"three"\n'))
    assert [record.text for record in records] == ["one", "three"]
    assert findings == ["source.zip/train.csv:3  rejected: begins no record: 'rubbish'"]


def test_more_columns_in_another_order_need_quotes_by_the_rules() -> None:
    table = 'Caption,ImageID,Source,Labels\n"a man, a dog",1.jpg,web,1 3\n"a "man"",2.jpg,web,1\na cat,3.jpg\n'
    records, findings = read(Competition(), files(train__csv=table))
    assert [(record.id, record.text, record.labels) for record in records] == [
        ("1.jpg", "a man, a dog", ["1", "3"]), ("2.jpg", 'a "man"', ["1"]),
    ]  # fmt: skip
    assert findings == [
        "source.zip/train.csv:3 2.jpg repaired: unescaped quotes",
        "source.zip/train.csv:4  rejected: wrong number of fields (2 fields where the header has 4)",
    ]


def test_a_line_in_another_encoding_is_listed_and_leaves_the_others_alone() -> None:
    content = b'\xef\xbb\xbfImageID,Labels,Caption\r\n1.jpg,1,"caf\xe9"\r\n2.jpg,1,"caf\xc3\xa9"\r\n'
    records, findings = read(Competition(), files(train__csv=content))
    assert [record.text for record in records] == ["café", "café"]
    assert findings == ["source.zip/train.csv:2  repaired: not UTF-8: read as Windows-1252"]


def test_no_damage_loses_a_record() -> None:
    """Every row of the table, in which every line is (tests of unescaped_tables), is a record or a rejection."""
    rows = '1.jpg,1,"A man, a dog"\n2.jpg,1 19,A plain one\n3.jpg,3,"two\nlines"\n4.jpg,2,"says ""so"""\n5.jpg,8 3,"a; b"\n'
    random = np.random.default_rng(2)
    for _ in range(150):
        source = competition(damaged(rows, random))
        table = read_table(decode(source.read("train.csv"), "")[0], "")
        records, findings = read(Competition(), source)
        rejected = [finding for finding in findings if " rejected: " in finding]
        assert len(records) + len(rejected) == len(list(read_unescaped(table, [None, NUMBERS])))


def test_a_real_archive_on_disk(tmp_path: Path) -> None:
    write_competition(tmp_path / "a.zip", labelled=6, unlabelled=2, seed=3)
    records, _ = read(Competition(), open_source(tmp_path / "a.zip", 1))
    assert [r.id for r in records] == [f"{i}.jpg" for i in range(8)]
    assert all(r.image for r in records)
    first = (tmp_path / "a.zip").read_bytes()
    write_competition(tmp_path / "b.zip", labelled=6, unlabelled=2, seed=3)
    assert (tmp_path / "b.zip").read_bytes() == first


BOXES = "ImageID,Label,x,y,width,height\n"
TWO = '1.jpg,1 19,"a man"\n2.jpg,1,"a man"\n'


def boxes(rows: str, policy: str = "reject", header: str = BOXES) -> tuple[list[Record], list[str]]:
    records, findings = read(Competition(), competition(TWO, boxes__csv=header + rows), policy)
    return records, [finding.removeprefix("source.zip/boxes.csv:") for finding in findings]


def test_boxes_come_with_their_records() -> None:
    records, findings = boxes("1.jpg,19,0.1,.2,0.3,4e-1\n 1.jpg , 1 ,0,0,1,1\n1.jpg,1,0,0,0.5,1\n")
    assert records[0].boxes == (Box("19", 0.1, 0.2, 0.3, 0.4), Box("1", 0, 0, 1, 1), Box("1", 0, 0, 0.5, 1))
    assert records[1].boxes == ()
    assert findings == []


def test_without_boxes_records_are_as_they_were() -> None:
    plain = read(Competition(), competition(TWO))
    assert boxes("") == plain
    assert [replace(record, boxes=()) for record in boxes("2.jpg,1,0,0,1,1\n")[0]] == plain[0]
    assert read(Competition(boxes="others.csv"), competition(TWO, boxes__csv="anything\n")) == plain


BEYOND = "expected shares of its width and height, 0 to 1"


@pytest.mark.parametrize(
    ("row", "finding"),
    [
        ("1.jpg,1,a,0,1,1", "2 1.jpg rejected: box is no four numbers"),
        ("1.jpg,1,,0,1,1", "2 1.jpg rejected: box is no four numbers"),
        ("1.jpg,1,nan,0,1,1", "2 1.jpg rejected: box is no four numbers"),
        ("1.jpg,1,0,0,inf,1", "2 1.jpg rejected: box is no four numbers"),
        ("1.jpg,1,0,0,0,1", "2 1.jpg rejected: box is empty (0 x 1)"),
        ("1.jpg,1,10,20,30,40", f"2 1.jpg rejected: box is beyond the image (from 10, 20 to 40, 60; {BEYOND})"),
        ("2.jpg,19,0,0,1,1", "2 2.jpg rejected: box of another label: '19' is none of the record's"),
        ("2.jpg,,0,0,1,1", "2 2.jpg rejected: box of another label: '' is none of the record's"),
        ("3.jpg,1,0,0,1,1", "2 3.jpg rejected: box of no labelled record that was kept"),
        (",1,0,0,1,1", "2  rejected: box of no labelled record that was kept"),
        ("2.jpg,1,0,0,1,1\n2.jpg,1,0,0,1.0,1", "3 2.jpg rejected: duplicate box"),
        ("2.jpg,1,0,0,1", "2  rejected: wrong number of fields (5 fields where the header has 6)"),
    ],
)
def test_a_row_that_is_no_box_is_a_finding(row: str, finding: str) -> None:
    records, findings = boxes(f"{row}\n1.jpg,19,0,0,1,1\n")
    assert findings == [finding]
    assert [record.id for record in records] == ["1.jpg", "2.jpg"]
    assert records[0].boxes == (Box("19", 0, 0, 1, 1),)
    with pytest.raises(UserError, match=r"boxes.csv:\d: record .*; mend it, or set ingest.on_bad_record: reject"):
        boxes(row + "\n", policy="error")


def test_a_row_of_boxes_that_was_mended_is_kept_and_listed() -> None:
    records, findings = boxes('2.jpg,1,0,0,1,"1\n')
    assert records[1].boxes == (Box("1", 0, 0, 1, 1),)
    assert findings == ["2 2.jpg repaired: quote opened and never closed"]


def test_an_unlabelled_record_has_no_boxes() -> None:
    source = competition(TWO, test__csv='ImageID,Caption\n9.jpg,"x"\n', boxes__csv=BOXES + "9.jpg,1,0,0,1,1\n")
    records, findings = read(Competition(), source)
    assert records[2].boxes == ()
    assert findings == ["source.zip/boxes.csv:2 9.jpg rejected: box of no labelled record that was kept"]


def test_a_table_of_boxes_without_a_column_is_refused() -> None:
    with pytest.raises(
        UserError, match=r"boxes.csv: has no column 'width' \(it has ImageID, Label, x, y\); add or rename it"
    ):
        boxes("", header="ImageID,Label,x,y\n")
