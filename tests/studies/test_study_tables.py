"""The tables of this repository's studies, assembled from the results that are kept, with counts of the real captions."""

import copy
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from repository import PARAMS, RANDOM, SHARED, STUDIES

from multilabel.core.errors import UserError
from multilabel.core.settings import to_json
from multilabel.studies.comparison import Study
from multilabel.studies.evidence import Results, gather
from multilabel.studies.exact_tables import COUNTED
from multilabel.studies.runs import declared
from multilabel.studies.score_tables import ScoresTable
from multilabel.studies.specification import DeclaredRun, read_groups, read_report
from multilabel.studies.tables import KINDS, Table, check_tables, compare, involved, read_tables

SCORES = [
    (study, name) for study in PARAMS for name, block in PARAMS[study]["tables"].items() if block["kind"] == "scores"
]


@cache
def runs(study: str) -> dict[str, DeclaredRun]:
    dataset = SHARED["studies"][study]["dataset"]
    found = {name: declared(name, PARAMS[study], dataset, RANDOM) for name in PARAMS[study]["runs"]}
    return {
        name: DeclaredRun(**vars(run) | {"architecture": to_json(run.architecture)}, parameters=None, size_mb=None)
        for name, run in found.items()
    }


@pytest.fixture
def assembled(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Table]:
    """A table of a study as its kept results alone make it."""

    def assemble(study: str, name: str) -> Table:
        monkeypatch.chdir(STUDIES / study)
        table = read_tables(PARAMS[study]["tables"])[name]
        own = involved(table, runs(study))
        return compare(name, table, Study(read_report(), own, gather(own)))

    return assemble


@pytest.mark.parametrize("study", PARAMS)
def test_every_table_leads_to_runs_rows_and_published_tables(study: str) -> None:
    tables, groups = read_tables(PARAMS[study]["tables"]), read_groups(study, PARAMS[study]["groups"])
    check_tables(study, groups, tables, runs(study), read_report(STUDIES / study))
    assert all(type(table) is KINDS[PARAMS[study]["tables"][name]["kind"]] for name, table in tables.items())


def test_a_group_that_no_run_names_is_one_line() -> None:
    groups = [*read_groups("r2", PARAMS["r2"]["groups"]), "table_99"]
    with pytest.raises(UserError) as error:
        check_tables("r2", groups, read_tables(PARAMS["r2"]["tables"]), runs("r2"), read_report(STUDIES / "r2"))
    assert str(error.value) == "studies/r2/params.yaml groups.r2_table_99: no run names it; take it out"


def test_a_table_names_no_run_that_its_stage_does_not_wait_for() -> None:
    blocks = copy.deepcopy(PARAMS["r2"]["tables"])
    blocks["r2_table_9"]["also"] = {"learning rate 0.0001": ["r2_batch_32"]}
    groups = read_groups("r2", PARAMS["r2"]["groups"])
    with pytest.raises(UserError) as error:
        check_tables("r2", groups, read_tables(blocks), runs("r2"), read_report(STUDIES / "r2"))
    assert str(error.value) == (
        "studies/r2/params.yaml tables.r2_table_9: run 'r2_batch_32' is of group 'table_6', for which the stage that fills this "
        "table does not wait; name runs of 'table_9' and 'reference'"
    )


@pytest.mark.parametrize(("study", "name"), SCORES)
def test_tables_of_scores_show_every_row_and_the_baselines(
    assembled: Callable[[str, str], Table], study: str, name: str
) -> None:
    table, content = read_tables(PARAMS[study]["tables"])[name], assembled(study, name).content
    assert isinstance(table, ScoresTable)
    if table.published is not None:
        shown = {str(line.row) for line in content.figures}
        assert set(map(str, read_report(STUDIES / study).tables[table.published].rows)) <= shown
    kept = {scores["run"] for scores in Results(STUDIES / study / "results").scores.values()}
    assert {f"{study}_keyword_rule", f"{study}_tfidf_logreg"} & kept <= {line.row for line in content.others}


@pytest.mark.parametrize(("study", "name"), SCORES)
def test_every_claim_has_a_line_in_the_measure_of_its_table(
    assembled: Callable[[str, str], Table], study: str, name: str
) -> None:
    """Report r0 counts all decisions at once, report r3 takes the mean over labels, the others the mean over records."""
    claims = assembled(study, name).content.claims
    measure = {"r0": "f1_micro", "r3": "f1_macro"}.get(study, "f1_samples")
    assert {line.measure for line in claims} <= {measure}
    block = PARAMS[study]["tables"][name]
    declared = {tuple(pair) for pair in block.get("claims") or ()}
    assert declared <= {(line.better, line.worse) for line in claims}
    assert all(line.published is not None for line in claims)
    # The committed pages, and README with them, say what follows from the runs that are kept.
    committed = json.loads((ROOT / "reports/studies/verdicts.json").read_text())["claims"]
    said = [(own["better"], own["worse"], own["verdict"], own["variant"]) for own in committed if own["table"] == name]
    told = [line for line in claims if line.runs and not line.trial]
    assert said == [(line.better, line.worse, line.verdict, line.variant) for line in told], "repro report_studies"


@pytest.mark.parametrize(("study", "name"), SCORES)
def test_every_row_that_can_be_run_has_a_run(study: str, name: str) -> None:
    block, every = PARAMS[study]["tables"][name], runs(study)
    if block["published"] is not None:
        rows = set(read_report(STUDIES / study).tables[block["published"]].rows)
        placed = {run.row for run in every.values() if run.group == block["runs"]} | set(block.get("also") or {})
        assert [row for row in rows - placed if "submission" not in row] == []


def test_counts_of_the_real_captions_are_those_of_the_reports() -> None:
    """Report r4 counted all 30,000 records, report r3 all but the four that its parser lost."""
    said: dict[str, dict[str, str]] = {}
    for study in ("r3", "r4"):
        counts = Results(STUDIES / study / "results").manifest["counts"]
        assert counts["data"] == "captions-competition-csv-30k.zip"
        printed = read_report(STUDIES / study).tables
        for block in PARAMS[study]["tables"].values():
            if block["kind"] == "counts":
                lines = COUNTED[block["counts"]](printed[block["published"]], counts)
                said[block["published"]] = {line.row + line.measure: line.verdict for line in lines}
    for name in ("Fig9", "Fig11"):
        assert set(said[name].values()) == {"holds"}
    pairs = said.pop("Fig2")
    assert pairs["pairs, all recordsequal"] == "does not hold"
    assert pairs["pairs, without the lost recordsequal"] == "holds"
    misread = {row for row, verdict in pairs.items() if verdict != "holds"} - {"pairs, all recordsequal"}
    assert misread == {"motorcyclerecords", "traffic lightrecords"}  # F003-2


def test_settings_that_are_declared_are_those_of_the_reports(assembled: Callable[[str, str], Table]) -> None:
    lines = {line.row: line for line in assembled("r4", "r4_table_5").content.figures}
    assert lines["hidden_nodes"].ours == 128
    assert lines["text_embedding"].ours == "fasttext_skip_gram"
    assert {line.verdict for line in lines.values()} == {"set as published"}  # which is no finding


def test_dvc_runs_every_group_and_explanation() -> None:
    stages = yaml.safe_load((STUDIES / "dvc.yaml").read_text())
    assert json.dumps(stages["vars"]).count("/params.yaml:groups") == len(PARAMS)
    explained = {name for name, params in PARAMS.items() if params.get("explanations")}
    assert {Path(v.partition("/")[0]).name for v in stages["vars"] if "explanations" in v} == explained
