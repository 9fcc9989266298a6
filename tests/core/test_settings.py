from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
from annotated_types import Gt

from multilabel.core.errors import UserError
from multilabel.core.registry import choose
from multilabel.core.settings import (
    Choice,
    check_name,
    checked,
    inherit,
    read_block,
    read_section,
    resolve_named,
    says,
    without,
)


@dataclass(frozen=True, kw_only=True)
class Knobs:
    lr: Annotated[float, Gt(0)]
    layers: int = 2
    fast: bool = False


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


def test_a_name_must_fit_files_stages_and_overrides() -> None:
    assert check_name("resnet18_v2", "architectures") == "resnet18_v2"
    for name in (
        "ResNet",
        "a-b",
        "a.b",
        "",
        3,
        None,
        "a b; touch x",
        "$(touch x)",
        "a'b",
        "a\nb",
        "a\n",
        "é",
        "a" * 101,
    ):
        with pytest.raises(UserError, match="use lower-case letters, digits and underscores only"):
            check_name(name, "architectures")


def test_choosing_lists_the_choices() -> None:
    with pytest.raises(UserError) as error:
        choose("loss", {"bce": 1, "focal": 2}, "bec", "train.loss")
    assert str(error.value) == "unknown loss 'bec' in train.loss; did you mean 'bce'? choose one of: bce, focal"


def test_a_name_and_a_block_resolve_alike() -> None:
    def sgd(*, momentum: float = 0.9) -> None: ...

    assert resolve_named("optimizer", {"sgd": sgd}, "sgd", "o") == Choice("sgd", {"momentum": 0.9})
    assert resolve_named("optimizer", {"sgd": sgd}, {"name": "sgd", "momentum": 0.5}, "o").options["momentum"] == 0.5


BASES = {
    "gru": {
        "dataset": "captions",
        "row": "GRU",
        "text": {"encoder": "gru", "heads": 4, "clean": ["lower", "lemmas"], "word_vectors": "skip_gram"},
        "fusion": "concat",
        "train": {"augment": {"crop": 0.9, "flip": 0.5}, "loss": {"name": "focal", "gamma": 2.0}},
    },
    "plain": None,
}


@pytest.mark.parametrize(
    ("change", "merged"),
    [
        ({"train": {"augment": {"crop": 0.8}}}, {"train": {**BASES["gru"]["train"], "augment": {"crop": 0.8, "flip": 0.5}}}),
        ({"text": None}, {"text": None}),
        ({"row": "other", "text": {"clean": ["lower"]}}, {"row": "other", "text": {**BASES["gru"]["text"], "clean": ["lower"]}}),
        ({"train": {"clip": None}}, {"train": {**BASES["gru"]["train"], "clip": None}}),
        ({"train": {"loss": {"gamma": 1.0}}}, {"train": {**BASES["gru"]["train"], "loss": {"name": "focal", "gamma": 1.0}}}),
        ({"train": {"loss": {"name": "asymmetric"}}}, {"train": {**BASES["gru"]["train"], "loss": {"name": "asymmetric"}}}),
        ({"train": {"loss": "bce"}}, {"train": {**BASES["gru"]["train"], "loss": "bce"}}),
        ({"fusion": {"dropout": 0.1}}, {"fusion": {"name": "concat", "dropout": 0.1}}),
        ({"fusion": {"name": "sum"}}, {"fusion": {"name": "sum"}}),
        ({"image": {"size": 40}}, {"image": {"size": 40}}),
    ],
    ids=str,
)  # fmt: skip
def test_a_block_is_laid_over_its_base(change: dict, merged: dict) -> None:
    got = inherit({**BASES, "new": {"base": "gru", **change}}, "new", "ablations", own=("row",))
    expected = {**without(BASES["gru"], "row"), **merged}
    assert got == {part: value for part, value in expected.items() if value is not None}


def test_bases_have_bases_and_blocks_stay_as_they_are() -> None:
    blocks = {
        "a": {"text": {"x": 1, "y": 1}},
        "b": {"base": "a", "text": {"y": 2}},
        "c": {"base": "b", "text": {"x": 3}},
    }
    before = deepcopy(blocks)
    assert inherit(blocks, "c", "runs") == {"text": {"x": 3, "y": 2}}
    assert inherit({**BASES, "new": {"base": "plain"}}, "new", "runs") == {}
    assert blocks == before


