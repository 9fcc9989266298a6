"""What the reports print is transcribed whole, and every published table is a target or says why it is none."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from repository import PARAMS, STUDIES

from multilabel.core.errors import UserError
from multilabel.studies.evidence import Results
from multilabel.studies.specification import TableBlock, origin, read_contradictions, read_report


@pytest.mark.parametrize("study", PARAMS)
def test_every_published_table_is_a_target_or_has_a_reason(study: str) -> None:
    wanted = set(read_report(STUDIES / study).tables)
    targets = {block["published"] for block in PARAMS[study]["tables"].values()} - {None}
    reasons = PARAMS[study].get("unavailable") or {}
    assert wanted == targets | set(reasons)
    assert not targets & set(reasons)
    assert all(reasons.values())


def test_all_tables_of_the_reports_are_transcribed() -> None:
    """51 tables and figures with values; five drawings without; and what r0 and r3 say in their text alone."""
    kinds = [table.kind for study in PARAMS for table in read_report(STUDIES / study).tables.values()]
    assert (len(kinds), kinds.count("chart")) == (59, 5)
    named = {study: set(read_report(STUDIES / study).tables) for study in PARAMS}
    assert {"Fig2", "Fig3"} <= named["r2"]
    assert {"Fig15", "Fig19", "Appendix1", "text_hurdle", "text_mixed"} <= named["r3"]
    assert "text" in named["r0"]


def test_what_is_said_of_the_genres_at_hand_is_so() -> None:
    ours = Results(STUDIES / "r0" / "results").manifest["counts"]["all"]["names"]
    theirs = ["fiction", "romance", "fantasy", "young adult", "contemporary"]
    for table in ("r0_table_3", "r0_table_4"):
        (note,) = [note for note in PARAMS["r0"]["tables"][table]["notes"] if "genres" in note]
        assert all(genre in note for genre in [*ours, *theirs])
        assert f"only {' and '.join(sorted(set(ours) & set(theirs), reverse=True))} are the same" in " ".join(
            note.split()
        )


def test_the_transcription_is_that_of_the_reports(real_data: Path) -> None:
    """Every number of every row of the shared transcription stands in ours."""
    source = real_data.parent / "reports" / "published_tables.yaml"
    if not source.exists():
        pytest.skip("the reports do not lie beside the real data")
    for study, report in zip(PARAMS, yaml.safe_load(source.read_text())["reports"], strict=True):
        ours = yaml.safe_load((STUDIES / study / "published.yaml").read_text())["tables"]
        assert list(ours)[: len(report["tables"])] == [table["id"] for table in report["tables"]]
        for table in report["tables"]:
            own = ours[table["id"]]
            assert tuple(own.get("contradictions", ())) == tuple(table.get("flags", ()))
            printed = {number for part in ("rows", "matrix", "counts") for number in numbers(table.get(part))}
            kept = set(numbers(own))
            missing = {value for value in printed if not {value, round(value / 100, 5)} & kept}  # percents are shares
            # Row names hold what tells rows apart, such as a learning rate.
            named = " ".join(map(str, own.get("rows") or {}))
            assert not {v for v in missing if f"{v:g}" not in named and f"{v:.5f}".rstrip("0") not in named}, own


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for entry in value.values():
            yield from numbers(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from numbers(entry)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


@pytest.mark.parametrize("study", PARAMS)
def test_cited_contradictions_are_explained(study: str) -> None:
    tables = read_report(STUDIES / study).tables.values()
    assert {key for table in tables for key in table.contradictions} <= set(read_contradictions(STUDIES / study))


def test_a_published_table_that_the_report_lacks_is_one_line() -> None:
    block = TableBlock(runs="table_9", published="T99")
    with pytest.raises(UserError) as error:
        block.printed(read_report(STUDIES / "r2"), "tables.new")
    assert str(error.value).startswith("unknown published table 'T99' in tables.new.published; did you mean 'T9'?")


@pytest.mark.parametrize(("source", "said"), [("synthetic", "generated"), ("my/photos.zip", "photos.zip")])
def test_tables_say_where_the_data_come_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, said: str
) -> None:
    (tmp_path / "studies/r4").mkdir(parents=True)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"datasets": {"captions": {"source": source}}}))
    monkeypatch.chdir(tmp_path / "studies/r4")
    assert origin("captions") == said
