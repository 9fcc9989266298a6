"""Which column is which, by what tables of people hold."""

from pathlib import Path
from typing import Any

import pytest
from conftest import image

from multilabel.core.errors import UserError
from multilabel.data.inspection import Inspection, inspect

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
        ("kind,tags", lambda i: f"x,{labels(i, ';')}", r"no column has another value in every row \(it has kind, tags\)"),
        ("id,text,red,blue,green", lambda i: f"{i},words {i},{i % 2},{i % 3 % 2},0", r"red, blue, green hold 0 and 1"),
    ],
)  # fmt: skip
def test_what_cannot_be_found_is_said(tmp_path: Path, header: str, row: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        look(write(tmp_path, header, [row(i) for i in range(9)]))


def test_a_folder_without_a_table_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no table \(.csv, .tsv or .txt\)"):
        look(tmp_path)
