"""Which column is which, by what tables of people hold."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import image

from multilabel.core.errors import UserError
from multilabel.data.inspection import Inspection, inspect
from multilabel.data.label_cells import joined

COLOURS = ["red", "blue", "traffic light"]
NORTH = ["north", "south", "east", "west"]


def write(folder: Path, header: str, rows: list[str], images: int = 0, name: str = "items.csv") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    for number in range(images):
        (folder / "photos").mkdir(exist_ok=True)
        (folder / "photos" / f"{number}.jpg").write_bytes(image(["1"], number))
    return folder


def look(path: Path) -> Inspection:
    return inspect(path, max_unpacked_gb=1, max_megapixels=1)


def labels(number: int, separator: str) -> str:
    return separator.join(COLOURS[: 1 + number % 3])


def described(found: Inspection) -> dict[str, Any]:
    return {key: value for key, value in found.block.items() if key not in ("format", "source")}


def test_a_catalogue_with_photographs(tmp_path: Path) -> None:
    rows = [
        f"SKU-{i};a nice thing number {i};{i}.99;photos/{i}.jpg;{labels(i, '|') if i % 4 else ''}" for i in range(12)
    ]
    found = look(write(tmp_path / "catalogue", "sku;title;price;photo;tags", rows, images=11))
    assert described(found) == {
        "columns": {"id": "sku", "labels": "tags", "text": "title", "image": "photo"},
        "delimiter": ";", "label_separator": "|", "empty_labels": "unlabelled",
    }  # fmt: skip
    assert (found.labelled, found.unlabelled, found.with_image) == (8, 3, 11)
    assert found.rejected == {"image is absent": 1}
    assert found.labels["red"] == 8
    assert (
        "  labels  tags: 3 different ones separated by '|', the most common: red, blue, traffic light" in found.remarks
    )


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("id,text,labels", lambda i: f"{i},some words {i},{labels(i, ';')}", {"label_separator": ";"}),
        ("id,text,labels", lambda i: f'{i},some words {i},"{labels(i, ",")}"', {"label_separator": ","}),
        ("id,text,labels", lambda i: f"{i},some words {i},{' '.join(['a', 'b', 'c'][: 1 + i % 3])}", {"label_separator": " "}),
        ("id,text,label", lambda i: f"{i},some words {i},{COLOURS[i % 3]}", {"label_separator": "|"}),
        ("id,text,labels", lambda i: f"{i},some words {i},\"{COLOURS[: 1 + i % 3]}\"", {}),
        ("id\ttext\tlabels", lambda i: f"{i}\tsome words {i}\t{labels(i, ';')}", {"delimiter": "\t", "label_separator": ";"}),
    ],
)  # fmt: skip
def test_what_separates(tmp_path: Path, header: str, row: Any, expected: dict[str, str]) -> None:
    found = look(write(tmp_path, header, [row(i) for i in range(20)]) / "items.csv")
    given = described(found)
    columns = given.pop("columns")
    assert {key: columns[key] for key in ("id", "text")} == {"id": "id", "text": "text"}
    assert given == expected
    assert found.labelled == 20
    assert len(found.labels) == 3


@pytest.mark.parametrize(
    ("odd", "separator", "row"),
    [
        ("tcp/ip linux", " ", lambda i: " ".join(["web", "python", "linux", "sql"][i % 3 : i % 3 + 1 + i % 2])),
        ("tcp/ip linux", " ", lambda i: " ".join(["a", "b", "c"][: 1 + i % 3])),
        ("a|b", ";", lambda i: labels(i, ";")),
        ("red; blue", ",", lambda i: labels(i, ", ")),
        ("tcp/ip", "|", lambda i: COLOURS[i % 3]),
        ("red;blue", ";", lambda i: COLOURS[i % 3]),
        ("red", ",", lambda i: f"{NORTH[i % 4]} {NORTH[i % 3]}, {COLOURS[i % 3]}"),
        ("red;", ";", lambda i: f"{COLOURS[i % 3]};"),
    ],
)  # fmt: skip
def test_one_cell_does_not_settle_what_separates(tmp_path: Path, odd: str, separator: str, row: Any) -> None:
    rows = [f'{i},some words {i},"{odd if i == 77 else row(i)}"' for i in range(200)]
    assert look(write(tmp_path, "id,text,labels", rows)).block["label_separator"] == separator


def test_columns_are_found_by_what_they_hold(tmp_path: Path) -> None:
    rows = [f"{i % 4},row{i},what it says {i},{labels(i, ';')},{i % 2}" for i in range(30)]
    found = look(write(tmp_path, "a,b,c,d,e", rows))
    assert found.block["columns"] == {"id": "b", "labels": "d", "text": "c"}


def test_names_of_images_may_be_the_ids(tmp_path: Path) -> None:
    found = look(write(tmp_path, "file,labels", [f"{i}.jpg,{labels(i, ';')}" for i in range(9)], images=9))
    assert found.block["columns"] == {"id": "file", "labels": "labels", "image": "file"}
    assert found.with_image == 9


def test_of_several_tables_the_longest(tmp_path: Path) -> None:
    write(tmp_path, "id,text,labels", [f"{i},so it says {i},{labels(i, ';')}" for i in range(9)])
    write(tmp_path, "a,b", ["1,2"], name="legend.csv")
    assert look(tmp_path).block["table"] == "items.csv"


def test_a_table_is_named_by_its_path(tmp_path: Path) -> None:
    write(tmp_path, "a,b", ["1,2"])
    write(tmp_path / "sub", "id,text,labels", [f"{i},so it says {i},{labels(i, ';')}" for i in range(9)])
    found = look(tmp_path)
    assert found.block["table"] == "sub/items.csv"
    assert found.labelled == 9


def test_known_formats_are_known(tmp_path: Path) -> None:
    write(tmp_path / "c", "ImageID,Labels,Caption", [f'{i}.jpg,1 2,"words {i}"' for i in range(3)], 3, "train.csv")
    assert look(tmp_path / "c").block == {"format": "competition", "source": str(tmp_path / "c")}
    books = [f"book {i},somebody,a long story {i},\"['Fiction', 'Fantasy']\"" for i in range(3)]
    found = look(write(tmp_path / "b", "title,author,description,genres", books))
    assert (found.block["format"], found.labelled) == ("goodreads", 3)
    assert "text" not in found.block


def test_a_table_with_titles_and_genres_needs_no_author(tmp_path: Path) -> None:
    films = [f"film {i},a long story {i},\"['Drama', 'Comedy']\"" for i in range(3)]
    found = look(write(tmp_path, "title,description,genres", films))
    assert described(found) == {"text": ["title", "description"]}
    assert (found.labelled, found.with_text) == (3, 3)


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        ("id,text", lambda i: f"{i},words {i}", r"no column holds labels that come back \(it has id, text\)"),
        (
            "kind,tags", lambda i: f"x,{labels(i, ';')}",
            r"no column can be the id \(kind: 1 different in 9 rows; tags: the labels\); add or mend one called id, with another "
            r"value in every row$",
        ),
        (
            ",id,title,body,tags", lambda i: f"0,{i // 2},book{i},so it says {i},{labels(i, ';')}",
            r"\(the column without a name: 1 different in 9 rows; id: 5 different in 9 rows; title: texts; body: texts; tags: the",
        ),
        (
            f"tags,{','.join('abcdefghijkl')}", lambda i: f"{labels(i, ';')},{','.join('x' * 12)}",
            r"\(tags: the labels; a: 1 different .*; i: 1 different in 9 rows; and 3 more\); add",
        ),
        ("id,text,red,blue,green", lambda i: f"{i},words {i},{i % 2},{i % 3 % 2},0", r"red, blue, green hold 0 and 1"),
        (
            "id,price,comment,shelf,red,blue",
            lambda i: f'{i},"{i % 2},99","so, yes",food/{"tea" if i % 2 else "rice"},{i % 2},{i % 3 % 2}', r"red, blue hold 0 and 1; write the names of",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_found_is_said(tmp_path: Path, header: str, row: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        look(write(tmp_path, header, [row(i) for i in range(9)]))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], r"^items.csv: has no rows; write one for each record below the header$"),
        (
            ["1,so,a,b"],
            r"^items.csv: has no row that can be read \(line 2: wrong number of fields \(4 fields where the header has 3\)\); "
            r"mend the table$",
        ),
    ],
)
def test_a_table_without_rows_is_one_line(tmp_path: Path, rows: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        look(write(tmp_path, "id,text,labels", rows))


def chosen(folder: Path, header: str, row: Callable[[int], str], rows: int = 40) -> dict[str, str]:
    columns = look(write(folder, header, [row(i) for i in range(rows)])).block["columns"]
    assert isinstance(columns, dict)
    return columns


@pytest.mark.parametrize(
    ("header", "row", "text"),
    [
        ("id,text,labels", lambda i: f"{i},今天{i % 9}足球很好,{COLOURS[i % 3]}", "text"),
        ("nr,正文,城市,labels", lambda i: f"{i},今天{i % 9}足球很好,{'北京' if i % 2 else '上海'},{COLOURS[i % 3]}", "正文"),
        ("正文,nr,labels", lambda i: f"{'好' * (i + 3)},{i},{COLOURS[i % 3]}", "正文"),
        ("id,ข้อความ,labels", lambda i: f"{i},วันนี้อากาศดี{i % 9},{COLOURS[i % 3]}", "ข้อความ"),
        ("id,text,labels", lambda i: f"{i},{'C#' if i % 2 else 'C++'},{COLOURS[i % 3]}", "text"),
        ("text,nr,labels", lambda i: f"invoice{i},{i},{COLOURS[i % 3]}", "text"),
        ("id,Text,place,topics", lambda i: f"{i},{'yes' if i % 2 else 'no'},Bad Homburg v d H,{labels(i, ';')}", "Text"),
        ("id,comment,words,labels", lambda i: f"{i},{'' if i % 3 else 'seldom given'},these are there {i},{COLOURS[i % 3]}", "words"),
        ("id,title,words,labels", lambda i: f"{i},book{i},what the book says,{COLOURS[i % 3]}", "words"),
        ("id,title,code,labels", lambda i: f"{i},book{i},x-{i},{COLOURS[i % 3]}", "title"),
        ("id,query,labels", lambda i: f"{i},{'abcdefgh'[i % 8]}{'ijkl'[i // 10]}words,{COLOURS[i % 3]}", "query"),
        ("id,city,code,labels", lambda i: f"{i},{'Berlin' if i % 2 else 'Bonn'},https://x.y/{i},{COLOURS[i % 3]}", None),
        ("id,content,labels", lambda i: f"{i},1{i}.5,{COLOURS[i % 3]}", None),
    ],
)  # fmt: skip
def test_which_column_is_the_text(tmp_path: Path, header: str, row: Callable[[int], str], text: str | None) -> None:
    columns = chosen(tmp_path, header, row)
    assert columns.get("text") == text
    assert columns["id"] in ("id", "nr")
    assert columns["labels"] in ("labels", "topics")


@pytest.mark.parametrize(
    ("text", "extent"), [("invoice", "7 characters"), ("今天足球很好", "3 words"), ("what it says", "3 words")]
)
def test_how_long_texts_are_is_said(tmp_path: Path, text: str, extent: str) -> None:
    rows = [f"{i},{text},{COLOURS[i % 3]}" for i in range(9)]
    assert f"  text    text: {extent} in the mean" in look(write(tmp_path, "id,text,labels", rows)).remarks


def test_a_text_that_comes_back_is_not_the_labels(tmp_path: Path) -> None:
    columns = chosen(tmp_path, "id,text,topics", lambda i: f"{i},{'C#' if i % 2 else 'C'},{COLOURS[i % 3]}")
    assert columns == {"id": "id", "text": "text", "labels": "topics"}


def test_a_list_of_names_is_the_labels_beside_flags_and_empty_columns(tmp_path: Path) -> None:
    rows = [f"{i},a nice thing {i},{labels(i, ';')},{i % 2},{i % 3 % 2},," for i in range(20)]
    found = look(write(tmp_path, "id,description,topics,in_stock,on_sale,remark,remark2", rows))
    assert found.block["columns"] == {"id": "id", "labels": "topics", "text": "description"}
    assert "          not in_stock, on_sale: each holds 0 and 1" in found.remarks


def test_an_id_may_be_there_twice_if_it_is_called_so(tmp_path: Path) -> None:
    rows = [f"{i},what it says {i},1.{i},{labels(i, ';')}" for i in [*range(39), 7]]
    found = look(write(tmp_path, "id,text,price,labels", rows))
    assert found.block["columns"] == {"id": "id", "labels": "labels", "text": "text"}
    assert "  id      id: 1 of 40 rows repeat one or have none" in found.remarks
    assert found.rejected == {"duplicate id": 1}


def test_a_number_that_is_there_twice_is_no_id(tmp_path: Path) -> None:
    rows = [f"{i},what it says {i},s{place},{labels(i, ';')}" for place, i in enumerate([*range(39), 7])]
    assert look(write(tmp_path, "zip_code,text,serial,labels", rows)).block["columns"]["id"] == "serial"


def test_the_index_of_pandas_is_the_id_where_nothing_else_is(tmp_path: Path) -> None:
    rows = [f"{i},what it says {i},{labels(i, ';')}," for i in range(20)]
    found = look(write(tmp_path, ",text,labels,", rows))
    assert found.block["columns"] == {"id": "", "labels": "labels", "text": "text"}
    assert "  id      the column without a name: every row has its own" in found.remarks
    assert found.labelled == 20


def test_cells_that_say_none_are_counted(tmp_path: Path) -> None:
    rows = [f"{i},what it says {i},{['High', 'Low', 'None', 'None', 'NaN', ''][i % 6]}" for i in range(3000)]
    found = look(write(tmp_path, "id,text,label", rows))
    said = [line for line in found.remarks if "read as no label" in line]
    assert said == [
        "          1000 cells say None, which is read as no label",
        "          500 cells say NaN, which is read as no label",
    ]
    assert (found.labelled, found.unlabelled) == (1000, 2000)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["red", "traffic light"], "red, traffic light"),
        (["food, drink", "tech"], "food, drink; tech"),
        (["a,b", "c;d", "e"], "a,b | c;d | e"),
        (["a,b", "c;d", "e|f"], "a,b | c;d | e|f"),
    ],
)
def test_names_with_commas_can_be_told_apart(names: list[str], expected: str) -> None:
    assert joined(names) == expected


def test_labels_with_commas_can_be_told_apart(tmp_path: Path) -> None:
    rows = [f"{i},what it says {i},\"['food, drink', 'war']\"" for i in range(9)]
    found = look(write(tmp_path, "id,text,labels", rows))
    assert "  labels  labels: 2 different ones in lists, the most common: food, drink; war" in found.remarks


def test_a_folder_without_a_table_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no table \(.csv, .tsv or .txt\)"):
        look(tmp_path)
