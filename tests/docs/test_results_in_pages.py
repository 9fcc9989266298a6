"""Results in README.md and docs/ are the committed ones."""

import json
import re
import subprocess
from collections import Counter

import pytest
from conftest import ROOT
from results_in_pages import MADE, PAGES, filled, names

from multilabel.reporting.markdown import escape
from multilabel.studies.lines import JUDGED
from multilabel.studies.openings import in_short
from multilabel.studies.rendering import departures


@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_results_stands_in_one_page(page: str) -> None:
    text = (ROOT / page).read_text()
    assert len(names(text)) == text.count("<!-- results:") == text.count("<!-- end of results -->")
    everywhere = [name for other in PAGES for name in names((ROOT / other).read_text())]
    assert sorted(everywhere) == sorted(MADE)


def run_again() -> bool:
    """Whether metrics are others than the committed ones, as after `make repro`: seconds are never the same."""
    changed = ["git", "diff", "--quiet", "HEAD", "--", "metrics", "reports", "studies"]
    return subprocess.run(changed, cwd=ROOT, check=False, stderr=subprocess.DEVNULL).returncode == 1


@pytest.mark.parametrize("name", MADE)
def test_results_in_pages_are_the_committed_ones(name: str) -> None:
    if run_again():
        pytest.skip(
            "metrics have changed since the last commit; run `python tests/docs/results_in_pages.py` before the next"
        )
    (page,) = [page for page in PAGES if name in names((ROOT / page).read_text())]
    text = (ROOT / page).read_text()
    assert filled(text, name) == text, "run `python tests/docs/results_in_pages.py`"


def test_making_a_block_anew_leaves_the_rest_of_a_page_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MADE, "books", lambda: r"new \1 rows")
    empty = "before\n<!-- results: books -->\n<!-- end of results -->\n<!-- results: studies -->\nx\n<!-- end of results -->\n"
    page = filled(empty, "books")
    assert page == empty.replace("books -->\n", "books -->\n\nnew \\1 rows\n\n", 1)
    assert filled(page, "books") == page


def test_readme_says_of_the_reports_what_the_verdicts_say() -> None:
    """The block is that of the page, and the page that of verdicts.json: nothing is claimed by hand."""
    found = json.loads((ROOT / "reports/studies/verdicts.json").read_text())
    said = MADE["studies"]()
    for verdict in JUDGED:
        number = sum(claim["verdict"] == verdict for claim in found["claims"])
        assert sum(int(n) for n in re.findall(rf"(\d+) \*\*{re.escape(verdict)}\*\*", said)) == number
    parts = [{in_short(part) for part in departures(claim["variant"])} for claim in found["claims"]]
    for part, number in Counter(part for own in parts for part in own).items():  # each table says with what
        assert re.search(rf"{re.escape(escape(part))} \({number}\)", said)
    for name, covered in found["coverage"].items():
        assert f"| {covered['rows_with_evidence']} of {covered['rows']} |" in said
        assert re.search(rf"{name}\.md#[^:]*: {covered['claims_judged']} of {covered['claims']} claims", said)
