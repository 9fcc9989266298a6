from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
from annotated_types import Gt

from multilabel.core.errors import UserError
from multilabel.core.registry import choose
from multilabel.core.settings import check_name, checked, read_block, read_section, read_yaml, resolve_named


@dataclass(frozen=True, kw_only=True)
class Knobs:
    lr: Annotated[float, Gt(0)]
    layers: int = 2
    fast: bool = False


@pytest.mark.parametrize("text", ["1e-05", "1e-5", "3E-6", "1.0e-5", "0.00001", "1e3", "-2e-3", "+1.e5", ".5e-2"])
def test_every_spelling_of_a_number_is_a_number(tmp_path: Path, text: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(f"lr: {text}\nname: e-5\nepoch: 1e\n")
    assert read_yaml(path) == {"lr": float(text), "name": "e-5", "epoch": "1e"}


def test_off_and_null_mean_what_people_write(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("batch_norm: off\ntext: null\n")
    assert read_yaml(path) == {"batch_norm": False, "text": None}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"lr": 0.1, "layer": 3}, "train: unknown key 'layer'; did you mean 'layers'? choose one of: fast, layers, lr"),
        ({"layers": 3}, "train: 'lr' is missing; add it there"),
        ({"lr": "fast"}, "train.lr: input should be a valid number, got 'fast'; change it in params.yaml"),
        ({"lr": -1.0}, "train.lr: input should be greater than 0, got -1.0; change it in params.yaml"),
        ({"lr": 1, "layers": 2.5}, "train.layers: input should be a valid integer, got 2.5; change it in params.yaml"),
        (
            {"lr": 1, "layers": True},
            "train.layers: input should be a valid integer, got True; change it in params.yaml",
        ),
        ([1], "train: expected a block of settings, got [1]; write `key: value` lines below it"),
    ],
)
def test_a_wrong_setting_is_one_line(given: object, message: str) -> None:
    with pytest.raises(UserError) as error:
        checked(Knobs, given, "train")
    assert str(error.value) == message


def test_defaults_are_filled_in() -> None:
    assert checked(Knobs, {"lr": 1}, "train") == {"lr": 1.0, "layers": 2, "fast": False}


def test_missing_sections_and_blocks_name_what_there_is(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("seed: 1\nsplits: {}\n")
    with pytest.raises(
        UserError, match=r"has no section `split:`; did you mean 'splits'\? choose one of: seed, splits"
    ):
        read_section("split", path)
    with pytest.raises(UserError, match=r"splits: has no block 'a'"):
        read_block("splits", "a", path)


def test_broken_yaml_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("seed: 1\ntrain: {lr: 1\nother: 2\n")
    with pytest.raises(UserError, match=r"params.yaml line 3: .*; mend the YAML there"):
        read_yaml(path)


def test_a_name_must_fit_files_stages_and_overrides() -> None:
    assert check_name("resnet18_v2", "architectures") == "resnet18_v2"
    for name in ("ResNet", "a-b", "a.b", "", 3):
        with pytest.raises(UserError, match="use lower-case letters, digits and underscores only"):
            check_name(name, "architectures")


def test_choosing_lists_the_choices() -> None:
    with pytest.raises(UserError) as error:
        choose("loss", {"bce": 1, "focal": 2}, "bec", "train.loss")
    assert str(error.value) == "unknown loss 'bec' in train.loss; did you mean 'bce'? choose one of: bce, focal"


def test_a_name_and_a_block_resolve_alike() -> None:
    def sgd(*, momentum: float = 0.9) -> None: ...

    assert resolve_named("optimizer", {"sgd": sgd}, "sgd", "o") == {"name": "sgd", "momentum": 0.9}
    assert resolve_named("optimizer", {"sgd": sgd}, {"name": "sgd", "momentum": 0.5}, "o")["momentum"] == 0.5
