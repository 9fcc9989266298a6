import re
import unicodedata

import pytest

from multilabel.data.names import Names, agree, is_junk, plain


@pytest.mark.parametrize(
    ("name", "files", "found"),
    [
        # the path itself, then the rest of it before or after what both say
        ("a/1.png", ["a/1.png", "b/1.png", "1.png"], ["a/1.png"]),
        ("1.png", ["a/1.png", "1.png"], ["1.png"]),
        ("images/1.png", ["deep/images/1.png", "deep/thumbs/1.png"], ["deep/images/1.png"]),
        ("/home/me/images/1.png", ["images/1.png", "thumbs/1.png"], ["images/1.png"]),
        ("C:\\photos\\images\\1.png", ["deep/images/1.png", "deep/thumbs/1.png"], ["deep/images/1.png"]),
        ("../images/1.png", ["images/1.png"], ["images/1.png"]),
        # the base name alone, unless the folder is there and lacks the file
        ("1.png", ["a/b/1.png"], ["a/b/1.png"]),
        ("photos/1.png", ["images/1.png"], ["images/1.png"]),
        ("images/1.png", ["1.png"], ["1.png"]),
        ("a/2.png", ["a/1.png", "b/1.png", "b/2.png"], []),
        ("x/a/2.png", ["a/1.png", "b/2.png"], []),
        ("a/2.png", ["a/c/1.png", "b/2.png"], []),
        ("b/images/2.png", ["a/images/2.png", "b/images/1.png"], []),
        ("b/images/2.png", ["a/images/2.png", "c/images/1.png"], ["a/images/2.png"]),
        ("3.png", ["a/1.png"], []),
        ("", ["a/1.png"], []),
        # several
        ("1.png", ["a/1.png", "b/1.png"], ["a/1.png", "b/1.png"]),
        ("c/1.png", ["a/1.png", "b/1.png"], ["a/1.png", "b/1.png"]),
        ("a/1.png", ["x/a/1.png", "y/a/1.png", "z/b/1.png"], ["x/a/1.png", "y/a/1.png"]),
        ("1.png", ["1.png", "1.png"], ["1.png", "1.png"]),
        # spellings
        ("images\\1.png", ["images/1.png"], ["images/1.png"]),
        ("images/1.png", ["images\\1.png"], ["images\\1.png"]),
        ("./images//1.png ", ["./images/1.png"], ["./images/1.png"]),
        ("1.jpg", ["1.JPG"], ["1.JPG"]),
        ("Images/1.jpg", ["images/1.jpg"], ["images/1.jpg"]),
        ("1.jpg", ["1.JPG", "1.jpg"], ["1.jpg"]),
        ("1.Jpg", ["1.JPG", "1.jpg"], ["1.JPG", "1.jpg"]),
    ],
)
def test_which_file_a_name_means(name: str, files: list[str], found: list[str]) -> None:
    assert Names(files).find(name) == found


def test_names_of_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multilabel.data.names.hash", lambda _: 7, raising=False)
    names = Names(["a/1.png", "b/1.png", "b/2.png", "3.PNG"])
    assert names.find("a/1.png") == ["a/1.png"]
    assert names.find("1.png") == ["a/1.png", "b/1.png"]
    assert names.find("x/b/2.png") == ["b/2.png"]
    assert names.find("3.png") == ["3.PNG"]
    assert names.find("a/2.png") == []


@pytest.mark.parametrize(
    "name",
    [
        "a.jpg",
        "a/b.jpg",
        "./a",
        "a//b",
        "a/./b",
        "a/../b",
        "/a",
        "a/",
        " a",
        "a ",
        "a /b",
        "a\\b",
        "a\n",
        "ä.jpg",
        "-1.jpg",
        "",
    ],
)
def test_the_short_way_of_names_that_are_plain_is_the_long_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    short = plain(name)
    monkeypatch.setattr("multilabel.data.names.PLAIN", re.compile("(?!)"))
    assert plain(name) == short


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("stored", ["NFC", "NFD"])
def test_accents_are_the_same_composed_or_not(form: str, stored: str) -> None:
    file = unicodedata.normalize(stored, "bücher/café.jpg")
    assert Names([file]).find(unicodedata.normalize(form, "café.jpg")) == [file]
    assert Names([file]).find(unicodedata.normalize(form, "bücher/café.jpg")) == [file]


def test_many_folders_with_the_same_names_take_no_longer() -> None:
    names = Names(f"{i:05d}/images/{base}.jpg" for i in range(3000) for base in ("front", "back"))
    steps = [names.find(f"{i:05d}/images/back.jpg") for i in range(0, 3000, 7)]
    assert [len(found) for found in steps] == [1] * len(steps)
    assert names.find("00007/images/side.jpg") == []
    assert len(names.find("front.jpg")) > 1


def test_whether_two_paths_contradict_each_other() -> None:
    assert agree("images/1.jpg", "deep/Images/1.jpg")
    assert agree("1.jpg", "images/1.jpg")
    assert agree("/home/me/images/1.jpg", "images/1.jpg")
    assert not agree("photos/1.jpg", "images/1.jpg")
    assert not agree("b/images/1.jpg", "a/images/1.jpg")


@pytest.mark.parametrize("name", ["__MACOSX/images/1.jpg", "__MACOSX/._train.csv", "images/._1.jpg", ".DS_Store",
                                  "images/Thumbs.db", ".ipynb_checkpoints/train-checkpoint.csv"])  # fmt: skip
def test_what_systems_leave_behind(name: str) -> None:
    assert is_junk(name)
    assert is_junk(name.replace("/", "\\"))


@pytest.mark.parametrize("name", ["train.csv", "_1.jpg", ".1.jpg", "MACOSX/1.jpg", "a/b._c.jpg"])
def test_what_people_keep(name: str) -> None:
    assert not is_junk(name)
    assert plain(name) == name
