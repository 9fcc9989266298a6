from pathlib import Path

import pytest

from multilabel.core.errors import UserError
from multilabel.core.yaml_files import read_yaml


@pytest.mark.parametrize("text", ["1e-05", "1e-5", "3E-6", "1.0e-5", "0.00001", "1e3", "-2e-3", "+1.e5", ".5e-2"])
def test_every_spelling_of_a_number_is_a_number(tmp_path: Path, text: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(f"lr: {text}\nname: e-5\nepoch: 1e\n")
    assert read_yaml(path) == {"lr": float(text), "name": "e-5", "epoch": "1e"}


def test_off_and_null_mean_what_people_write(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("batch_norm: off\ntext: null\n")
    assert read_yaml(path) == {"batch_norm": False, "text": None}


def test_broken_yaml_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("seed: 1\ntrain: {lr: 1\nother: 2\n")
    with pytest.raises(UserError, match=r"params.yaml line 3: .*; mend the YAML there"):
        read_yaml(path)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGE_BOMB = "a: &a {x: 1}\n" + "".join(
    f"{new}: &{new} {{<<: [{', '.join([f'*{old}'] * 20)}]}}\n" for old, new in zip("abcdef", "bcdefg", strict=True)
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"seed: 1\ntrain: {lr: 1\nother: 2\n", "line 3: expected ',' or '}', but got ':'; mend the YAML there"),
        (
            b"seed: 1\nseed: 2\n",
            "line 2: 'seed' stands there twice, of which only one would count; mend the YAML there",
        ),
        (b"train:\n  lr: 1\n  'lr': 2\n", "line 3: 'lr' stands there twice, of which only one would count; mend"),
        (b"train:\n\tlr: 1\n", r"line 2: found character '\t' that cannot start any token; mend the YAML there"),
        (b"seed: 1\nname: caf\xe9\n", "line 2: not UTF-8; save the file in that encoding"),
        (b"\xff\xfes\x00e\x00", "line 1: not UTF-8; save the file in that encoding"),
        (b"seed: 1\nname: a\x00b\n", "line 2: special characters are not allowed; take the character out"),
        (b"seed: " + b"9" * 5000, "line 1: a value that cannot be read; mend the YAML there"),
        (b"seed: 0x" + b"f" * 5000, "line 1: a value that cannot be read; mend the YAML there"),
        (b"a: 1\nseed: *a\n", "line 2: found undefined alias 'a'; mend the YAML there"),
        (b"a: &a [1, *a]\n", "line 1: an alias stands for something that holds it; mend the YAML there"),
        (b"a: &a {b: {c: *a}}\n", "line 1: an alias stands for something that holds it; mend the YAML there"),
        (BOMB.encode(), "line 5: more than 100,000 values; mend the YAML there"),
        (MERGE_BOMB.encode(), "more than 100,000 values; mend the YAML there"),
        (b"a: " + b"[" * 700 + b"]" * 700, "nested too deeply; mend the YAML there"),
        (b"a: !!python/object/apply:os.system [id]\n", "line 1: could not determine a constructor for the tag"),
        (b"a: 1\n---\nb: 1\n", "line 2: but found another document; mend the YAML there"),
        (b"? [1]\n: 2\n", "line 1: found unhashable key; mend the YAML there"),
        (b"a: !!int abc\n", "line 1: a value that cannot be read; mend the YAML there"),
    ],
    ids=lambda value: value[:40] if isinstance(value, bytes) else "",
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"^\S*params.yaml[^\n]*$") as error:
        read_yaml(path)
    assert message in str(error.value)


def test_what_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"params.yaml: cannot be read \(No such file or directory\); run in the folder"
    ):
        read_yaml(tmp_path / "params.yaml")
    with pytest.raises(UserError, match=r"cannot be read \(Is a directory\)"):
        read_yaml(tmp_path)


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("", None),
        ("\ufeffseed: 1\n", {"seed": 1}),
        ("a: &a {x: 1}\nb: *a\nc: {<<: *a, y: 2}\n", {"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1, "y": 2}}),
        ("a: &a {x: 1}\nc: {<<: *a, x: 2}\n", {"a": {"x": 1}, "c": {"x": 2}}),
        ("a: 2020-13-45\nb: 2020-01-01\n", {"a": "2020-13-45", "b": "2020-01-01"}),
        ("1: a\n'1': b\n", {1: "a", "1": "b"}),
    ],
)
def test_what_is_odd_but_sound_is_read(tmp_path: Path, text: str, content: object) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    assert read_yaml(path) == content
