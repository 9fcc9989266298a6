import numpy as np
import pytest
from in_memory import assert_every_line_is_in_one_row, damaged

from multilabel.core.errors import UserError
from multilabel.data.encodings import decode
from multilabel.data.text_tables import Row, cut, listed, read_table, unquote


def rows(text: str, delimiter: str | None = None) -> list[Row]:
    return list(read_table(text, "t.csv", delimiter).rows())


@pytest.mark.parametrize(
    ("cell", "text", "wrong"),
    [
        ('"A plain one."', "A plain one.", ""),
        ("no quotes", "no quotes", ""),
        ('"escaped ""so"" it is"', 'escaped "so" it is', ""),
        ('"a sign reads "stop"."', 'a sign reads "stop".', "unescaped quotes"),
        ('"that reads "no, never.""', 'that reads "no, never."', "unescaped quotes"),
        ('"ends in a slash/"', "ends in a slash/", ""),
        ('"never closed', "never closed", "quote opened and never closed"),
        ('"Stop" sign', '"Stop" sign', "unescaped quotes"),
        ('"', "", "quote opened and never closed"),
        ("", "", ""),
    ],
)
def test_quotes_around_a_cell(cell: str, text: str, wrong: str) -> None:
    assert unquote(cell) == (text, wrong)


def test_rows_with_a_wrong_number_of_fields_are_reported_with_their_line() -> None:
    assert rows('a,b\n1,"x\ny"\n2\n\n3,z\n4,"v\nw",5\n') == [
        Row(["1", "x\ny"], 2),
        Row([], 4, broken="wrong number of fields (1 fields where the header has 2)"),
        Row(["3", "z"], 6),
        Row([], 7, broken="wrong number of fields (3 fields where the header has 2; lines 7 to 8)"),
    ]


@pytest.mark.parametrize("closed_in", ["never", "next row", "last row"])
def test_a_quote_that_never_closes_costs_its_own_row_at_most(closed_in: str) -> None:
    lines = [f"{number},red,text {number}" for number in range(1, 41)]
    lines[1] = '2,red,"never closed'
    if closed_in == "next row":
        lines[2] = '3,"red",text 3'
    if closed_in == "last row":
        lines[38] = '39,"red", 6 5"'
    found = rows("id,labels,text\n" + "\n".join(lines))
    assert [row.values[0] for row in found] == [str(number) for number in range(1, 41)]
    assert found[1] == Row(["2", "red", "never closed"], 3, "quote opened and never closed")
    lines[1] = '2,red,"never closed, he said'
    found = rows("id,labels,text\n" + "\n".join(lines))
    assert len(found) == 40
    assert found[1] == Row([], 3, broken="quote opened and never closed: '2,red,\"never closed, he said'")


def test_few_lines_inside_a_field_that_look_like_rows_are_listed() -> None:
    text = 'id,labels,text\n1,a,"such as\n2,b,c\nor so"\n'
    assert rows(text) == [Row(["1", "a", "such as\n2,b,c\nor so"], 2, "lines that look like rows inside a field (1)")]


def test_they_are_listed_too_where_another_row_is_broken() -> None:
    text = 'id,text,labels\n1,"a cat,red\n2,b,blue\n3,c",red\n5,"x "y" z",red\n6,ok,red\n'
    assert rows(text) == [
        Row(["1", "a cat,red\n2,b,blue\n3,c", "red"], 2, "lines that look like rows inside a field (1)"),
        Row(["5", 'x "y" z', "red"], 5, "unescaped quotes"),
        Row(["6", "ok", "red"], 6),
    ]


def test_unescaped_quotes_are_kept_where_the_columns_are_clear() -> None:
    found = rows('id,labels,text\n1,a,"he said "so" today"\n2,a,"x "y", z"\n3,a,"fine, too"\n')
    assert found == [
        Row(["1", "a", 'he said "so" today'], 2, "unescaped quotes"),
        Row([], 3, broken='unescaped quotes: \'2,a,"x "y", z"\''),
        Row(["3", "a", "fine, too"], 4),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_header_shows_what_separates_the_columns(delimiter: str) -> None:
    text = "id,note,text\n1,5,\n".replace(",", delimiter)
    assert rows(text)[0].values == ["1", "5", ""]
    assert read_table(text, "t.csv").columns == ["id", "note", "text"]
    assert read_table(f"sep={delimiter}\n{text}", "t.csv").columns == ["id", "note", "text"]


def test_a_delimiter_can_be_said() -> None:
    assert rows("a,b;c,d\n1,2;3,4\n", ";")[0].values == ["1,2", "3,4"]
    assert rows("a b\n1 2\n", " ")[0].values == ["1", "2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"t.csv: is empty; expected a header line with column names"),
        ("\n ,\n", r"t.csv: is empty"),
        ("a,b,a\n", r"t.csv: column 'a' is there twice; rename one of them"),
        ('a,"b\n1,2\n', r"t.csv line 1: the header has a quote that is never closed; mend it"),
        ("x" * 17_000_000, r"t.csv: column 1 has a name of 17,000,000 characters \('x{60}\.\.\.'\); expected a header"),
    ],
)
def test_headers_that_cannot_be_one(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_table(text, "t.csv")


def test_columns_without_a_name_may_be_several() -> None:
    assert rows("a,b,,\n1,2,,\n")[0].values == ["1", "2", "", ""]


def test_a_row_of_many_columns_costs_no_more_than_its_length() -> None:
    table = read_table(",".join(f"c{number}" for number in range(300_000)) + "\n1,2\n", "t.csv")
    assert next(iter(table.rows())).broken == "wrong number of fields (2 fields where the header has 300,000)"
    with pytest.raises(
        UserError, match=r"no column 'sku' \(it has 300,000 columns, the first are c0, c1, .*c9\); mend it"
    ):
        table.place("sku", "mend it")


def test_values_in_messages_are_short() -> None:
    assert cut("x" * 100) == "x" * 60 + "..."
    assert listed(["a", "b" * 100]) == "a, " + "b" * 40 + "..."


def test_no_damage_loses_a_line() -> None:
    text = 'id,labels,text\n1,a,"one, two"\n2,b c,plain\n3,"d, e","two\nlines; so"\n4,f,"says ""so"""\n\n5,g,last one\n'
    header, _, body = text.partition("\n")
    random = np.random.default_rng(0)
    for _ in range(400):
        content, _ = decode(f"{header}\n{damaged(body, random)}".encode(), "t.csv")
        table = read_table(content, "t.csv")
        assert_every_line_is_in_one_row(table.lines, list(table.rows()), table.first)
