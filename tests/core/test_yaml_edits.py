"""Edits of a YAML text say what was meant and touch nothing else."""

import pytest

from multilabel.core.yaml_edits import in_one_line, section_text, with_block, with_section, with_value, without_blocks
from multilabel.core.yaml_files import value_of

TEXT = """\
# what stands above
seed: 42  # of training

train:  # defaults
  lr: 2.0e-3  # peak
  augment:
    crop: 0.95

    flip: 0.5  # mild
  clip:
  batch_norm: off

# of what is left
limits: {size_mb: 100, gpu_hours: 24}  # both

none: {}
words: "a # b"
"""


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        (["seed"], 7, "seed: 42  #", "seed: 7  #"),
        (["train", "lr"], 1e-05, "lr: 2.0e-3  # peak", "lr: 1e-05  # peak"),
        (["train", "clip"], 0.5, "  clip:\n", "  clip: 0.5\n"),
        (["train", "batch_norm"], True, "batch_norm: off\n", "batch_norm: true\n"),
        (["train", "loss"], {"name": "focal"}, "off\n", "off\n  loss: {name: focal}\n"),
        (["train", "augment", "crop"], 1, "crop: 0.95\n", "crop: 1\n"),
        (["train", "augment", "hue"], 0.1, "# mild\n", "# mild\n    hue: 0.1\n"),
        (["train", "augment"], "mild", "\n    crop: 0.95\n\n    flip: 0.5  # mild", " mild  # mild"),
        (["train", "clip", "norm"], 1, "  clip:\n", "  clip: {norm: 1}\n"),
        (["limits", "size_mb"], None, "{size_mb: 100,", "{size_mb: null,"),
        (["limits", "records"], [1, "a, b"], "24}", '24, records: [1, "a, b"]}'),
        (["none", "a"], 1, "none: {}", "none: {a: 1}"),
        (["words"], "off", '"a # b"', '"off"'),
        (["new", "key"], 1, '"a # b"\n', '"a # b"\nnew: {key: 1}\n'),
    ],
    ids=lambda value: str(value)[:20],
)
def test_one_value_moves_and_nothing_else(path: list[str], value: object, old: str, new: str) -> None:
    assert TEXT.count(old) == 1
    text = with_value(TEXT, path, value)
    assert text == TEXT.replace(old, new)
    found = value_of(text)
    for key in path:
        found = found[key]
    assert found == value


def test_a_section_is_its_lines_without_what_stands_above_the_next() -> None:
    assert section_text(TEXT, "seed") == "seed: 42  # of training"
    assert section_text(TEXT, "train") == TEXT[TEXT.index("train:") : TEXT.index("\n\n# of what")]
    assert section_text(TEXT, "words") == 'words: "a # b"'
    assert section_text(TEXT, "lr") == ""


def test_a_section_takes_the_place_of_another_or_stands_below_all() -> None:
    section = "train:\n    epochs: 1  # four spaces"
    text = with_section(TEXT, "train", section)
    assert text == TEXT.replace(section_text(TEXT, "train"), section)
    assert with_section(TEXT, "eda", "eda: {}") == TEXT + "\neda: {}\n"
    assert with_section(TEXT.rstrip(), "words", "words: a") == TEXT.replace('"a # b"\n', "a")


@pytest.mark.parametrize(
    "value",
    ["", "off", "null", "1", "1e-5", ".5", "a: b", "a #b", "[x]", "é", "a\nb", '"', "../a b/c,d.zip", "/a/b.zip", "-", "2020-01-01",
     1e-05, 0.1, 10**20, True, None, [], {}, {"a b": [1, {"c": None}]}],
)  # fmt: skip
def test_a_value_in_one_line_is_read_as_it_was(value: object) -> None:
    line = in_one_line(value)
    assert "\n" not in line
    for text, found in (
        (line, value),
        (f"a: {line}  # b", {"a": value}),
        (f"{{a: {line}, b: 1}}", {"a": value, "b": 1}),
    ):
        assert value_of(text) == found
        assert type(value_of(line)) is type(value)


BLOCKS = """\
first:  # of two
  a:
    x: 1

  # on b
  b: {x: 2}

second: {}  # none yet
third:
  c:
    x: [1, 2]

flow: {d: {x: 1}, e: {}}
"""


@pytest.mark.parametrize(
    ("section", "old", "new"),
    [
        ("first", "b: {x: 2}\n", "b: {x: 2}\n  new: {y: [1, 2], z: a b}\n".replace("a b", '"a b"')),
        ("second", "second: {}  # none yet\n", 'second:  # none yet\n  new:\n    y: [1, 2]\n    z: "a b"\n'),
        ("flow", ", e: {}}", ', e: {}, new: {y: [1, 2], z: "a b"}}'),
        ("third", "x: [1, 2]\n", 'x: [1, 2]\n\n  new:\n    y: [1, 2]\n    z: "a b"\n'),
    ],
)
def test_a_block_is_added_as_the_last_one_is_written(section: str, old: str, new: str) -> None:
    text = with_block(BLOCKS, section, "new", {"y": [1, 2], "z": "a b"})
    assert text == BLOCKS.replace(old, new)
    assert value_of(text)[section]["new"] == {"y": [1, 2], "z": "a b"}