def test_null_takes_an_inherited_setting_back() -> None:
    def encoder(*, hidden: int = 8, weights: str | None = "pretrained") -> None: ...

    base = {"text": {"heads": 4, "hidden": 16, "weights": "pretrained"}}
    new = {"base": "a", "text": {"heads": None, "hidden": None, "weights": None}}
    text = inherit({"a": base, "new": new}, "new", "ablations")["text"]
    assert checked(encoder, text, "text") == {"hidden": 8, "weights": None}  # unset, unset, none
    assert [says(text, "hidden"), says(base["text"], "hidden"), says(text, "depth")] == [False, True, False]
    typo = inherit({"a": base, "new": {"base": "a", "text": {"haeds": None}}}, "new", "ablations")["text"]
    with pytest.raises(UserError, match="text: unknown key 'haeds'"):
        checked(encoder, without(typo, "heads"), "text")


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ({"a": {}, "x": {"base": "b"}}, "unknown base 'b' in runs.x.base; choose one of: a, x"),
        ({"x": {"base": None}}, "unknown base None in runs.x.base; choose one of: x"),
        ({"x": {"base": ["a"]}}, "unknown base ['a'] in runs.x.base; choose one of: x"),
        ({"x": {"base": "x"}}, "runs.x.base: x -> x goes in a circle; give one of them all its settings"),
        (
            {"x": {"base": "a"}, "a": {"base": "b"}, "b": {"base": "a"}},
            "runs.a.base: a -> b -> a goes in a circle; give one of them all its settings",
        ),
        (
            {"x": {"base": "a"}, "a": [1]},
            "runs.a: expected a block of settings, got [1]; write `key: value` lines below it",
        ),
    ],
)
def test_a_base_that_leads_nowhere_is_one_line(blocks: dict, message: str) -> None:
    with pytest.raises(UserError) as error:
        inherit(blocks, "x", "runs")
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("given", "messages"),
    [
        (
            {"lr": float("inf"), "layers": -1, "fast": "yes", "clip": 1},
            [
                "train: unknown key 'clip'; choose one of: fast, layers, lr",
                "train.lr: expected a finite number, got inf; change it in params.yaml",
                "train.fast: input should be a valid boolean, got 'yes'; change it in params.yaml",
            ],
        ),
        ({"lrr": 1}, ["train: unknown key 'lrr'; did you mean 'lr'? choose one of: fast, layers, lr"]),
    ],
)
def test_all_mistakes_of_a_block_come_at_once(given: dict, messages: list[str]) -> None:
    with pytest.raises(UserError) as error:
        checked(Knobs, given, "train")
    assert str(error.value).split("\n") == messages


def test_a_value_is_quoted_short_and_in_one_line() -> None:
    for value in ("x" * 10_000, ["a\nb"] * 10_000, {n: n for n in range(10_000)}, 10**4000, [[[[["deep"]]]]]):
        for given in ({"lr": value}, {"lr": 1, str(value)[:500]: 1}, value):
            with pytest.raises(UserError) as error:
                checked(Knobs, given, "train")
            assert all(len(line) < 300 for line in str(error.value).split("\n"))


def test_of_several_choices_the_list_is_short() -> None:
    with pytest.raises(UserError, match=r"choose one of: n0, n1, n10, .* and 970 more$"):
        choose("name", {f"n{number}": 1 for number in range(1000)}, "x", "somewhere")
    with pytest.raises(UserError, match="there is none to choose"):
        choose("name", {}, "x", "somewhere")
    with pytest.raises(UserError, match="did you mean '1'"):
        choose("name", {1: 1, "a": 2}, "1", "somewhere")


def test_a_list_or_text_where_blocks_belong_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("datasets: [a]\nsplits: {a: 3}\n")
    for section in ("datasets", "splits"):
        with pytest.raises(UserError, match=r"expected a block of settings, got (\['a'\]|3); write `key: value` lines"):
            read_block(section, "a", path)
