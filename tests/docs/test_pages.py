"""What README.md, CONTRIBUTING.md and docs/ say is so: results, commands, settings and paths."""

import re

import pytest
from conftest import ROOT, run
from results_in_pages import CLAIMS, MADE, PAGES, filled, kept, names

from multilabel.core.settings import read_params
from multilabel.studies.evidence import paired

README = (ROOT / "README.md").read_text()
PARAMS = read_params(ROOT / "params.yaml")
DOCUMENTS = ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_results_stands_in_one_page(page: str) -> None:
    text = (ROOT / page).read_text()
    assert len(names(text)) == text.count("<!-- results:") == text.count("<!-- end of results -->")
    everywhere = [name for other in PAGES for name in names((ROOT / other).read_text())]
    assert sorted(everywhere) == sorted(MADE)


@pytest.mark.parametrize("name", MADE)
def test_results_in_pages_are_the_committed_ones(name: str) -> None:
    (page,) = [page for page in PAGES if name in names((ROOT / page).read_text())]
    text = (ROOT / page).read_text()
    assert filled(text, name) == text, "run `python tests/docs/results_in_pages.py`"


def test_making_a_block_anew_leaves_the_rest_of_a_page_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MADE, "books", lambda: r"new \1 rows")
    empty = "before\n<!-- results: books -->\n<!-- end of results -->\n<!-- results: claims -->\nx\n<!-- end of results -->\n"
    page = filled(empty, "books")
    assert page == empty.replace("books -->\n", "books -->\n\nnew \\1 rows\n\n", 1)
    assert filled(page, "books") == page


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.runs[1])
def test_a_claim_compares_kept_runs_on_the_same_records(claim: object) -> None:
    first, second = (kept(name) for name in claim.runs)  # type: ignore[attr-defined]
    estimate = paired(first, second)
    assert estimate is not None
    scores = [run.scores["scores"]["f1_samples"] for run in (first, second)]
    assert estimate.value == pytest.approx(scores[0] - scores[1], abs=1e-5)
    assert estimate.low < estimate.value < estimate.high


def test_captions_only_and_stand_ins_are_named_beside_their_claims() -> None:
    for claim in CLAIMS:
        for name in claim.runs:
            variant = kept(name).scores["variant"]
            assert "captions only" not in variant or "captions only" in claim.made_with
            assert "in place of" not in variant or "stand-in" in claim.made_with


def test_networks_that_are_called_undertrained_were_best_at_the_end() -> None:
    for claim in CLAIMS:
        if "one of the last two" in claim.made_with:
            for name in claim.runs:
                curve = kept(name).source.curve("valid/f1_samples")
                assert curve is not None
                assert len(curve) == 10
                assert curve["value"].argmax() >= 8


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
    assert [path for path in named if not (ROOT / path).exists()] == []
    assert [link for link in links if not link.exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_overrides_name_real_settings(document: str) -> None:
    text = (ROOT / document).read_text()
    for key in re.findall(r"-S '?([a-z_0-9.]+)=", text):
        node = PARAMS
        for part in key.split("."):
            assert part in node, f"{document} sets {key}, which params.yaml does not have"
            node = node[part]


def test_the_committed_report_shows_every_figure() -> None:
    figures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", (ROOT / "reports/report.md").read_text())
    assert len(figures) > 10
    assert [figure for figure in figures if not (ROOT / "reports" / figure).exists()] == []
