"""Results in README.md and docs/ are the committed ones."""

import pytest
from conftest import ROOT
from results_in_pages import CLAIMS, MADE, PAGES, filled, kept, names

from multilabel.studies.evidence import paired


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
