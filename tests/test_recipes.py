"""Recipes over params.yaml: those of the repository are sound, the rest of the file survives, mistakes write nothing."""

import shutil
from pathlib import Path

import pytest
from conftest import ROOT, SMALL_PARAMS

from multilabel.core.errors import UserError, noting
from multilabel.core.yaml_edits import section_text
from multilabel.core.yaml_files import read_yaml
from multilabel.params import OF_BLOCKS, read
from multilabel.recipes import apply
from multilabel.training.checks import check

RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))
RECIPE = Path("recipes/own.yaml")
WORDS = "architectures:\n  words: {dataset: captions, baseline: tfidf_logreg}\n"
ALONE = "ablations: {}\nexplanations: {}\nsubmission: {}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(SMALL_PARAMS, tmp_path / "params.yaml")
    RECIPE.parent.mkdir()


def with_recipe(text: str, *overrides: str) -> str:
    RECIPE.write_text(text)
    return apply(RECIPE, overrides).after


def said(text: str, *overrides: str) -> list[str]:
    with pytest.raises(UserError) as error:
        with_recipe(text, *overrides)
    assert Path("params.yaml").read_bytes() == SMALL_PARAMS.read_bytes()
    return str(error.value).splitlines()


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_of_the_repository_is_sound(path: Path) -> None:
    applied = apply(path)
    Path("params.yaml").write_text(applied.after)
    params = read()
    recipe = read_yaml(path)
    for section in OF_BLOCKS:
        if section in recipe:
            assert list(read_yaml(Path("params.yaml"))[section]) == list(recipe[section])
    assert params.architectures
    assert apply(path).after == applied.after
    for architecture in [*params.architectures.values(), *params.ablations.values()]:
        lines: list[str] = []
        with noting(lines):
            check(architecture)
        assert all("install" in line for line in lines)  # of weights that come in a package that is not here


def test_what_a_recipe_does_not_name_keeps_its_lines() -> None:
    text = with_recipe(f"{WORDS}{ALONE}train:\n  lr: 1.0e-4\n  augment: none\n")
    before = SMALL_PARAMS.read_text()
    new = [line for line in text.splitlines() if line not in before.splitlines()]
    assert new == ["  lr: 0.0001  # peak", "  augment: none  # of images",
                   "  words: {dataset: captions, baseline: tfidf_logreg}", "ablations: {}", "explanations: {}", "submission: {}"]  # fmt: skip
    for section in ("seed", "datasets", "split", "launcher", "evaluate", "limits", "report"):
        assert section_text(text, section) == section_text(before, section)
    assert text.startswith(before[: before.index("  lr: ")])
    assert text.count("\n\n\n") == 0


def test_blocks_are_taken_over_as_they_are_written() -> None:
    blocks = "architectures:\n  # the only one\n  cnn:\n    dataset: books\n    text: {encoder: textcnn, batch_norm: off}  # 1e-3\n    train: {lr: 2e-5}\n"
    text = with_recipe(f"{blocks}\n# a remark on the next\n{ALONE}")
    assert f"\n\n{blocks}\nablations: {{}}\n" in text
    assert "a remark on the next" not in text


def test_a_dataset_that_both_have_keeps_what_the_recipe_leaves_open() -> None:
    Path("own.csv").touch()
    only = "datasets:\n  captions: {label_names: as_given}\n"
    text = with_recipe(f"{only}{WORDS}{ALONE}", "datasets.captions.source=own.csv")
    Path("params.yaml").write_text(text)
    assert read_yaml(Path("params.yaml"))["datasets"] == {
        "captions": {"format": "competition", "label_names": "as_given", "source": "own.csv",
                     "synthetic": {"labelled": 160, "unlabelled": 12, "seed": 42}},
    }  # fmt: skip
    nothing = f"datasets:\n  captions:\n{WORDS}{ALONE}"
    assert "source: own.csv" in with_recipe(nothing)  # the user's own, also without -S


@pytest.mark.parametrize(
    ("override", "section", "expected"),
    [
        ("seed=7", "seed", 7),
        ("train.lr=1e-5", "train", 1e-5),
        ("eda.top_words=7", "eda", 7),
        ("limits.size_mb=null", "limits", None),
        (
            "architectures.words.baseline=keyword_rule",
            "architectures",
            {"dataset": "captions", "baseline": "keyword_rule"},
        ),
    ],
)
def test_one_more_value(override: str, section: str, expected: object) -> None:
    Path("params.yaml").write_text(with_recipe(WORDS + ALONE, override))
    found = read_yaml(Path("params.yaml"))[section]
    assert found == expected or expected in found.values()
    read()