@pytest.mark.parametrize(
    ("section", "names", "old", "new"),
    [
        ("first", ["a"], "\n  a:\n    x: 1\n\n  # on b", "\n  # on b"),
        ("first", ["b"], "\n  # on b\n  b: {x: 2}\n", ""),
        ("first", ["a", "b"], BLOCKS[: BLOCKS.index("second")], "first: {}  # of two\n\n"),
        ("third", ["c", "d"], "third:\n  c:\n    x: [1, 2]\n", "third: {}\n"),
        ("third", [], "", ""),
        ("flow", ["e"], "{d: {x: 1}, e: {}}", "{d: {x: 1}}"),
        ("second", ["c"], "", ""),
    ],
)
def test_blocks_are_taken_out(section: str, names: list[str], old: str, new: str) -> None:
    text = without_blocks(BLOCKS, section, names)
    assert text == BLOCKS.replace(old, new)
    left = {name: block for name, block in value_of(BLOCKS)[section].items() if name not in names}
    assert value_of(text) == {**value_of(BLOCKS), section: left}


COMMENTED = """\
empty:   # none yet
  # books: {x: 1}

null_one: ~
first:
  # on a
  a:
    x: 1
    # y: 2

    # z: 3

  # of neither

  # on b
  b:
    x: 2
  # below b

  # c: {}
last:
    d:
        x: 1
        # y: 2"""


@pytest.mark.parametrize(
    ("names", "left"),
    [
        (["a"], "  # of neither\n\n  # on b\n  b:\n    x: 2\n  # below b\n\n  # c: {}\n"),
        (["b"], "  # on a\n  a:\n    x: 1\n    # y: 2\n\n    # z: 3\n\n  # of neither\n  # below b\n\n  # c: {}\n"),
        (["a", "b"], "  # of neither\n  # below b\n\n  # c: {}\n"),
    ],
)
def test_comments_go_with_the_block_that_they_are_on_and_no_other(names: list[str], left: str) -> None:
    start, end = (COMMENTED.index(key) for key in ("first:", "last:"))
    head = "first: {}" if len(names) == 2 else "first:"
    assert without_blocks(COMMENTED, "first", names) == f"{COMMENTED[:start]}{head}\n{left}{COMMENTED[end:]}"


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("a:\n  b: 1\n  c: 2", ["c"], "a:\n  b: 1"),
        ("a:\n  b: 1\n  c: 2", ["b"], "a:\n  c: 2"),
        ("a:\n  b: 1\n\n  c: 2", ["b", "c"], "a: {}"),
        ("d: 1\na:  # of b: and c\n  b: {x: 1}  # one", ["b"], "d: 1\na: {}  # of b: and c"),
    ],
)
def test_a_text_may_end_without_a_line_feed(text: str, names: list[str], expected: str) -> None:
    assert without_blocks(text, "a", names) == expected


@pytest.mark.parametrize(
    ("section", "old", "new"),
    [
        ("empty", "  # books: {x: 1}\n", "  # books: {x: 1}\n\n  new:\n    y: 1\n"),
        ("null_one", "null_one: ~\n", "null_one:\n  new:\n    y: 1\n"),
        ("first", "  # c: {}\n", "  # c: {}\n\n  new:\n    y: 1\n"),
        ("last", "        # y: 2", "        # y: 2\n\n    new:\n      y: 1"),
        ("other", "        # y: 2", "        # y: 2\n\nother:\n  new:\n    y: 1\n"),
    ],
)
def test_a_new_block_stands_below_all_comments_of_its_section(section: str, old: str, new: str) -> None:
    text = with_block(COMMENTED, section, "new", {"y": 1})
    assert text == COMMENTED.replace(old, new)
    assert value_of(text)[section]["new"] == {"y": 1}


def test_a_new_line_is_not_taken_for_what_the_comment_above_is_on() -> None:
    text = "a:\n  b: {x: 1}\n  # c: {x: 2}\n"
    assert with_block(text, "a", "new", {"x": 3}) == f"{text}\n  new: {{x: 3}}\n"


def test_a_new_block_is_set_in_as_the_file_is() -> None:
    text = "a:\n    b:\n        x: 1\nnone: {}\n"
    for section in ("a", "none", "other"):
        text = with_block(text, section, "new", {"y": 1})
        assert "\n    new:\n        y: 1\n" in text
        assert value_of(text)[section]["new"] == {"y": 1}
