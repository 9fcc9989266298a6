import re

import numpy as np
import pytest
from in_memory import assert_every_line_is_in_one_row, damaged

from multilabel.core.errors import UserError
from multilabel.data.encodings import decode
from multilabel.data.text_tables import Row, read_table
from multilabel.data.unescaped_tables import read_unescaped

TRAIN = [None, re.compile(r"[\d\s,;|]*")]
TEST = [None]
BREAK = "line break inside the field"


def train(body: str) -> list[Row]:
    return list(read_unescaped(read_table(f"ImageID,Labels,Caption\n{body}", "train.csv"), TRAIN))


def unlabelled(body: str) -> list[Row]:
    return list(read_unescaped(read_table(f"ImageID,Caption\n{body}", "test.csv"), TEST))


def test_a_table_that_follows_the_rules_is_read_by_them() -> None:
    assert train('1.jpg,1,"a list:\n2.jpg,3,a dog"\n3.jpg,1,"say ""so"""\n') == [
        Row(["1.jpg", "1", "a list:\n2.jpg,3,a dog"], 2),
        Row(["3.jpg", "1", 'say "so"'], 4),
    ]


def test_anything_people_write_comes_back_to_the_letter() -> None:
    random = np.random.default_rng(1)
    pieces = ["a man", ",", '"', " ", "\n", "/", "'", "stop", '"word"', ", and", "é"]
    captions = ["".join(random.choice(pieces, size=random.integers(1, 9))) + "." for _ in range(500)]
    rows = train("".join(f'{i}.jpg,1 19,"{caption}"\n' for i, caption in enumerate(captions)))
    assert [row.values[0] for row in rows] == [f"{i}.jpg" for i in range(500)]
    restored = [row.values[2] for row in rows]
    # Two quotes in a row and no other read as an escaped one, by the rules of CSV; nothing else is ever changed.
    assert all(r in (c, c.replace('""', '"')) for r, c in zip(restored, captions, strict=True))
    assert sum(r != c for r, c in zip(restored, captions, strict=True)) < 10
    assert rows[-1].line == sum(caption.count("\n") + 1 for caption in captions[:-1]) + 2


BEFORE = '1.jpg,1,"He said "so" today."\n'  # whose quotes make the whole table one that does not follow the rules
AFTER = '\n9.jpg,1,"last"\n'
LINES = {  # one line between those, and the values and the repair that come of it
    ',1,"x"': (["", "1", "x"], ""),
    '2,1 3,"x"': (["2", "1 3", "x"], ""),
    '2.jp2,1,"x"': (["2.jp2", "1", "x"], ""),
    '2.jpg?size=large,1,"x"': (["2.jpg?size=large", "1", "x"], ""),
    'my image (2).png,1,"x"': (["my image (2).png", "1", "x"], ""),
    '2.jpg ,1 ,"x"': (["2.jpg", "1", "x"], ""),
    '2.jpg , 1 , "x, y"': (["2.jpg", "1", "x, y"], ""),
    '"2.jpg",1,"x"': (["2.jpg", "1", "x"], ""),
    '2".jpg,1,"x"': (['2".jpg', "1", "x"], ""),
    '2.jpg,"1,3","x"': (["2.jpg", "1,3", "x"], ""),
    '2.jpg,1,3,"x"': (["2.jpg", "1,3", "x"], "values of one column without quotes"),
    '2.jpg,1;3,"x"': (["2.jpg", "1;3", "x"], ""),
    '2.jpg,cat dog,"x"': (["2.jpg", "cat dog", "x"], ""),
    '2.jpg,,"x"': (["2.jpg", "", "x"], ""),
    "2.jpg,1,x, y and z": (["2.jpg", "1", "x, y and z"], ""),
    "2.jpg,1,12 dogs": (["2.jpg", "1", "12 dogs"], ""),
    '2.jpg,1,"x"  ': (["2.jpg", "1", "x"], ""),
    '2.jpg,1,"Stop" sign': (["2.jpg", "1", '"Stop" sign'], "unescaped quotes"),
    '2.jpg,1,"never closed': (["2.jpg", "1", "never closed"], "quote opened and never closed"),
    '2.jpg,1,"two\n\nlines"': (["2.jpg", "1", "two\n\nlines"], BREAK),
    '2.jpg,1,"so he "said"\nand, left"': (["2.jpg", "1", 'so he "said"\nand, left'], f"{BREAK}; unescaped quotes"),
    '2.jpg,1,"such as\n7.jpg,1 2,is none"': (["2.jpg", "1", "such as\n7.jpg,1 2,is none"], BREAK),
    '2.jpg,1,"such as\n7.jpg,1 2,is\nnone"': (
        ["2.jpg", "1", "such as\n7.jpg,1 2,is\nnone"],
        f"holds a line that looks like a record of its own: '7.jpg,1 2,is'; {BREAK}",
    ),
    "2.jpg": (["2.jpg", "", ""], "wrong number of fields (it ends after '2.jpg')"),
    "2.jpg,1": (["2.jpg", "1", ""], "wrong number of fields (it ends after '2.jpg,1')"),
}


