import pytest

from multilabel.core.errors import UserError
from multilabel.data.encodings import decode


@pytest.mark.parametrize(
    "content",
    [
        "a,é\n".encode(),
        "\ufeffa,é\n".encode(),
        "\ufeff\ufeffa,é\r\n".encode(),
        "a,é\r\n".encode("utf-16"),
        "\ufeffa,é\r".encode("utf-16-be"),
        "a,é\n".encode("utf-32"),
        b"a,\xc3\xa9\r",
    ],
)
def test_encodings_marks_and_line_ends(content: bytes) -> None:
    assert decode(content, "t.csv") == ("a,é\n", [])


def test_a_line_in_another_encoding_does_not_change_the_others() -> None:
    content = "a,b\n1,café\n".encode() + b"2,caf\xe9 \x81\n" + "3,naïve\n".encode() + b"4,\x93so\x94"
    assert decode(content, "t.csv") == ("a,b\n1,café\n2,café \x81\n3,naïve\n4,“so”", [3, 5])


def test_a_mark_before_a_line_in_another_encoding_is_no_part_of_the_first_column() -> None:
    assert decode(b"\xef\xbb\xbfid,caf\xe9\r\n1,\xc3\xa9\r\n", "t.csv") == ("id,café\n1,é\n", [1])


def test_a_mark_inside_a_file_put_together_from_two_is_dropped() -> None:
    assert decode("a\n1\n\ufeff2\n".encode(), "t.csv")[0] == "a\n1\n2\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x00\x03", r"t.csv line 1: holds NUL bytes, so it is no text table; export it again as CSV in UTF-8"),
        (b"a\r\nb\r\n\x00\n", r"t.csv line 3: holds NUL bytes"),
        ("a\n".encode("utf-16")[:-1], r"t.csv: begins as UTF-16 and is damaged at byte 4; export it again as UTF-8"),
    ],
)
def test_content_that_is_no_text_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        decode(content, "t.csv")
