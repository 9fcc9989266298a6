"""`multilabel predict` as people type it: every input has its row, whatever the source and the form of the output."""

import csv
import io
import json
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import trained
from conftest import image

from multilabel.cli import main
from multilabel.cli.predict import INCOMPLETE
from multilabel.core.errors import UserError
from multilabel.data.dataset import load_split
from multilabel.inference import answers
from multilabel.inference.predictions import Prediction
from multilabel.inference.writers import WRITERS, Rows, writing

TABLES: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": pd.read_csv,
    ".jsonl": lambda file: pd.read_json(file, lines=True),
    ".parquet": pd.read_parquet,
}


@pytest.fixture
def pair(tiny_dataset: str) -> tuple[Path, pd.DataFrame]:
    """A model that reads both, its predictions on test, and the test split as a table and a folder of images."""
    made = trained.trained(tiny_dataset, "pair")
    images, texts = trained.records_of_test(tiny_dataset)
    Path("photos").mkdir()
    with Path("new.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["ImageID", "Caption", "other"])
        for id, content, text in zip(load_split(tiny_dataset, "test").ids, images, texts, strict=True):
            (Path("photos") / id).write_bytes(content)
            writer.writerow([id, text, "x"])
    return made


def code(*arguments: str) -> int:
    """The exit code of `multilabel predict`."""
    try:
        main(["predict", *arguments])
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


@pytest.mark.parametrize("at_once", [1, 5, 4096])
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_predictions_are_those_of_evaluate(
    suffix: str, at_once: int, pair: tuple[Path, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, expected = pair
    monkeypatch.setattr(answers, "AT_ONCE", at_once)
    out = Path(f"labels{suffix}")
    assert code(str(folder), "--images", "photos", "--table", "new.csv", "--out", str(out), "--all") == 0
    found = TABLES[suffix](out)
    assert found["id"].tolist() == expected["id"].tolist()
    probabilities = found[[name for name in found if name.startswith("p_")]].to_numpy(np.float32)
    known = expected[[name for name in expected if name.startswith("p_")]].to_numpy()
    np.testing.assert_allclose(probabilities, known, atol=0 if at_once == 4096 else 1e-6)
    names = dict(zip(["1", "2", "3"], ["person", "bicycle", "car"], strict=True))
    sets = (
        [label.split(";") for label in found["labels"]] if suffix == ".csv" else [list(row) for row in found["labels"]]
    )
    assert sets == [[names[id] for id in row] for row in expected["predicted"]]
    assert found["problem"].fillna("").tolist() == [""] * len(found)


def test_nothing_is_lost_that_cannot_be_read(
    pair: tuple[Path, pd.DataFrame], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("new.csv").write_text('id,text,image\na,rose,0.jpg\nb,leaf,none.jpg\nc,sea,bad.jpg\nd,sea,\ne,rose,"0.jpg\n')
    Path("photos/bad.jpg").write_bytes(b"no image")
    Path("photos/0.jpg").write_bytes(image(["1"]))
    assert (
        code(str(pair[0]), "--table", "new.csv", "--images", "photos", "--out", "out.jsonl", "--top", "9")
        == INCOMPLETE
        == 3
    )
    rows = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == ["a", "b", "c", "d", "e"]
    assert list(rows[0]) == ["id", "labels", "label_1", "p_1", "label_2", "p_2", "label_3", "p_3", "problem"]
    assert rows[0]["p_1"] >= rows[0]["p_2"] >= rows[0]["p_3"]
    assert [row["problem"] for row in rows[:4]] == [
        "", "image is absent (none.jpg)", "undecodable image (no known image format)",
        "has no image, and pair was trained on records that have both; give one, or train with `fusion: {modality_dropout: 0.2}`",
    ]  # fmt: skip
    assert rows[1]["labels"] == []
    assert rows[1]["p_1"] is None
    printed = capsys.readouterr()
    assert printed.out == "out.jsonl: 2 records predicted, 3 could not be read (column `problem`)\n"
    assert "b: image is absent (none.jpg)\n" in printed.err


@pytest.mark.parametrize("header", ["id,caption", "id,caption,image"])
def test_ids_may_name_images_with_or_without_a_suffix(pair: tuple[Path, pd.DataFrame], header: str) -> None:
    folder, expected = pair
    texts = pd.read_csv("new.csv")["Caption"]
    named = header.endswith("image")
    rows = [
        f"{Path(id).stem},{text}" + (f",{Path(id).stem}" if named else "")
        for id, text in zip(expected["id"], texts, strict=True)
    ]
    Path("stems.csv").write_text("\n".join([header, *rows, f"none,rose{',none' * named}"]))
    assert code(str(folder), "--images", "photos", "--table", "stems.csv", "--out", "labels.csv", "--all") == INCOMPLETE
    found = pd.read_csv("labels.csv")
    known = expected[[name for name in expected if name.startswith("p_")]].to_numpy()
    probabilities = found[[name for name in found if name.startswith("p_")]].to_numpy(np.float32)
    np.testing.assert_array_equal(probabilities[:-1], known)
    assert found["problem"].tolist()[-1] == "image is absent (none)"


def test_folders_archives_and_single_images_are_read_alike(tiny_dataset: str) -> None:
    folder = str(trained.trained(tiny_dataset, "image")[0])
    images, _ = trained.records_of_test(tiny_dataset)
    Path("photos/inner").mkdir(parents=True)
    with zipfile.ZipFile("photos.zip", "w") as archive, tarfile.open("photos.tar.gz", "w:gz") as tar:
        for number, content in enumerate(images[:4]):
            name = f"photos/{'inner/' * (number == 3)}{number}.jpg"
            Path(name).write_bytes(content)
            archive.write(name)
            tar.add(name)
    Path("photos/notes.md").write_text("no image")
    rows = []
    for source in (
        ["photos"],
        ["photos.zip"],
        ["photos.tar.gz"],
        [f"photos/{n}.jpg" for n in (0, 1, 2)] + ["photos/inner/3.jpg"],
    ):
        assert code(folder, "--images", *source, "--out", "out.jsonl", "--all") == 0
        rows.append([json.loads(line) | {"id": ""} for line in Path("out.jsonl").read_text().splitlines()])
    assert rows[1:] == [rows[0]] * 3


def test_of_several_sources_each_may_have_a_1_jpg_of_its_own(tiny_dataset: str) -> None:
    folder = str(trained.trained(tiny_dataset, "image")[0])
    for name, labels in (("a/1.jpg", ["1"]), ("b/1.jpg", ["2"]), ("c.jpg", ["3"])):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(image(labels))
    assert code(folder, "--images", "a", "b/", "c.jpg", "--out", "out.csv") == 0
    assert pd.read_csv("out.csv")["id"].tolist() == ["a/1.jpg", "b/1.jpg", "c.jpg"]


def test_rows_are_printed_where_no_file_is_named(
    pair: tuple[Path, pd.DataFrame], capsys: pytest.CaptureFixture[str]
) -> None:
    first = f"photos/{pair[1]['id'][0]}"
    assert code(str(pair[0]), "--images", first, "--text", "rose number 1") == 0
    printed = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["id"] for row in printed] == [first]
    assert code(str(pair[0]), "--images", first, "--text", "rose number 1", "--json") == 0
    assert json.loads(capsys.readouterr().out)["labels"] == printed[0]["labels"].split(";")
    assert code(str(pair[0]), "--images", first, "--text", "rose", "--out", "a.csv", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"out": "a.csv", "predicted": 1, "problems": 0, "passed_over": 0}


@pytest.mark.parametrize("suffix", WRITERS)
def test_no_column_says_two_things(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        Rows(["3", "1", "2"], top=2, every=True)
    assert str(error.value) == (
        "--top and --all: p_1 would be the probability of place 1 and that of the label '1'; give one of both"
    )
    values = {"3": 0.25, "1": 0.5, "7": 0.75}
    answer = answers.Answer("a", Prediction(["7"], values))
    for rows in (Rows(list(values), top=2), Rows(list(values), every=True), Rows(["3", "7"], top=2, every=True)):
        out = tmp_path / f"a{suffix}"
        with writing(out, rows, ";") as write:
            write([rows.row(answer)])
        found = TABLES[suffix](out)
        assert list(found) == list(rows.row(answer)) == rows.schema().names
        if rows.top:
            assert (found["p_1"][0], found["p_2"][0]) == (0.75, 0.5)
        if rows.every:
            assert {name: found[f"p_{name}"][0] for name in rows.names} == {name: values[name] for name in rows.names}


def test_images_of_one_name_are_problems_and_no_guesses(tiny_dataset: str) -> None:
    folder = str(trained.trained(tiny_dataset, "image")[0])
    with tarfile.open("photos.tar", "w") as tar:
        for name, labels in (("a.jpg", ["1"]), ("b.jpg", ["2"]), ("a.jpg", ["3"])):
            Path(name).write_bytes(image(labels))
            tar.add(name)
    assert code(folder, "--images", "photos.tar", "--out", "out.jsonl") == INCOMPLETE
    rows = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    twice = "image is ambiguous (photos.tar: a.jpg is there several times; keep one of them)"
    assert [(row["id"], row["problem"]) for row in rows] == [("a.jpg", twice), ("b.jpg", ""), ("a.jpg", twice)]


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("packed", [False, True])
def test_names_that_are_no_utf_8_are_escaped(packed: bool, suffix: str, tiny_dataset: str) -> None:
    folder = str(trained.trained(tiny_dataset, "image")[0])
    Path("photos").mkdir()
    for name in (b"a.jpg", b"caf\xe9.jpg"):
        (Path("photos") / os.fsdecode(name)).write_bytes(image(["1"]))
    with tarfile.open("photos.tar", "w") as tar:
        tar.add("photos", "")
    out = f"out{suffix}"
    assert code(folder, "--images", "photos.tar" if packed else "photos", "--out", out) == 0
    assert sorted(TABLES[suffix](Path(out))["id"]) == ["a.jpg", "caf\\udce9.jpg"]


def test_a_text_that_is_no_utf_8_is_a_problem(tiny_dataset: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(trained.trained(tiny_dataset, "bert")[0])
    assert code(folder, "--text", os.fsdecode(b"caf\xe9"), "--text", "rose", "--json") == INCOMPLETE
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["problem"] for row in rows] == ["its text holds bytes that are no UTF-8; give it in that encoding", ""]


def test_the_index_of_pandas_is_the_id(pair: tuple[Path, pd.DataFrame], capsys: pytest.CaptureFixture[str]) -> None:
    table = pd.DataFrame(
        {"text": ["rose", "sea"], "image": pd.read_csv("new.csv")["ImageID"][:2].tolist()}, index=[7, 9]
    )
    table.to_csv("pandas.csv")
    assert code(str(pair[0]), "--table", "pandas.csv", "--images", "photos") == 0
    assert [row["id"] for row in csv.DictReader(io.StringIO(capsys.readouterr().out))] == ["7", "9"]


def test_ids_with_a_dot_name_images_too(tiny_dataset: str) -> None:
    folder = str(trained.trained(tiny_dataset, "image")[0])
    Path("photos").mkdir()
    for name in ("img_1.2.jpg", "img_1.3.PNG"):
        (Path("photos") / name).write_bytes(image(["1"]))
    Path("dots.csv").write_text("id,x\nimg_1.2,\nimg_1.3,\nimg_1.2.jpg,\nimg_1.4,\n")
    assert code(folder, "--images", "photos", "--table", "dots.csv", "--out", "out.csv") == INCOMPLETE
    assert pd.read_csv("out.csv")["problem"].fillna("").tolist() == ["", "", "", "image is absent (img_1.4)"]


def test_columns_are_found_or_named(tiny_dataset: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(trained.trained(tiny_dataset, "tfidf")[0])
    Path("a.tsv").write_text("sku\ttitle\tabout\n7\trose\tleaf\n8\tsea\t\n")
    assert code(folder, "--table", "a.tsv", "--columns", "id=sku,text=title+about", "--json", "--all") == 0
    named = capsys.readouterr().out
    assert code(folder, "--text", "rose. leaf", "--text", "sea", "--json", "--all") == 0
    texts = [json.loads(line) | {"id": ""} for line in capsys.readouterr().out.splitlines()]
    assert [json.loads(line) | {"id": ""} for line in named.splitlines()] == texts
    assert [json.loads(line)["id"] for line in named.splitlines()] == ["7", "8"]
    assert code(folder, "--table", "a.tsv") == 0  # `title` is a usual name, and `sku` another


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to predict; give --images, --table or --text"),
        (["--images", "nowhere"], "--images nowhere: no such file or folder; name a folder, a zip or tar archive, or images"),
        (["--images", "photos", "--text", "a"], "12 images and 1 texts are no pairs; give one --text for each image, or a --table"),
        (["--table", "photos"], "--table photos: is no table; name a file that ends in .csv, .tsv, .txt"),
        (["--table", "b.csv"], "b.csv: which column holds the image or the text? It has x, y; name it as in --columns id=sku,text=title+description,image=file"),
        (["--table", "b.csv", "--images", "photos"], "b.csv: which column names the images? It has x, y; name it as in --columns id=sku,text=title+description,image=file"),
        (["--table", "b.csv", "--columns", "text=z"], "b.csv: has no column 'z' (it has x, y); name it as in --columns id=sku,text=title+description,image=file"),
        (["--table", "b.csv", "--text", "a"], "--text and --table: a row of the table has its own text; give one of both"),
        (["--table", "new.csv", "--images", "photos", "--out", "a.xls"], "unknown format of a table '.xls' in --out a.xls; choose one of: .csv, .jsonl, .parquet"),
        (["--table", "new.csv", "--images", "photos", "--out", "a.csv", "--separator", "e"], "--separator 'e': the label 'person' holds it; choose another"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(
    arguments: list[str], message: str, pair: tuple[Path, pd.DataFrame], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("b.csv").write_text("x,y\n1,2\n")
    with pytest.raises(SystemExit) as error:
        main(["predict", str(pair[0]), *arguments])
    assert error.value.code == f"error: {message}"
    assert not Path("a.csv").exists()


def test_a_model_is_asked_for_what_it_reads(tiny_dataset: str) -> None:
    folder = str(trained.trained(tiny_dataset, "tfidf")[0])
    with pytest.raises(
        SystemExit, match="error: tfidf reads text, and none was given; give it by --images, --text or --table"
    ):
        main(["predict", folder, "--images", "models"])