BAD = [
    ("architecture: {}\n", [], "recipes/own.yaml 'architecture': unknown section; did you mean 'architectures'?"),
    ("- a\n", [], "recipes/own.yaml: expected sections such as `seed:`"),
    ("", [], "recipes/own.yaml: expected sections such as `seed:`"),
    ("seed: 1\nseed: 2\n", [], "recipes/own.yaml line 2: 'seed' stands there twice"),
    ("seed: {\n", [], "recipes/own.yaml line"),
    ("seed: -1\n", [], "recipes/own.yaml over params.yaml: seed: input should be greater than or equal to 0, got -1"),
    ("seed:\n", [], "seed: input should be a valid integer, got None"),
    ("train: 3\n", [], "train: expected a block of settings, got 3"),
    ("train: {lr: .inf}\n", [], "train.lr: expected a finite number"),
    ("train: {lr: .nan}\n", [], "train.lr: expected a finite number"),
    ("architectures:\n", [], "architectures: expected blocks by name, got None"),
    ("datasets: {captions: {format: competition}}\n", [], "unknown dataset 'books' in architectures.books_tfidf_logreg.dataset"),
    (WORDS, [], "unknown architecture 'bigru_attention' in ablations.no_attention.base"),
    ("datasets: {books: 3}\n", [], "datasets.books: expected a block of settings, got 3"),
    (f"{WORDS}  cnn: {{dataset: captions, text: {{encoder: textcnn}}, train: *t}}\ntrain: &t {{lr: 0.1}}\n{ALONE}", [], "found undefined alias"),
    (f"train: {{augment: &a mild}}\n{WORDS}  cnn: {{dataset: captions, text: {{encoder: textcnn}}, train: {{augment: *a}}}}\n{ALONE}", [],
     "recipes/own.yaml and params.yaml cannot be joined; write both in block style, without anchors"),
    ("{seed: 1, limits: {size_mb: 1}, submission: {}}\n", [], "cannot be joined; write both in block style, without anchors"),
    ("seed: 1\n", ["seed"], "-S seed: expected section.key=value, as in -S train.lr=1e-4"),
    ("seed: 1\n", ["=1"], "-S =1: expected section.key=value"),
    ("seed: 1\n", ["dataset.captions.source=a"], "-S dataset.captions.source: there is no block dataset; did you mean 'datasets'?"),
    ("seed: 1\n", ["seed.x=a"], "-S seed.x: there is no block seed"),
    ("seed: 1\n", ["datasets.photos.source=a"], "there is no block datasets.photos; choose one of: books, captions"),
    ("seed: 1\n", ["train.lr=[1"], "-S train.lr=[1: the value is no YAML; put it in quotes"),
    ("seed: 1\n", [f"train.lr={'[' * 3000}{']' * 3000}"], "-S train.lr: the value is nested too deeply; write fewer brackets within brackets"),
    ("seed: 1\n", ["datasets.captions.source=no.zip"], "datasets.captions.source: 'no.zip' is not there; name a file or a folder"),
    ("datasets:\n  books: {source: no.csv}\n  captions: {}\n", [], "datasets.books.source: 'no.csv' is not there"),
    ("seed: 1\n", ['datasets.captions.source="a\\0b"'], "datasets.captions.source: 'a\\x00b' is not there"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "overrides", "message"), BAD)
def test_a_mistake_is_a_line(text: str, overrides: list[str], message: str) -> None:
    lines = said(text, *overrides)
    assert any(message in line for line in lines), lines
    assert all(len(line) <= 500 for line in lines)


@pytest.mark.parametrize("depth", [50, 100, 150, 200, 250, 300, 350, 400])
def test_a_value_as_deep_as_can_just_be_read_is_a_line(depth: int) -> None:
    lines = said("seed: 1\n", f"seed={'[' * depth}{']' * depth}")
    assert "seed" in lines[0] or "nested too deeply" in lines[0]
    assert len(lines) == 1


@pytest.mark.parametrize(
    "text", ["{}\n", "{seed: 1}\n", "? seed\n", "? seed\n: 1\n", "seed: &s 1\nsplit: {seed: *s}\n", "--- {a: 1}\n"]
)
def test_a_file_of_parameters_as_nobody_writes_it_is_refused(text: str) -> None:
    RECIPE.write_text("seed: 1\nsplit: {seed: 2}\n")
    Path("params.yaml").write_text(text)
    with pytest.raises(UserError):
        apply(RECIPE)
    assert Path("params.yaml").read_text() == text


def test_every_mistake_is_listed_at_once() -> None:
    lines = said("seed: -1\ntrain: {lr: x}\nlimits: {size_mb: 0}\n")
    assert len(lines) == 3


def test_a_recipe_that_is_not_there_names_those_that_are() -> None:
    RECIPE.write_text("seed: 1\n")
    with pytest.raises(UserError, match=r"recipes/on.yaml: no such recipe; did you mean 'recipes/own.yaml'\?"):
        apply(Path("recipes/on.yaml"))
    with pytest.raises(UserError, match="recipes: no such recipe"):
        apply(Path("recipes"))


def test_a_recipe_with_other_line_ends_and_a_mark_at_its_beginning() -> None:
    RECIPE.write_bytes(b"\xef\xbb\xbf" + f"{WORDS}{ALONE}".replace("\n", "\r\n").encode())
    assert apply(RECIPE).after == with_recipe(WORDS + ALONE)
