"""Pages begin with what stands, explain what they cite, lead where they say, and show no score of a trial."""

import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from made_up_tables import OF_A_TRIAL, claim, cost, figure, other, studies
from repository import PARAMS, STUDIES

from multilabel.reporting.markdown import escape, heading_id
from multilabel.studies.coverage import coverage
from multilabel.studies.finished import FinishedTable, exact
from multilabel.studies.lines import (
    CANNOT,
    CORRECTED,
    EXPOSED,
    FAILS,
    HOLDS,
    NO_VERDICT,
    NO_WEIGHTS,
    NOISE,
    NOT_RUN,
    OTHER_SIZE,
    RUNS,
    SET,
    UNDERTRAINED,
)
from multilabel.studies.openings import index_opening, report_opening
from multilabel.studies.pages import _left
from multilabel.studies.rendering import table_markdown
from multilabel.studies.specification import PublishedTable, Report, read_contradictions

MIXTURES: dict[str, list[str]] = {
    "nothing": ["none"],
    "trials": ["trial"],
    "all": ["real"],
    "a mixture": ["none", "trial", "real", "real"],
}
FOLD = re.compile(r"<details>\n|</details>\n?")


@pytest.fixture(scope="module", params=MIXTURES)
def pages(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """reports/ as the stage writes it from made-up tables."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(studies(tmp_path_factory.mktemp("pages"), MIXTURES[request.param]))
        runpy.run_path(str(STUDIES / "stages" / "report_studies.py"))["report_studies"]()
        yield Path("reports").resolve()


def outside_folds(page: str) -> str:
    """What a reader sees who opens nothing."""
    seen, depth, last = [], 0, 0
    for mark in FOLD.finditer(page):
        if depth == 0:
            seen.append(page[last : mark.start()])
        depth += 1 if mark[0].startswith("<details>") else -1
        last = mark.end()
    assert depth == 0
    return "".join([*seen, page[last:]])


def markdown_pages(pages: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted((pages / "studies").glob("*.md"))}


def verdicts(pages: Path) -> Any:
    return json.loads((pages / "studies/verdicts.json").read_text())


def anchors(page: str) -> set[str]:
    """As GitHub gives them to headings."""
    headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    return {heading_id(re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("\\", "")) for heading in headings}


def test_every_cited_contradiction_has_its_text_on_the_page(pages: Path) -> None:
    for study in PARAMS:
        page = (pages / f"studies/{study}.md").read_text()
        known = read_contradictions(STUDIES / study)
        cited = set(re.findall(r"F\d{3}-\d+", page))
        assert cited == set(known)
        assert [key for key in cited if f"{escape(known[key])} ({key})" not in page] == []
        assert not re.search(r"\bfact \d|section 3\.2\b", page)
    assert not re.search(r"F\d{3}-\d+", (pages / "studies/README.md").read_text())


def test_pages_open_with_five_to_ten_sentences_that_name_every_verdict(pages: Path) -> None:
    claims = verdicts(pages)["claims"]
    for study in PARAMS:
        page = (pages / f"studies/{study}.md").read_text()
        opening = page.partition("How to read the tables")[0].partition("\n")[2]
        sentences = re.findall(r"^- (.*)$", opening, re.MULTILINE)
        assert 5 <= len(sentences) <= 10
        assert all(sentence.endswith(".") for sentence in sentences)
        for verdict in {line["verdict"] for line in claims if line["study"] == study}:
            assert verdict in opening.lower()
    index = (pages / "studies/README.md").read_text().partition("\n| report")[0]
    assert all(f"**{line['verdict']}**" in index for line in claims)
    sentences = re.findall(r"^- .*", index, re.MULTILINE)
    assert 5 <= len(sentences) <= 10
    assert all(sum(f"]({study}.md#" in sentence for sentence in sentences) == 1 for study in PARAMS)


def test_no_score_of_a_trial_stands_in_a_page(pages: Path) -> None:
    for page in markdown_pages(pages).values():
        assert f"{OF_A_TRIAL:.3f}" not in page
        assert "smoke, generated" not in outside_folds(page)
        assert "set as published" not in outside_folds(page)


def test_links_lead_to_anchors_that_exist(pages: Path) -> None:
    shown = markdown_pages(pages)
    known = {name: anchors(page) for name, page in shown.items()}
    links = [(name, *link) for name, page in shown.items() for link in re.findall(r"\]\(([\w.]*)#([^)]+)\)", page)]
    assert [link for link in links if link[2] not in known[link[1] or link[0]]] == []
    html = (pages / "studies.html").read_text()
    targets = re.findall(r'href="([^"]*)"', html)
    assert len(targets) >= len(PARAMS)
    assert set(targets) <= {f"#{anchor}" for anchor in re.findall(r'id="([^"]*)"', html)}
    assert html.count("<details>") == html.count("</details>") > 0


def test_what_cannot_be_produced_is_shown_with_the_reason(pages: Path) -> None:
    page = (pages / "studies/r4.md").read_text()
    assert "2 GHz Dual-Core Intel Core i5" in page
    assert "which F004-9 says is not the one" in page
    page = (pages / "studies/r3.md").read_text()
    assert all(f"**{title}" in page for title in ("Figure 15", "Figure 19", "Appendix 1"))
    assert "they are moved to AdaDelta and SGD" in page
    page = (pages / "studies/r2.md").read_text()
    assert page.count("Reconstructed from Table") == 2
    assert "Conspiracy thrillers have tackled Da Vinci" in (pages / "studies/r0.md").read_text()


def finished(figures: list[Any], claims: list[Any], rows: dict[str, Any], **about: Any) -> FinishedTable:
    printed = PublishedTable("Table 9: a | b", "results", rows)
    kept = {"tested": 3, "title": printed.title, "kind": "results", "split": "test", "average": "micro", "notes": [], "others": [], "cost": [],
            "examples": [], "contradictions": []}  # fmt: skip
    return FinishedTable("r9", "r9_table_9", kept | {"figures": figures, "claims": claims} | about, printed)


def test_counts_and_sizes_are_exact_and_runs_are_not() -> None:
    figures = [
        figure("A", "f1", 0.9, "real", verdict=HOLDS), figure("A", "size_mb", 9.0, run="a", ours=9.0, verdict=HOLDS),
        figure("B", "size_mb", 9.0, run="b", ours=8.0, verdict=FAILS), figure("C", "size_mb", 9.0, run="c", verdict=CANNOT),
        figure("person", "records", 10, ours=10, verdict=HOLDS), figure("rate", "lr", 0.1, ours=0.1, verdict=SET),
        figure("car", "records", 10, trial=True, verdict=RUNS),
    ]  # fmt: skip
    drawn = [line for line in figures if not line["run"]]
    found = exact([finished(figures, [], {}), finished(figures, [], {}), finished(drawn, [], {}, kind="eda")])
    assert [str(number) for number in found.values()] == ["1 of 1", "2 of 4", "2 of 2"]


def said(claims: list[Any]) -> dict[str, str]:
    table = finished([], claims, {"A": {"f1": 0.9}})
    report = Report("a.txt", "A", 10, 8, {}, summary=("It claims this.", "And that."))
    return {
        about: " ".join(map(str, text)) for about, text in report_opening(report, [table], coverage([table.content]))
    }


def test_an_opening_says_what_a_verdict_was_made_with() -> None:
    told = said([
        claim("A", "B", HOLDS, variant="as published, tiny in place of big; as published", ours=0.3),
        claim("A", "C", FAILS, variant="captions only", evidence="full, real.zip", ours=-0.1),
        claim("A", "D", OTHER_SIZE), claim("A", "E", UNDERTRAINED), claim("A", "F", RUNS), claim("A", "G"),
    ])  # fmt: skip
    link = "[Table 9](#r9-table-9-a--b)"
    assert (
        f"Holds: A above B (+0.300 here, +0.100 printed; with stand-ins; laptop, photos.zip; {link})."
        in told["What stands"]
    )
    assert "or with stand-ins (tiny in place of big); " in told["What is open"]
    assert told["What stands in direction alone"].startswith("Right direction, other size: A above D (")
    assert (
        f"Does not hold: A above C (-0.100 here, +0.100 printed; captions only; full, real.zip; {link})."
        in told["What does not"]
    )
    assert f"without a verdict: undertrained: 1 claim of {link} (laptop, photos.zip)." in told["What is open"]
    assert f"Nobody has tested these claims here: A above F ({link}); A above G ({link})." in told["What is open"]


def test_what_claims_of_one_verdict_share_is_said_once() -> None:
    tiny = "as published, tiny in place of big; as published"
    told = said([claim("A", other, HOLDS, variant=tiny, ours=0.3) for other in "BC"])
    link = "[Table 9](#r9-table-9-a--b)"
    both = "; ".join(f"A above {other} (+0.300 here, +0.100 printed; {link})" for other in "BC")
    assert told["What stands"] == f"Holds (with stand-ins): {both}."


@pytest.mark.parametrize("caveat", [EXPOSED, NO_WEIGHTS])
def test_an_opening_says_where_weights_have_read_the_captions_or_are_random(caveat: str) -> None:
    told = said([claim("A", "B", FAILS, caveats=["96 px", caveat], ours=-0.1)])
    assert f"A above B (-0.100 here, +0.100 printed; {escape(caveat)}; [" in told["What does not"]
    untold = said([claim("A", "B", UNDERTRAINED, caveats=[caveat], because="still falling")])
    assert f"({escape(caveat)})" in untold["What is open"]


def test_a_claim_with_a_verdict_is_not_open_for_another_run_without_one() -> None:
    told = said([
        claim("A", "B", HOLDS), claim("A", "B", NO_VERDICT, variant="captions only"),
        claim("A", "C", NO_VERDICT, variant="captions only"),
    ])  # fmt: skip
    assert "without a verdict: no verdict: 1 claim of [Table 9]" in told["What is open"]


def test_claims_that_one_pair_of_networks_stands_for_are_no_more_than_one_comparison() -> None:
    told = said([claim("A", other, FAILS, networks=["a", one]) for other, one in (("B", "b"), ("C", "b"), ("D", "d"))])
    assert told["What does not"].endswith("; 2 pairs of networks stand for all of these.")
    told = said([claim("A", other, FAILS, networks=["a", "b"]) for other in "BC"])
    assert told["What does not"].endswith("; one pair of networks stands for all of these.")
    assert "of networks" not in said([claim("A", other, FAILS) for other in "BC"])["What does not"]
    table = finished([], [claim("A", other, FAILS, networks=["a", "b"]) for other in "BC"], {})
    opening = " ".join(index_opening({"r9": [table]}, {"r9": coverage([table.content])}, {"r9": "r9"}))
    assert "r9: 2 of 2 claims have a verdict, from one pair of networks. 2 comparisons" in opening


def test_another_verdict_by_the_same_rule_stands_beside_it() -> None:
    same = {"ours": 0.0, "low": -0.1, "high": 0.1, "p": 0.5, "verdict": FAILS, "because": ""}
    told = said([claim("A", "B", OTHER_SIZE, same_rule=same), claim("A", "C", FAILS, same_rule=same)])
    assert "+0.100 printed; by the same rule for all: does not hold; [" in told["What stands in direction alone"]
    assert "same rule" not in told["What does not"]


def test_many_claims_of_one_verdict_are_named_and_very_many_counted_by_table() -> None:
    told = said([claim("A", str(number), FAILS, variant="captions only", ours=number / 10) for number in range(9)])
    link = "[Table 9](#r9-table-9-a--b)"
    assert f"Does not hold (captions only): A above 0, 1, 2, 3, 4, 5, 6, 7, 8 ({link})." in told["What does not"]
    told = said([claim("A", str(number), FAILS, variant="captions only") for number in range(13)])
    assert f"Does not hold: 13 claims of {link} (captions only)." in told["What does not"]
    assert told["What stands"] == "None of its claims that were tested on real data stands as printed."


def test_what_does_not_hold_and_what_is_noise_are_one_sentence() -> None:
    told = said([claim("A", "B", FAILS, ours=0.0), claim("A", "C", NOISE)])
    assert re.fullmatch(r"Does not hold: .*; not distinguishable from noise: A above C \(.*\)\.", told["What does not"])


def test_a_claim_that_was_run_for_twice_without_a_verdict_is_told_once() -> None:
    told = said(
        [claim("A", "B", UNDERTRAINED), *[claim("A", "B", NO_VERDICT, variant="captions only") for _ in range(5)]]
    )
    assert (
        "undertrained: 1 claim of [Table 9](#r9-table-9-a--b); no verdict: the same, 1 claim of" in told["What is open"]
    )


def test_printed_scores_are_counted_and_how_much_smaller_ours_are_is_said() -> None:
    smaller = ["8 records instead of 10", "96 px instead of 224", "laptop scale"]
    lines = [figure("A", "f1", 0.9, "real"), figure("A", "size_mb", 9.0, "real"), figure("B", "f1", 0.9),
             figure("A", "time_saved", 0.6, "real"), figure("A, put right", "f1", 0.8, "real")]  # fmt: skip
    table = finished(lines, [claim("A", "B", FAILS, caveats=smaller), claim("A", "C", FAILS, caveats=smaller[:1])], {})
    report = Report("a.txt", "A", 10, 8, {}, summary=("It claims this.",))

    def told() -> str:
        return " ".join(dict(report_opening(report, [table], coverage([table.content])))["What is open"])

    assert told().endswith(
        "None of the 1 printed scores that something was run for could be held against ours; of 2 comparisons these are smaller: 8 records instead of 10 "
        "(2), 96 px instead of 224 (1)."
    )
    lines[0]["verdict"] = HOLDS
    assert (
        "1 of the 1 printed scores that something was run for could be held against ours: 1 hold, 0 do not; of 2"
        in told()
    )


def test_claims_without_any_verdict_neither_stand_nor_fall() -> None:
    why = "the better row is undertrained: not shown to be above TF-IDF; the worse row is undertrained: not shown to be above TF-IDF"
    told = said([
        claim("A", "B", UNDERTRAINED, because=why),
        claim("A", "C", NO_VERDICT, variant="captions only", because="captions only"),
    ])  # fmt: skip
    assert (
        told["What stands"] == "None of its claims that were tested on real data has a verdict: what is open says why."
    )
    assert "What does not" not in told
    assert "without a verdict: undertrained, not shown to be above TF-IDF: 1 claim of" in told["What is open"]
    assert "; no verdict: 1 claim of" in told["What is open"]


def test_without_evidence_nothing_is_said_to_stand_or_fall() -> None:
    told = said([claim("A", "B"), claim("A", "C", RUNS)])
    assert list(told) == ["What it claims", "What stands", "What is open"]
    assert "so none stands" in told["What stands"]
    assert "none of it from networks that read images" in told["What is open"]


def test_the_index_tells_what_departs_from_the_reports() -> None:
    fewer, px = ["5 updates where the report made 9"], ["96 px instead of 224", "weights"]
    claims = [claim("A", "B", HOLDS, caveats=fewer), claim("A", "B", FAILS, variant="corrected, a lower rate, tiny in place of big"),
              claim("A", "B", HOLDS, variant="as published, tiny in place of big; as published, small in place of large"),
              claim("A", "C", NO_VERDICT, variant="captions only", caveats=px), claim("A", "D")]  # fmt: skip
    table = finished([], claims, {})
    opening = " ".join(index_opening({"r9": [table]}, {"r9": coverage([table.content])}, {"r9": "[r9](r9.md#a)"}))
    said = (
        "1 of 3 claims have a verdict. 4 comparisons on real data: 2 **holds**, 1 **does not hold**, 1 **no verdict**."
    )
    assert f"[r9](r9.md#a): {said}" in opening
    assert "beyond the smoke scale (laptop, photos.zip), 0 of 0" in opening
    departures = (
        "fewer records, pixels or updates (2); corrected (1); stand-ins for published encoders (1); captions only (1)"
    )
    assert f"variant that was run for it; of the 4, these depart from the reports: {departures}." in opening


def test_a_table_shows_both_decodings_and_what_weakens_a_verdict() -> None:
    same = {"ours": 0.25, "low": 0.2, "high": 0.3, "p": 0.01, "verdict": FAILS, "because": ""}
    tiny, small = "as published, tiny in place of big", {"ours": 0.875, "low": None, "high": None}
    caveats = ["laptop scale", "tiny in place of big", "225 updates of 3,430"]
    claims = [claim("A", "B", HOLDS, same_rule=same, variant=tiny, caveats=caveats, because="right size", p=0.0123)]
    small_run = ["laptop scale", "tiny in place of big", "96 px"]
    about = {"caveats": small_run, "variant": tiny, "undertrained": "still falling"}
    figures = [
        figure("A", "f1", 0.9, "real", same_rule=small, **about),
        figure("A", "size_mb", 9.0, ours=9.0, verdict=HOLDS),
    ]
    table = finished(
        figures, claims, {}, others=[other(False), other(True)],
        cost=[cost("big", False), cost("small", True), {**cost("twin", False), "network": "big"}],
    )  # fmt: skip
    page = table_markdown(table.content)
    assert "+0.250 [+0.200, +0.300] does not hold" in page
    assert "225 updates of 3,430; 3 against 3 seeds | **holds**: right size; p 0.012" in page
    assert "| 0.875 | 96 px; one seed | **cannot be compared**: undertrained, still falling" in page
    assert "Ours: laptop, photos.zip; tiny in place of big." in page
    assert page.count("| baseline |") == 1
    assert "claims of its rows; 3 held against chance at once" in page
    assert "Cost: 60 s of training on cpu x1; runs: 2, of 1 training; with fewer updates than the report's: 2." in page
    assert "(smoke scale or generated data, no evidence): 1." in page


def test_what_rows_share_stands_once_whatever_kind_they_are_of() -> None:
    fewer = ["laptop scale", "10 records instead of 100"]
    rows = [
        figure("A", "f1", 0.9, "real", caveats=fewer),
        figure(
            "A, corrected", "f1", 0.9, "real", variant="corrected, a lower rate", verdict=NO_VERDICT,
            because="corrected, a lower rate", caveats=[*fewer, "corrected, a lower rate"],
        ),
    ]  # fmt: skip
    page = table_markdown(finished(rows, [claim("A", "B", FAILS, caveats=fewer)], {}).content)
    assert page.count("10 records instead of 100") == 1
    assert "Ours: laptop, photos.zip; 10 records instead of 100." in page
    assert "| corrected, a lower rate; one seed | **no verdict** |" in page


def test_a_verdict_does_not_repeat_what_the_row_departs_in() -> None:
    variant = "as published, tiny in place of big; corrected, a lower rate, tiny in place of big"
    because = "corrected, a lower rate, tiny in place of big"
    page = table_markdown(finished([], [claim("A", "B", CORRECTED, variant=variant, because=because)], {}).content)
    assert "| **about the corrected row** |" in page


def test_a_network_that_was_trained_once_says_so() -> None:
    rows = [
        other(False),
        other(False) | {"row": "net", "network": "net"},
        other(False) | {"row": "nets", "network": "nets", "seeds": 3},
    ]
    page = table_markdown(finished([], [], {}, others=rows).content)
    assert re.search(r"^\| net \| .*\| one seed \|$", page, re.MULTILINE)
    assert page.count("one seed") == 1


def test_a_row_of_another_kind_says_so_in_its_line() -> None:
    lines = [claim("A", str(number), NO_VERDICT, variant="captions only", caveats=["96 px"]) for number in range(3)]
    page = table_markdown(finished([], lines, {}).content)
    assert page.count("| captions only; 3 against 3 seeds | **no verdict** |") == 3
    assert "Ours: laptop, photos.zip; 96 px." in page


def test_a_long_table_is_folded_and_counted() -> None:
    lines = [figure(str(number), "records", number, ours=number, verdict=HOLDS) for number in range(40)]
    page = table_markdown(finished(lines, [], {}).content)
    assert "<summary>40 figures: 40 holds</summary>" in page
    assert "| 39 |" not in outside_folds(page)
    few = table_markdown(finished(lines[:3], [], {}).content)
    assert "<details>" not in few


def test_what_is_printed_of_a_row_and_not_tested_stands_beside_what_is() -> None:
    figures = [figure("A", "f1", 0.9123), figure("A", "size_mb", 9.0, "real"), figure("C", "f1", 0.8, "real")]
    table = finished(figures, [], {"A": {"f1": 0.9123, "size_mb": 9.0}, "B": {"f1": 0.7123}, "C": {"f1": 0.8}})
    left = _left(table)
    assert "0.912" in left
    assert "0.712" in left
    assert "9.0" not in left
    assert "0.8" not in left


def test_a_figure_that_was_not_run_is_no_line() -> None:
    table = finished([figure("A", "f1", 0.9), figure("B", "f1", 0.9, "trial")], [claim("A", "B")], {})
    assert "| A |" not in table_markdown(table.content)
    assert NOT_RUN not in table_markdown(table.content)
    assert CANNOT not in table_markdown(table.content)


def test_the_committed_pages_are_whole() -> None:
    folder = ROOT / "reports" / "studies"
    shown = {path.name: path.read_text() for path in folder.glob("*.md")}
    assert set(shown) == {"README.md", *(f"{study}.md" for study in PARAMS)}
    for study, params in PARAMS.items():
        assert all(f"studies/dvc.yaml:compare@{group}`" in shown[f"{study}.md"] for group in params["groups"])
    images = [(name, image) for name, page in shown.items() for image in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page)]
    assert [image for image in images if not (folder / image[1]).is_file()] == []
