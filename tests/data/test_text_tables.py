import numpy as np
import pytest

from multilabel.core.errors import UserError
from multilabel.data.text_tables import decode, read_anchored_table, read_table, unquote

ANCHORS = {"ImageID": r'[^,\n"]+\.jpg', "Labels": r'[^,\n"]*'}


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("a,é\n".encode(), "utf-8-sig"),
        ("\ufeffa,é\n".encode(), "utf-8-sig"),
        ("a,é\r\n".encode("utf-16"), "utf-16"),
        ("a,é\r".encode("cp1252"), "cp1252"),
    ],
)
def test_encodings_marks_and_line_ends(content: bytes, encoding: str) -> None:
    assert decode(content, "t.csv") == ("a,é\n", encoding)


def test_binary_content_is_refused() -> None:
    with pytest.raises(UserError, match=r"t.csv: holds NUL bytes, so it is no text table"):
        decode(b"PK\x00\x03", "t.csv")


@pytest.mark.parametrize(
    ("field", "text", "repaired"),
    [
        ('"A plain one."', "A plain one.", ""),
        ("no quotes", "no quotes", ""),
        ('"escaped ""so"" it is"', 'escaped "so" it is', ""),
        ('"a sign reads "stop"."', 'a sign reads "stop".', "unescaped quotes"),
        ('"that reads "no, never.""', 'that reads "no, never."', "unescaped quotes"),
        ('"ends in a slash/"', "ends in a slash/", ""),
        ('"never closed', "never closed", "quote opened and never closed"),
        ('"two\nlines"', "two\nlines", "line break inside the field"),
        ('"one"\n5,1,"two"', 'one"\n5,1,"two', "holds a line that looks like a record of its own: '5,1,\"two'"),
    ],
)
def test_last_field(field: str, text: str, repaired: str) -> None:
    assert unquote(field) == (text, repaired)


def test_anything_people_write_comes_back_to_the_letter() -> None:
    random = np.random.default_rng(1)
    pieces = ["a man", ",", '"', " ", "\n", "/", "'", "stop", '"word"', ", and", "é"]
    captions = ["".join(random.choice(pieces, size=random.integers(1, 9))) + "." for _ in range(500)]
    text = "ImageID,Labels,Caption\n" + "".join(f'{i}.jpg,1 19,"{caption}"\n' for i, caption in enumerate(captions))
    rows = list(read_anchored_table(text, ANCHORS, "train.csv"))
    assert [row.fields["ImageID"] for row in rows] == [f"{i}.jpg" for i in range(500)]
    restored = [row.fields["Caption"] for row in rows]
    # Two quotes in a row and no other read as an escaped one, by the rules of CSV; nothing else is ever changed.
    assert all(r in (c, c.replace('""', '"')) for r, c in zip(restored, captions, strict=True))
    assert sum(r != c for r, c in zip(restored, captions, strict=True)) < 10
    line_starts = [row.line for row in rows]
    assert text.split("\n")[line_starts[-1] - 1].startswith("499.jpg,")


def test_wrong_columns_are_named() -> None:
    with pytest.raises(UserError, match=r"expected the columns ImageID, Labels and a last one, got Id, Text"):
        list(read_anchored_table("Id,Text\n", ANCHORS, "train.csv"))
    with pytest.raises(UserError, match=r"train.csv line 2: expected ImageID,Labels,Caption, got 'rubbish'"):
        list(read_anchored_table("ImageID,Labels,Caption\nrubbish\n", ANCHORS, "train.csv"))
    with pytest.raises(UserError, match=r"t.csv: is empty; expected a header line"):
        list(read_table("", "t.csv"))
    with pytest.raises(UserError, match=r"t.csv: column 'a' is there twice"):
        list(read_table("a,b,a\n", "t.csv"))


def test_rows_with_a_wrong_number_of_fields_are_reported_with_their_line() -> None:
    rows = list(read_table('a,b\n1,"x\ny"\n2\n3,z\n', "t.csv"))
    assert [(row.line, row.repaired) for row in rows] == [(2, ""), (4, "1 fields where the header has 2"), (5, "")]
    assert rows[0].fields == {"a": "1", "b": "x\ny"}


def test_tabs_separate_where_the_header_has_them() -> None:
    assert next(iter(read_table("a\tb\n1,5\t2\n", "t.tsv"))).fields == {"a": "1,5", "b": "2"}
