"""`multilabel new dataset`: what it writes is what the pipeline takes, and mistakes write nothing."""

import shutil
from difflib import ndiff
from pathlib import Path

import pytest
import trained
from conftest import ROOT, SMALL_PARAMS, image

from multilabel.cli import main
from multilabel.core.files import read_json, write_json
from multilabel.core.paths import METRICS
from multilabel.core.yaml_edits import with_section
from multilabel.core.yaml_files import read_yaml
from multilabel.params import read

PARAMS = Path("params.yaml")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(SMALL_PARAMS, PARAMS)
    shutil.copy(ROOT / "dvc.yaml", ".")
    Path("My Shop/photos").mkdir(parents=True)
    rows = [f"{i};a thing {i};photos/{i}.jpg;{'red|traffic light' if i % 2 else 'red' if i else ''}" for i in range(20)]
    Path("My Shop/products.csv").write_text("\n".join(["sku;title;photo;tags", *rows]) + "\n")
    for i in range(20):
        Path(f"My Shop/photos/{i}.jpg").write_bytes(image(["1"], i))


def test_one_command_is_all_the_edits(capsys: pytest.CaptureFixture[str]) -> None:
    before = PARAMS.read_text()
    main(["new", "dataset", "My Shop"])
    printed = capsys.readouterr().out
    assert "19 rows with labels, 1 without, 20 with an image, 20 with a text\n" in printed
    assert "params.yaml has now datasets.my_shop, architectures.my_shop_constant, " in printed
    assert (
        "next: dvc repro (`make drop-examples` first, or captions, books train too); to undo: git checkout params.yaml dvc.yaml"
        in printed
    )
    params = read()
    own = [name for name, found in params.architectures.items() if found.model.dataset == "my_shop"]
    assert own == ["my_shop_constant", "my_shop_tfidf_logreg", "my_shop_gru", "my_shop_image", "my_shop_fusion"]
    artifact = read_yaml(Path("dvc.yaml"))["artifacts"]["my_shop"]
    assert artifact == {"path": "models/best/my_shop", "type": "model", "desc": "The best model of my_shop on valid"}
    assert params.submission["my_shop"].select_by == "f1_samples"
    assert params.datasets["my_shop"].reader.submission.separator == "|"
    assert not [line for line in ndiff(before.splitlines(), PARAMS.read_text().splitlines()) if line.startswith("- ")]


def test_texts_alone_get_no_image_network() -> None:
    rows = [f"{i};a thing {i};{'red|blue' if i % 2 else 'red'}" for i in range(20)]
    Path("texts.csv").write_text("\n".join(["id;text;labels", *rows]) + "\n")
    main(["new", "dataset", "texts.csv", "--name", "notes"])
    assert [name for name in read().architectures if name.startswith("notes")] == [
        "notes_constant",
        "notes_tfidf_logreg",
        "notes_gru",
    ]
    assert "notes" not in read().submission


def test_an_artifact_of_that_name_is_not_written_twice() -> None:
    for _ in range(2):
        main(["new", "dataset", "My Shop"])
        before = Path("dvc.yaml").read_bytes()
        shutil.copy(SMALL_PARAMS, PARAMS)
    assert Path("dvc.yaml").read_bytes() == before
    assert list(read_yaml(Path("dvc.yaml"))["artifacts"]).count("my_shop") == 1
    Path("dvc.yaml").write_text("artifacts:\n  my_shop: {path: x}\n")
    said = r"^error: artifacts.my_shop: stands in dvc.yaml already; choose another --name, or take it out there$"
    with pytest.raises(SystemExit, match=said):
        main(["new", "dataset", "My Shop"])
    assert PARAMS.read_bytes() == SMALL_PARAMS.read_bytes()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "artifacts: &all\n  a: {path: x}\nplots: *all\n",
            "dvc.yaml cannot be added to; write its sections in block style",
        ),
        ("{artifacts: {}}\n", "dvc.yaml cannot be added to; write its sections in block style, without anchors"),
        ("artifacts: [1]\n", "dvc.yaml artifacts: expected a block of settings, got [1]"),
        ("artifacts: {\n", "dvc.yaml line 2: expected the node content"),
    ],
)
def test_a_pipeline_that_cannot_be_added_to_is_a_line(text: str, message: str) -> None:
    Path("dvc.yaml").write_text(text)
    with pytest.raises(SystemExit) as end:
        main(["new", "dataset", "My Shop"])
    assert str(end.value.code).startswith(f"error: {message}")
    assert PARAMS.read_bytes() == SMALL_PARAMS.read_bytes()
    assert Path("dvc.yaml").read_text() == text