@pytest.mark.parametrize("line", LINES)
def test_a_line_begins_a_record_whatever_its_id_looks_like(line: str) -> None:
    values, repaired = LINES[line]
    first, row, last = train(BEFORE + line + AFTER)
    assert (first.values, last.values) == (["1.jpg", "1", 'He said "so" today.'], ["9.jpg", "1", "last"])
    assert row == Row(values, 3, repaired)
    assert last.line == 4 + line.count("\n")


@pytest.mark.parametrize("line", ["rubbish", '2.jpg;1;"x"', '2.jpg\t1\t"x"', "and so on"])
def test_a_line_that_fits_nowhere_is_a_broken_row(line: str) -> None:
    first, row, last = train(BEFORE + line + AFTER)
    assert (first.values[2], last.values[2]) == ('He said "so" today.', "last")
    assert row == Row([], 3, broken=f"begins no record: {line!r}")
    assert train(line + AFTER)[0].broken == f"begins no record: {line!r}"


@pytest.mark.parametrize(
    ("line", "values"),
    [
        (',"x"', ["", "x"]),
        ('x 17,"Who?"', ["x 17", "Who?"]),
        ("2.jpg,x, y", ["2.jpg", "x, y"]),
        ("2.jpg", ["2.jpg", ""]),
        ('2.jpg,"never closed', ["2.jpg", "never closed"]),
        ('2.jpg,"he "said"\nwell, and left."', ["2.jpg", 'he "said"\nwell, and left.']),
        ('2.jpg,"he said\nwell, and\nleft."', ["2.jpg", "he said\nwell, and\nleft."]),
    ],
)
def test_a_table_without_labels_loses_no_record_either(line: str, values: list[str]) -> None:
    rows = unlabelled(f'8.jpg,"say "so" now"\n7.jpg,"ok"\n{line}\n9.jpg,"last"\n')
    assert [row.values[0] for row in rows] == ["8.jpg", "7.jpg", values[0], "9.jpg"]
    assert rows[2].values == values


def test_texts_without_quotes() -> None:
    assert [row.values for row in train('1.jpg,1,a man\n2.jpg,3,a "dog", a cat\nx,1,"one, two"\n3.jpg,1,so\n')] == [
        ["1.jpg", "1", "a man"], ["2.jpg", "3", 'a "dog", a cat'], ["x", "1", "one, two"], ["3.jpg", "1", "so"],
    ]  # fmt: skip


def test_other_delimiters() -> None:
    table = read_table('ImageID;Labels;Caption\n1.jpg;1;2;"a "man"; a dog"\n2.jpg;3;"so"\n', "train.csv")
    assert [row.values for row in read_unescaped(table, TRAIN)] == [
        ["1.jpg", "1;2", 'a "man"; a dog'], ["2.jpg", "3", "so"],
    ]  # fmt: skip


def test_a_table_without_any_record_is_refused() -> None:
    with pytest.raises(UserError, match=r"train.csv line 2: expected ImageID,Labels,Caption, got 'rubbish'"):
        train("rubbish\n")


def test_long_lines_take_no_longer_than_their_length() -> None:
    for line in [
        "1.jpg,1" + ",1" * 200_000,
        "1.jpg,1," + '"' * 200_001,
        " " * 200_000 + "x",
        '1.jpg,1,"' + " " * 200_000,
    ]:
        assert train(f"0.jpg,1,a\n{line}\n2.jpg,1,b\n")[-1].values == ["2.jpg", "1", "b"]


def test_no_damage_loses_a_line() -> None:
    body = '1.jpg,1,"A man, a dog"\n2.jpg,1 19,A plain one\n3.jpg,3,"two\nlines"\n4.jpg,2,"says ""so"""\n5.jpg,8 3,"a; b"\n'
    random = np.random.default_rng(0)
    for _ in range(400):
        text, _ = decode(f"ImageID,Labels,Caption\n{damaged(body, random)}".encode(), "train.csv")
        table = read_table(text, "train.csv")
        assert_every_line_is_in_one_row(table.lines, list(read_unescaped(table, TRAIN)), table.first)
