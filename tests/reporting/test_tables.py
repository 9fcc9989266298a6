"""Tables say what was measured, on which split, and by how much two models differ."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import ROOT
from made_up_project import SCORED

from multilabel.core.settings import read_params
from multilabel.reporting import answers, plots, tables
from multilabel.reporting.markdown import Markdown


@pytest.fixture
def metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of metrics as the current one."""
    monkeypatch.chdir(tmp_path)
    Path("metrics/evaluate").mkdir(parents=True)
    return Path("metrics")


def scored(name: str, **changed: Any) -> None:
    Path(f"metrics/evaluate/{name}.json").write_text(json.dumps(SCORED | changed))


def predictions(name: str, right: int) -> None:
    """Ten records, the first `right` of them predicted exactly, the others not at all."""
    path = Path(f"data/predictions/{name}/test.parquet")
    path.parent.mkdir(parents=True)
    predicted = [["a"]] * right + [["b"]] * (10 - right)
    pd.DataFrame({"id": range(10), "true": [["a"]] * 10, "predicted": predicted}).to_parquet(path)


def test_a_leaderboard_holds_its_dataset_best_on_test_first(metrics: Path) -> None:
    scored("a", f1_samples=0.4)
    scored("b", f1_samples=0.6)
    scored("c", dataset="other")
    scored("d", f1_samples=None)
    assert tables.leaderboard("abcd", "d")["architecture"].tolist() == ["b", "a", "d"]
    assert tables.leaderboard("abcd", "none").empty


def test_the_short_table_has_six_columns_and_the_long_one_says_valid_or_test(metrics: Path) -> None:
    scored("net_1", f1_samples=0.4, modality="image+text", parameters=11812306)
    leaders = tables.leaderboard(["net_1"], "d")
    short, long = tables.short_markdown(leaders).splitlines(), tables.markdown(leaders).splitlines()
    assert short == [
        "| architecture | reads | test samples-F1 (95 % interval) | test macro-F1 | test mAP | train s |",
        "| --- | --- | --- | --- | --- | --- |",
        "| `net_1` | image+text | **0.400** (0.400 to 0.600) | 0.500 | 0.500 | 1 |",
    ]
    heads = long[0].strip("| ").split(" | ")
    assert [head for head in heads if "F1" in head or "mAP" in head or "exact" in head] == [
        "valid samples-F1", "test samples-F1 (95 % interval)", "test micro-F1", "test macro-F1", "test mAP", "test exact",
    ]  # fmt: skip
    assert "| 11,812,306 |" in long[2]


def test_fusion_is_held_against_the_best_of_one_modality_both_chosen_on_valid(metrics: Path) -> None:
    kinds = {"fused": ("image+text", 0.9, 8), "lucky": ("image+text", 0.5, 10), "text": ("text", 0.8, 5), "rule": ("text", 0.7, 9),
             "image": ("image", 0.6, 7)}  # fmt: skip
    for name, (modality, valid, right) in kinds.items():
        scored(name, modality=modality, valid_f1_samples=valid, f1_samples=right / 10)
        predictions(name, right)
    gain = tables.fusion_gain(tables.leaderboard(kinds, "d"), set(), 200, 1)
    assert gain is not None
    assert (gain["fusion"], gain["single"]) == ("fused", "text")
    assert gain["difference"] == pytest.approx(0.3)
    assert gain["difference_ci_low"] <= 0.3 <= gain["difference_ci_high"]
    (said,) = answers.on_fusion(gain)
    assert said.startswith(
        "**Fusion**: `fused` reads image and text, `text` one of them; each is the best of its kind on valid."
    )
    assert (
        f"+0.300 ({gain['difference_ci_low']:+.3f} to {gain['difference_ci_high']:+.3f}), **{gain['verdict']}**" in said
    )
    assert tables.fusion_gain(tables.leaderboard(["text", "image"], "d"), set(), 200, 1) is None
    assert tables.fusion_gain(tables.leaderboard(["fused", "lucky"], "d"), set(), 200, 1) is None
    assert answers.on_fusion(None) == []


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.1, 0.2, "better"), (-0.2, -0.1, "worse"), (-0.1, 0.1, "not distinguishable"), (0, 0, "not distinguishable")],
)
def test_only_an_interval_without_zero_counts(low: float, high: float, said: str) -> None:
    assert tables.verdict({"difference_ci_low": low, "difference_ci_high": high}) == said


def test_what_is_said_of_baselines() -> None:
    changes = [
        {"architecture": "a", "verdict": "better"},
        {"architecture": "b", "verdict": "worse"},
        {"architecture": "c", "verdict": "not distinguishable"},
    ]
    assert answers.on_baselines("rule", changes) == [
        "**Baselines**: on test `a` is better than the best baseline, `rule`; `b`, `c` are not."
    ]
    assert answers.on_baselines("rule", changes[:1]) == [
        "**Baselines**: on test `a` is better than the best baseline, `rule`."
    ]
    assert answers.on_baselines("rule", changes[1:]) == [
        "**Baselines**: on test no network is better than the best baseline, `rule`."
    ]
    assert answers.on_baselines("", []) == []


def test_examples_are_as_many_as_there_are_at_most() -> None:
    told = pd.DataFrame({"id": [*"abc"], "true": [["x"], ["y"], []], "predicted": [["x"], [], ["y"]]})
    assert tables.examples(told, 5, True, 0)["id"].tolist() == ["a"]
    assert sorted(tables.examples(told, 5, False, 0)["id"]) == ["b", "c"]
    assert tables.examples(told, 0, False, 0).empty
    assert tables.examples(told[:1], 5, False, 0).empty
    assert tables.examples(told[:0], 5, True, 0).empty
    assert tables.examples(told, 1, False, 7)["id"].tolist() == tables.examples(told, 1, False, 7)["id"].tolist()


def test_curves_of_several_runs_are_rows_of_one_table() -> None:
    def curve(*values: float) -> pd.DataFrame:
        return pd.DataFrame({"step": range(len(values)), "value": values})

    joined = tables.joined_curves(
        "d", {"valid/loss": {"a": curve(1, 2), "b": curve(3)}, "train/loss": {"a": curve(4, 5)}, "x": {}}
    )
    assert joined.columns.tolist() == ["dataset", "architecture", "step", "valid_loss", "train_loss"]
    assert joined.fillna(-1).to_numpy().tolist() == [["d", "a", 0, 1, 4], ["d", "a", 1, 2, 5], ["d", "b", 0, 3, -1]]
    assert tables.joined_curves("d", {"x": {}}).columns.tolist() == ["dataset", "architecture", "step"]


def test_every_modality_has_a_colour_and_every_curve_a_place() -> None:
    assert {*tables.SINGLE, tables.CONSTANT, "image+text"} == set(plots.MODALITY_COLOURS)
    assert read_params(ROOT / "params.yaml")["train"]["monitor"] in {name.rpartition("/")[2] for name in tables.CURVES}


def test_cells_are_escaped_and_markdown_is_not() -> None:
    assert "a&#124;b" in tables.table(["h"], [["a|b"]])
    assert "| **x** |" in tables.table(["h"], [[Markdown("**x**")]])