def test_a_file_set_in_by_four_spaces_stays_so() -> None:
    lines = SMALL_PARAMS.read_text().splitlines()
    four = "\n".join(" " * (len(line) - len(line.lstrip())) + line for line in lines) + "\n"
    PARAMS.write_text(four)
    main(["new", "dataset", "My Shop"])
    assert "\n    my_shop:\n        format: table\n" in PARAMS.read_text()
    assert read().submission["my_shop"].select_by == "f1_samples"


def test_a_section_with_nothing_but_a_comment_is_filled() -> None:
    text = SMALL_PARAMS.read_text().replace("submission:\n", "submission:   # none yet\n  # others: {}\n")
    PARAMS.write_text(text.replace("  captions: {select_by: f1_samples}\n", ""))
    main(["new", "dataset", "My Shop"])
    assert "submission:   # none yet\n  # others: {}\n\n  my_shop:\n" in PARAMS.read_text()


@pytest.mark.parametrize(
    ("section", "given", "message"),
    [
        ("split", "", "error: split: the section is missing; add it to params.yaml"),
        ("split", "split: {valid: 0.1}", "error: split: 'test' is missing; add it there"),
        ("evaluate", "evaluate: {n_resamples: few}", "error: evaluate.n_resamples: "),
        ("datasets", "datasets: [1]", "error: datasets: expected blocks by name, got [1]"),
    ],
)
def test_a_mistake_that_was_there_before_is_a_line(section: str, given: str, message: str) -> None:
    text = SMALL_PARAMS.read_text()
    PARAMS.write_text(with_section(text, section, given))
    with pytest.raises(SystemExit) as end:
        main(["new", "dataset", "My Shop"])
    assert str(end.value.code).startswith(message)


def test_a_dry_run_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    main(["new", "dataset", "My Shop", "--dry-run"])
    assert '+    delimiter: ";"\n+    label_separator: "|"\n' in capsys.readouterr().out
    assert PARAMS.read_bytes() == SMALL_PARAMS.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["My Shop", "--name", "books"], "error: datasets.books: stands in params.yaml already; choose another --name"),
        (["My Shop", "--name", "a b"], "error: --name: 'a b' is no usable name"),
        (["nothing"], "error: nothing: no such file or folder"),
        (
            ["params.yaml"],
            "error: params.yaml: neither a zip or tar archive, nor a folder, nor a table (.csv, .tsv, .txt); check",
        ),
    ],
)
def test_a_mistake_writes_nothing(arguments: list[str], message: str) -> None:
    with pytest.raises(SystemExit) as end:
        main(["new", "dataset", *arguments])
    assert str(end.value.code).startswith(message)
    assert PARAMS.read_bytes() == SMALL_PARAMS.read_bytes()


def test_labels_with_commas_are_told_apart_in_notes(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{i}\tit says {i}\t{'food, drink|once' if i % 5 == 0 else 'war'}" for i in range(40)]
    Path("notes.tsv").write_text("\n".join(["id\ttext\tlabels", *rows]) + "\n")
    main(["new", "dataset", "notes.tsv", "--dry-run"])
    said = "note: 2 of 3 labels have fewer than 10 records (food, drink; once); their scores say little\n"
    assert said in capsys.readouterr().out


def test_the_index_of_pandas_can_be_written_and_read() -> None:
    rows = [f"{i},it says {i},{'war' if i % 2 else 'food' if i else ''}" for i in range(20)]
    Path("index.csv").write_text("\n".join([",text,labels", *rows]) + "\n")
    main(["new", "dataset", "index.csv"])
    assert read().datasets["index"].reader.submission.header == ["", "labels"]


def test_what_a_model_is_gives_valid_and_test_of_the_same_trainings(
    tiny_dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluation = trained.evaluated(tiny_dataset, "constant")
    folder = Path("models") / tiny_dataset / "constant"
    write_json(folder / "labels.json", read_json(folder / "labels.json") | {"names": ["food, drink", "war", "sea"]})
    main(["info", str(folder)])
    first = evaluation.row["valid_f1_samples"]
    printed = capsys.readouterr().out
    assert f"\nvalid       samples-F1 {first:.3f}\n" in printed
    assert "\nlabels      3: food, drink; war; sea\n" in printed
    mean = {"valid_f1_samples": 0.1234, "f1_samples": 0.2345, "seeds": 2}
    write_json(METRICS / "evaluate" / "constant.json", evaluation.row | mean)
    main(["info", str(folder)])
    printed = capsys.readouterr().out
    assert "\nvalid       samples-F1 0.123\n" in printed
    assert "\ntest        samples-F1 0.234" in printed
