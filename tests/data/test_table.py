import numpy as np
import pytest
from conftest import image
from in_memory import damaged, files, read

from multilabel.core.errors import UserError
from multilabel.data.encodings import decode
from multilabel.data.readers import Table
from multilabel.data.records import Record
from multilabel.data.text_tables import read_table

JPEG, OTHER = image(["1"]), image(["2"])
COLUMNS = {"id": "id", "labels": "labels", "text": "text"}


def test_an_engineers_own_table() -> None:
    table = "sku,tags,file,words\n1,red;blue,images/a.jpg,hello\n2,,b.jpg,bye\n3,red,gone.jpg,x\n"
    columns = {"id": "sku", "labels": "tags", "image": "file", "text": "words"}
    source = files(**{"items__csv": table, "a__jpg": JPEG, "b__jpg": JPEG})
    records, findings = read(Table(columns=columns, label_separator=";", empty_labels="unlabelled"), source)
    assert records == [Record("1", "hello", ["red", "blue"], JPEG), Record("2", "bye", None, JPEG)]
    assert findings == ["source.zip/items.csv:4 3 rejected: image is absent (gone.jpg)"]
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


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        ("red blue", ["red", "blue"]),
        ("\"['red', 'deep blue']\"", ["red", "deep blue"]),
        ('"[""red"", ""blue""]"', ["red", "blue"]),
        ("['red' 'blue']", ["red", "blue"]),
        ('"[1, 2]"', ["1", "2"]),
        ("{red}", ["red"]),
        ("None-such", ["None-such"]),
    ],
)
def test_labels_as_programs_write_them(cell: str, labels: list[str]) -> None:
    assert read(Table(columns=COLUMNS), files(t__csv=f"id,labels,text\n1,{cell},x\n")) == (
        [Record("1", "x", labels)],
        [],
    )


@pytest.mark.parametrize("cell", ["", " ", "nan", "NaN", "None", "null", "NULL", "<NA>", "[]", "[None]"])
def test_labels_that_are_none(cell: str) -> None:
    source = files(t__csv=f"id,labels,text\n1,{cell},x\n")
    assert read(Table(columns=COLUMNS), source) == ([], ["source.zip/t.csv:2 1 rejected: empty label"])
    assert read(Table(columns=COLUMNS, empty_labels="unlabelled"), source)[0] == [Record("1", "x", None)]


def test_a_list_that_never_closes_is_no_label() -> None:
    records, findings = read(Table(columns=COLUMNS), files(t__csv="id,labels,text\n1,\"['red', 'blue'\",x\n"))
    assert (records, findings) == ([], ["source.zip/t.csv:2 1 rejected: unknown label syntax: \"['red', 'blue'\""])


def test_of_two_rows_with_one_id_the_first_is_kept_with_its_own_image() -> None:
    table = "id,labels,file\n1,a,one.jpg\n1,b,two.jpg\n1,,two.jpg\n,a,one.jpg\n"
    source = files(t__csv=table, **{"one__jpg": JPEG, "two__jpg": OTHER})
    columns = {"id": "id", "labels": "labels", "image": "file"}
    records, findings = read(Table(columns=columns, empty_labels="unlabelled"), source)
    assert records == [Record("1", "", ["a"], JPEG), Record("1", "", None, OTHER)]
    assert findings == [
        "source.zip/t.csv:3 1 rejected: duplicate id (first at source.zip/t.csv:2)",
        "source.zip/t.csv:5  rejected: empty id",
    ]


def test_a_quote_that_never_closes_costs_one_record_at_most() -> None:
    rows = [f"{number},red,text {number}" for number in range(1, 41)]
    rows[1] = '2,red,"never closed, he said'
    records, findings = read(Table(columns=COLUMNS), files(t__csv="id,labels,text\n" + "\n".join(rows)))
    assert len(records) == 39
    assert findings == ["source.zip/t.csv:3  rejected: quote opened and never closed: '2,red,\"never closed, he said'"]


def test_a_delimiter_may_be_said_or_found() -> None:
    source = files(t__csv="id;labels;text\n1;red;one, two\n")
    assert read(Table(columns=COLUMNS), source) == read(Table(columns=COLUMNS, delimiter=";"), source)
    assert read(Table(columns=COLUMNS), source)[0] == [Record("1", "one, two", ["red"])]
    with pytest.raises(
        UserError, match=r"no column 'id' \(it has id;labels;text\); mend datasets.<name>.columns or .delimiter"
    ):
        read(Table(columns=COLUMNS, delimiter=","), source)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label_separator": ""}, r"datasets.<name>.label_separator: is empty; write what stands between two labels"),
        ({"delimiter": ""}, r"datasets.<name>.delimiter: ''; write the one character between two columns"),
        ({"delimiter": ";;"}, r"datasets.<name>.delimiter: ';;'; write the one character"),
        ({"delimiter": '"'}, r"datasets.<name>.delimiter: '\"'; write the one character"),
        ({"empty_labels": "keep"}, r"datasets.<name>.empty_labels: 'keep'; choose one of: reject, unlabelled"),
    ],
)
def test_options_that_cannot_be_meant(options: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(Table(columns=COLUMNS, **options), files(t__csv="id,labels,text\n1,a,b\n"))


def test_no_damage_loses_a_record() -> None:
    """Every row of the table, in which every line is (tests of text_tables), is a record or a rejection."""
    body = '1,a,"one, two"\n2,b c,plain\n3,"d, e","two\nlines; so"\n4,f,"says ""so"""\n\n5,g,last one\n'
    random = np.random.default_rng(3)
    for _ in range(300):
        source = files(t__csv="id,labels,text\n" + damaged(body, random))
        table = read_table(decode(source.read("t.csv"), "")[0], "")
        records, findings = read(Table(columns=COLUMNS), source)
        rejected = [finding for finding in findings if " rejected: " in finding]
        assert len(records) + len(rejected) == len(list(table.rows()))
