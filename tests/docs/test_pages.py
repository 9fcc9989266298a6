"""What README.md, CONTRIBUTING.md and docs/ say is so: commands, settings and paths."""

import re

import pytest
from conftest import ROOT, STUDIES, run

from multilabel.core.settings import read_params

PARAMS = read_params(ROOT / "params.yaml")
DOCUMENTS = ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]


def test_every_make_target_exists() -> None:
    named = {target for page in DOCUMENTS for target in re.findall(r"`make ([a-z-]+)", (ROOT / page).read_text())}
    helped = set(re.findall(r"^([a-z-]+)\s", run(["make", "-s", "help"], ROOT), re.MULTILINE))
    assert named <= helped


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_is_named_exists(document: str) -> None:
    text = (ROOT / document).read_text()
    named = set(re.findall(r"\b(?:src|tests|studies/stages|docs|\.github)/[\w./-]+\.\w+", text))
    named |= {
        f"src/multilabel/{path}"
        for path in re.findall(r"`((?:core|data|inputs|metrics|models|training)/\w+\.py)`", text)
    }
    named |= {path for path in re.findall(r"`((?:metrics|reports|src|tests|studies)/[\w/]*/)`", text)}
    links = {(ROOT / document).parent / link for link in re.findall(r"\]\(([\w./-]+)\)", text)}
    gone = (
        () if STUDIES.exists() else ("studies/", "docs/studies.md", "tests/docs/results_in_pages.py")
    )  # decisions name them
    assert [path for path in named if not (ROOT / path).exists() and not path.startswith(gone)] == []
    assert [link for link in links if not link.exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_overrides_name_real_settings(document: str) -> None:
    text = (ROOT / document).read_text()
    for key in re.findall(r"-S '?([a-z_0-9.]+)=", text):
        node = PARAMS
        for depth, part in enumerate(key.split(".")):
            if depth == 1 and part not in node and not STUDIES.exists():
                break  # an example that was taken out
            assert part in node, f"{document} sets {key}, which params.yaml does not have"
            node = node[part]


def test_the_committed_report_shows_every_figure() -> None:
    report = ROOT / "reports/report.md"
    if not report.exists():
        pytest.skip("no report yet")
    figures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", report.read_text())
    assert len(figures) > 10
    assert [figure for figure in figures if not (ROOT / "reports" / figure).exists()] == []
