"""What the README says is so: its tables, commands and paths."""

import re
from pathlib import Path

import pytest
from conftest import ROOT, run

from multilabel.core.settings import read_params
from multilabel.reporting import tables

README = (ROOT / "README.md").read_text()
PARAMS = read_params(ROOT / "params.yaml")


@pytest.mark.parametrize("dataset", PARAMS["datasets"])
def test_the_result_tables_are_those_in_metrics(dataset: str) -> None:
    table = tables.markdown(tables.leaderboard(PARAMS["architectures"], dataset, ROOT / "metrics"))
    assert table in README, f"put this table into README.md:\n{table}"


def test_fusion_beats_each_modality_by_more_than_the_intervals() -> None:
    table = tables.leaderboard(PARAMS["architectures"], "captions", ROOT / "metrics")
    best = table.iloc[0]
    assert best["modality"] == "image+text"
    assert best["f1_samples_ci_low"] > table[table["modality"] != "image+text"]["f1_samples_ci_high"].max()


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"`make ([a-z-]+)", README)) | set(
        re.findall(r"`make ([a-z-]+)", (ROOT / "CONTRIBUTING.md").read_text())
    )
    helped = run(["make", "-s", "help"], ROOT)
    assert targets - {"help"} == {t for t in targets if re.search(rf"^{t}\s", helped, re.MULTILINE)} - {"help"}


@pytest.mark.parametrize(
    "document",
    ["README.md", "CONTRIBUTING.md", "docs/decisions.md", "docs/options.md", "docs/real_data.md", "docs/studies.md"],
)
def test_every_path_that_is_named_exists(document: str) -> None:
    text = (ROOT / document).read_text()
    named = set(re.findall(r"\b(?:src|tests|docs|\.github)/[\w./-]+\.\w+", text))
    named |= set(re.findall(r"`((?:metrics|reports|models)/[\w/]*/)`", text)) - {"models/"}
    assert [path for path in named if "<" not in path and not (ROOT / path).exists()] == []


def test_the_overrides_in_the_readme_name_real_settings() -> None:
    for key in re.findall(r"-S '?([a-z_0-9.]+)=", README):
        node = PARAMS
        for part in key.split("."):
            assert part in node, f"README sets {key}, which params.yaml does not have"
            node = node[part]


def test_the_committed_report_shows_every_figure() -> None:
    report = (ROOT / "reports/report.md").read_text()
    figures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", report)
    assert len(figures) > 10
    assert [figure for figure in figures if not (Path(ROOT / "reports") / figure).exists()] == []
