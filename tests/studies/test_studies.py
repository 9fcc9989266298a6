"""The published reports as studies: nothing is left out, verdicts follow rules, and a changed run stales its tables only."""

import json
import random
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT, project, run
from sklearn.metrics import precision_recall_fscore_support

from multilabel.core.errors import UserError
from multilabel.core.files import write_json
from multilabel.data.records import Record, write_records
from multilabel.studies import comparisons, eda_tables, runs, scales
from multilabel.studies.evidence import Evidence, gather
from multilabel.studies.measures import AVERAGES, intervals
from multilabel.studies.published import PublishedTable, read_contradictions, read_report
from multilabel.studies.scales import Scale, StudySettings

__all__ = ["project"]
DVC = str(Path(sys.executable).with_name("dvc"))
STUDIES = ROOT / "studies"
SHARED = yaml.safe_load((STUDIES / "params.yaml").read_text())
PARAMS = {name: yaml.safe_load((STUDIES / name / "params.yaml").read_text()) for name in SHARED["studies"]}
RUNS = [(study, run) for study, params in PARAMS.items() for run in params["runs"]]
TABLES = [(study, table) for study, params in PARAMS.items() for table in params["tables"]]
RANDOM = StudySettings(scale="full", weights="random", stand_ins={})
SMOKE, FULL = (Scale(**SHARED["scales"][name]) for name in ("smoke", "full"))


@pytest.mark.parametrize("study", PARAMS)
def test_every_published_table_is_a_target_or_has_a_reason(study: str) -> None:
    wanted = {
        name
        for name, t in read_report(STUDIES / study).tables.items()
        if t.kind in ("results", "eda", "settings", "log", "examples")
    }
    targets = {block["published"] for block in PARAMS[study]["tables"].values()} - {None}
    reasons = PARAMS[study].get("unavailable") or {}
    assert wanted == targets | set(reasons)
    assert not targets & set(reasons)
    assert all(reasons.values())


def test_all_tables_of_the_reports_are_transcribed() -> None:
    assert sum(len(read_report(STUDIES / study).tables) for study in PARAMS) == 51


def test_the_transcription_is_that_of_the_reports(real_data: Path) -> None:
    """Every number of every row of the shared transcription stands in ours."""
    source = real_data.parent / "reports" / "published_tables.yaml"
    if not source.exists():
        pytest.skip("the reports do not lie beside the real data")
    for study, report in zip(PARAMS, yaml.safe_load(source.read_text())["reports"], strict=True):
        ours = yaml.safe_load((STUDIES / study / "published.yaml").read_text())["tables"]
        assert list(ours) == [table["id"] for table in report["tables"]]
        for table in report["tables"]:
            assert tuple(ours[table["id"]].get("contradictions", ())) == tuple(table.get("flags", ()))
            printed = (
                set(numbers(table.get("rows"))) | set(numbers(table.get("matrix"))) | set(numbers(table.get("counts")))
            )
            kept = set(numbers(ours[table["id"]]))
            missing = {
                value for value in printed if not {value, round(value / 100, 5)} & kept
            }  # percents are shares here
            # Row names hold what tells rows apart, such as a learning rate.
            named = " ".join(map(str, ours[table["id"]].get("rows") or {}))
            assert not {v for v in missing if f"{v:g}" not in named and f"{v:.5f}".rstrip("0") not in named}, table[
                "id"
            ]


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
    explained = read_contradictions(STUDIES / study)
    assert {key for table in read_report(STUDIES / study).tables.values() for key in table.contradictions} <= set(
        explained
    )


@pytest.mark.parametrize(("study", "name"), RUNS)
def test_every_run_resolves_and_scale_changes_four_things_only(study: str, name: str) -> None:
    dataset = SHARED["studies"][study]["dataset"]
    run = runs.declared(name, PARAMS[study], dataset, RANDOM)
    assert run["run"] == name
    assert name.startswith(f"{study}_")
    full = runs.at_scale(run, "full", FULL)
    assert full["settings"] == run["settings"]
    assert full["seeds"] == run["seeds"]
    small = runs.at_scale(run, "smoke", SMOKE)
    changed = set(differences(run["settings"], small["settings"]))
    allowed = {"train.epochs", "image.size", "image.resize"} | {
        f"{p}.{w}" for p in ("text", "fusion") for w in scales.WIDTHS
    }
    assert changed <= allowed
    assert len(small["seeds"]) == 1


def differences(first: Any, second: Any, path: str = "") -> Iterator[str]:
    if isinstance(first, dict) and isinstance(second, dict) and first.keys() == second.keys():
        for key in first:
            yield from differences(first[key], second[key], f"{path}.{key}" if path else key)
    elif first != second:
        yield path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"like": "r2_base"}, "unknown run 'r2_base' in runs.new.like; did you mean"),
        ({"like": "new"}, "runs.new.like: runs are like each other in a circle; give one of them all its settings"),
        ({"like": "r2_b3", "ymage": {}}, "unknown part 'ymage' in runs.new; did you mean 'image'?"),
        ({"like": "r2_b3", "train": {"epoch": 3}}, "runs.new.train: unknown key 'epoch'; did you mean 'epochs'?"),
        ({"like": "r2_b3", "group": None}, "runs.new: 'group' is missing; add it there"),
    ],
)
def test_a_mistake_in_a_run_is_one_line(change: dict, message: str) -> None:
    params = {**PARAMS["r2"], "runs": {**PARAMS["r2"]["runs"], "new": {"study": "r2", "group": "table_9", **change}}}
    with pytest.raises(UserError) as error:
        runs.declared("new", params, "captions", RANDOM)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_published_weights_and_what_stands_in_for_them(tmp_path: Path) -> None:
    folder = tmp_path / "tiny" / "model"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", "hidden_size": 24, "num_attention_heads": 2}))
    study = StudySettings(scale="full", weights="pretrained", stand_ins={"google-bert/bert-base-uncased": str(folder)})
    run = runs.declared("r1_resnet50_bert", PARAMS["r1"], "captions", study)
    assert run["settings"]["text"]["encoder"] == f"hf/{folder}"
    assert run["settings"]["image"]["weights"] == "pretrained"
    assert run["variant"] == "as published, tiny in place of google-bert/bert-base-uncased"
    narrow = runs.at_scale(run, "smoke", SMOKE)
    assert narrow["settings"]["text"] == run["settings"]["text"]  # weights have the width that they have


@pytest.mark.parametrize("average", AVERAGES)
def test_every_average_is_that_of_scikit_learn(average: str) -> None:
    draw = np.random.default_rng(0)
    targets, predicted = (draw.random((40, 6)) < 0.3).astype(np.uint8), (draw.random((40, 6)) < 0.4).astype(np.uint8)
    targets[:, 5] = 0  # a label that does not occur is no part of a macro average
    found = intervals(targets, predicted, 200, 0)
    there = targets[:, :5], predicted[:, :5]
    reference = there if average == "macro" else (targets, predicted)
    precision, recall, f1, _ = precision_recall_fscore_support(*reference, average=average, zero_division=0)
    for score, expected in (("precision", precision), ("recall", recall), ("f1", f1)):
        value, low, high = found[f"{score}_{average}"]
        assert value == pytest.approx(expected, abs=1e-6)
        assert low < value < high


def evidence(folder: Path, name: str, f1: list[float], **about: Any) -> Evidence:
    """A run with these F1 of its records, stored as `run` stores it."""
    scores = {
        "run": name, "scale": "full", "data": "real.zip", "records": 100, "weights": "none", "from_scratch": True, "seeds": [1],
        "variant": "as published", "f1_samples_sd": 0.0, "scores": {"f1_samples": float(np.mean(f1)), "train_seconds": 60.0},
        "intervals": {"f1_samples": [np.mean(f1) - 0.01, np.mean(f1) + 0.01]},
    }  # fmt: skip
    place = folder / "metrics/runs/group" / name
    write_json(place / "scores.json", scores | about)
    pd.DataFrame({"id": [str(i) for i in range(len(f1))], "f1": f1}).to_parquet(place / "f1_per_record.parquet")
    return Evidence(place, scores | about)


@pytest.mark.parametrize(
    ("published", "about", "said", "because"),
    [
        (0.505, {}, "holds", "published figure inside our interval"),
        (0.60, {}, "does not hold", "outside our interval"),
        (0.50, {"scale": "smoke"}, "cannot be compared", "smoke scale"),
        (0.50, {"data": "generated"}, "cannot be compared", "generated data"),
        (0.50, {"records": 10}, "cannot be compared", "10 records instead of 100"),
        (0.50, {"weights": "random", "from_scratch": False}, "cannot be compared", "no pretrained weights"),
        (0.50, {"variant": "captions only"}, "cannot be compared", "not as published"),
    ],
)
def test_a_figure_is_compared_only_with_its_like(
    tmp_path: Path, published: float, about: dict, said: str, because: str
) -> None:
    ours = comparisons.our_figure("f1", evidence(tmp_path, "a", [0.5] * 4, **about), None, 100)
    assert comparisons.verdict(published, ours) == (said, because)


@pytest.mark.parametrize(("size", "said"), [(100.0, "holds"), (103.4, "holds"), (96.4, "does not hold")])
def test_a_size_is_compared_at_any_scale(tmp_path: Path, size: float, said: str) -> None:
    ours = comparisons.our_figure("size_mb", evidence(tmp_path, "a", [0.5], scale="smoke"), size, 100)
    assert comparisons.verdict(100.0, ours)[0] == said


@pytest.mark.parametrize(
    ("shift", "about", "published", "said", "because"),
    [
        (0.1, {}, 0.1, "holds", "right direction and size (one seed)"),
        (0.1, {}, 0.01, "holds", "right direction, 9"),
        (0.1, {"from_scratch": False, "weights": "random"}, 0.1, "holds", "(one seed, no pretrained weights)"),
        (0.1, {}, 0.18, "holds", "right direction, 55% of the size (one seed)"),
        (0.1, {}, 0.9, "does not hold", "right direction, 11% of the size (one seed)"),
        (0.1, {"seeds": [1, 2], "f1_samples_sd": 0.08}, 0.1, "not distinguishable from noise", "(2 against 2 seeds)"),
        (-0.1, {}, 0.1, "does not hold", "reversed"),
        (0.0, {}, 0.5, "does not hold", "no difference of that size"),
        (0.0, {}, 0.001, "not distinguishable from noise", "the interval includes 0"),
        (0.1, {"scale": "smoke"}, 0.1, "cannot be compared", "shows only that the row runs"),
    ],
)
def test_a_claim_is_judged_by_the_paired_interval(
    tmp_path: Path, shift: float, about: dict, published: float, said: str, because: str
) -> None:
    draw = np.random.default_rng(0)
    base = draw.random(400) * 0.5
    first = evidence(tmp_path, "first", list(base + shift + draw.normal(0, 0.05, 400)), **about)
    second = evidence(tmp_path, "second", list(base), **about)
    table = PublishedTable("t", "results", {"A": {"f1": 0.1 + published}, "B": {"f1": 0.1}})
    pairs = comparisons.claimed_pairs(table, "f1", None)
    known = {"first": [first], "second": [second]}
    (line,) = comparisons.claim_lines(pairs, table, "f1", {"A": ["first"], "B": ["second"]}, known, 500, 0)
    assert (line["better"], line["worse"]) == ("A", "B")
    assert line["verdict"] == said
    assert because in line["because"]
    assert line["published"] == pytest.approx(published)


def test_a_record_is_better_evidence_than_a_smoke_run(tmp_path: Path) -> None:
    evidence(tmp_path, "a", [0.1], scale="smoke", data="generated")
    evidence(tmp_path, "b", [0.1], scale="smoke", data="generated")
    real = evidence(tmp_path / "elsewhere", "a", [0.9])
    shutil.copytree(real.folder, tmp_path / "record" / "a")
    known = gather(["a", "b", "unknown"], tmp_path)
    assert [e.label for e in known["a"]] == ["full, real.zip", "smoke, generated"]
    assert list(known) == ["a", "b"]


def test_only_larger_runs_on_real_data_are_recorded(tmp_path: Path) -> None:
    study = tmp_path / "studies" / "r4"
    (study / "params.yaml").parent.mkdir(parents=True)
    (study / "params.yaml").write_text("{}")
    shutil.copy(STUDIES / "record.py", tmp_path / "studies")
    evidence(study, "good", [0.9])
    evidence(study, "small", [0.9], scale="smoke")
    evidence(study, "generated", [0.9], data="generated")
    assert "recorded: good\n" in run([sys.executable, "studies/record.py", "r4"], tmp_path)
    assert [path.name for path in (study / "record").iterdir()] == ["good"]


def test_counts_of_the_real_captions_are_those_of_the_reports(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Report r4 counted all 30,000 records, report r3 all but the four that its parser lost."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["datasets"]["captions"]["source"] = str(real_data / "captions-competition-csv-30k.zip")
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    run([sys.executable, str(ROOT / "src/ingest.py"), "captions"], tmp_path)
    shutil.copytree(STUDIES, tmp_path / "studies", ignore=shutil.ignore_patterns("data", "models", "record"))
    said: dict[str, dict[str, str]] = {}
    for study in ("r3", "r4"):
        folder = tmp_path / "studies" / study
        run([sys.executable, str(ROOT / "src/count.py"), "captions"], folder)
        monkeypatch.chdir(folder)
        counts = json.loads((folder / "metrics/counts.json").read_text())
        for name, table in read_report().tables.items():
            kind = next((t.get("eda") for t in PARAMS[study]["tables"].values() if t["published"] == name), None)
            if kind:
                said[name] = {
                    line["row"] + line["measure"]: line["verdict"] for line in eda_tables.EDA[kind](table, counts)
                }
    for name in ("Fig9", "Fig11"):
        assert set(said[name].values()) == {"holds"}
    pairs = said.pop("Fig2")
    assert pairs["pairs, all recordsequal"] == "does not hold"
    assert pairs["pairs, without the lost recordsequal"] == "holds"
    misread = {row for row, verdict in pairs.items() if verdict != "holds"} - {"pairs, all recordsequal"}
    assert misread == {"motorcyclerecords", "traffic lightrecords"}  # F003-2


def committed(study: str, table: str) -> dict[str, Any]:
    return json.loads((STUDIES / study / "tables" / f"{table}.json").read_text())


@pytest.mark.parametrize(("study", "table"), TABLES)
def test_committed_tables_are_complete_and_say_what_they_are(study: str, table: str) -> None:
    content = committed(study, table)
    published = PARAMS[study]["tables"][table]["published"]
    if published is not None:
        rows = read_report(STUDIES / study).tables[published].rows
        if content["kind"] in ("results", "settings"):
            shown = {str(line["row"]).removesuffix(", put right") for line in content["figures"]}
            assert set(map(str, rows)) == shown
        assert all(line["because"] != "not run" or "submission" in line["row"] for line in content["figures"])
    for line in content["figures"]:
        if line["evidence"].startswith("smoke") and line["measure"] != "size_mb":
            assert line["verdict"] == "cannot be compared"
    if content["cost"]:
        baselines = {line["row"] for line in content["others"]}
        assert {f"{study}_keyword_rule", f"{study}_tfidf_logreg"} <= baselines


def test_some_claims_are_confirmed_and_some_refuted() -> None:
    verdicts = {line["verdict"] for study, table in TABLES for line in committed(study, table)["claims"]}
    assert {"holds", "does not hold"} <= verdicts


def test_figures_in_readme_and_docs_are_those_of_the_records() -> None:
    claims = re.findall(r"[+-]0\.\d{3} \[[+-]0\.\d{3}, [+-]0\.\d{3}\]", (ROOT / "README.md").read_text())
    page = (ROOT / "reports/studies/README.md").read_text()
    assert claims
    assert all(claim in page for claim in claims)
    rows = re.findall(
        r"^\| (r\d_\w+) \|.*\*\*(.+?)\*\* \((.+?) to (.+?)\)", (ROOT / "docs/studies.md").read_text(), re.M
    )
    assert rows
    for name, *shown in rows:
        scores = json.loads((STUDIES / name[:2] / "record" / name / "scores.json").read_text())
        found = [scores["scores"]["f1_samples"], *scores["intervals"]["f1_samples"]]
        assert [f"{value:.3f}" for value in found] == shown, name


def test_the_pages_are_whole() -> None:
    pages = ROOT / "reports" / "studies"
    for study in PARAMS:
        text = (pages / f"{study}.md").read_text()
        for table in PARAMS[study]["tables"]:
            assert f"studies/dvc.yaml:compare@{table}`" in text
        for picture in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text):
            assert (pages / picture).is_file(), picture


@pytest.fixture
def study_project(project: Path) -> Path:
    """The toy project with the studies, a few records each."""
    ignored = shutil.ignore_patterns("data", "models", "metrics", "tables", "reports", "dvc.lock", "__pycache__")
    shutil.copytree(STUDIES, project / "studies", ignore=ignored)
    change(project / "studies/params.yaml", lambda p: p["scales"]["smoke"].update(records=120))
    return project


def change(path: Path, edit: Callable[[dict], Any]) -> None:
    params = yaml.safe_load(path.read_text())
    edit(params)
    path.write_text(yaml.safe_dump(params, sort_keys=False))


def ran(output: str) -> list[str]:
    return [line.split(":")[-1].strip("'") for line in re.findall(r"Running stage '([^']+)'", output)]


def test_a_changed_run_stales_itself_and_its_tables(study_project: Path) -> None:
    project, target = study_project, "studies/dvc.yaml:compare@{}"
    wanted = [target.format("r2_table_9"), target.format("r2_table_16")]
    output = run([DVC, "repro", *wanted], project)
    assert "| learning rate 0.001 | f1 | 0.784 |" in output
    assert "smoke, generated" in output
    assert run([DVC, "repro", *wanted], project).count("didn't change, skipping") >= 2

    # Neither the root's defaults nor a look at the root's pipeline touch a study.
    change(project / "params.yaml", lambda p: p["train"].update(lr=0.01))
    assert ran(run([DVC, "repro", *wanted], project)) == []

    block = ["runs", "r2_lr_1e_3"]
    change(project / "studies/r2/params.yaml", lambda p: p[block[0]][block[1]]["train"].update(lr=0.002))
    assert ran(run([DVC, "repro", *wanted], project)) == ["resolve_runs@r2", "run@r2_lr_1e_3", "compare@r2_table_9"]

    # A run that no report has is listed as such; one in a row that does not exist is an error.
    new = {"study": "r2", "group": "table_9", "like": "r2_tinybert", "train": {"lr": 0.0005}}
    change(project / "studies/r2/params.yaml", lambda p: p["runs"].update(r2_lr_5e_4=new))
    output = run([DVC, "repro", wanted[0]], project)
    assert ran(output) == ["resolve_runs@r2", "run@r2_lr_5e_4", "compare@r2_table_9"]
    assert "| r2_lr_5e_4 |" in output
    change(project / "studies/r2/params.yaml", lambda p: p["runs"]["r2_lr_5e_4"].update(row="learning rate 5e-4"))
    output = run([DVC, "repro", wanted[0]], project, ok=False)
    assert (
        "no published table of group 'table_9' has a row 'learning rate 5e-4'; take `row:` out to list the run"
        in output
    )


def test_a_random_handful_of_runs(study_project: Path) -> None:
    chosen = random.sample([name for _, name in RUNS], 5)  # others each time; the whole is `dvc repro studies/dvc.yaml`
    output = run([DVC, "repro", *(f"studies/dvc.yaml:run@{name}" for name in chosen)], study_project)
    for name in chosen:
        assert f"{name}: f1_samples " in output


def test_a_run_of_several_seeds_is_their_mean_and_leaves_one_model(study_project: Path) -> None:
    change(study_project / "studies/params.yaml", lambda p: p["scales"]["smoke"].update(seeds=3))
    run([DVC, "repro", "studies/dvc.yaml:run@r0_textcnn"], study_project)
    folder = study_project / "studies/r0/metrics/runs/table_3/r0_textcnn"
    scores = json.loads((folder / "scores.json").read_text())
    assert scores["seeds"] == [42, 43, 44]
    assert scores["f1_samples_sd"] > 0
    per_record = pd.read_parquet(folder / "f1_per_record.parquet")["f1"]
    assert scores["scores"]["f1_samples"] == pytest.approx(per_record.mean(), abs=1e-5)
    assert [path.name for path in (study_project / "studies/r0/models").iterdir()] == ["r0_textcnn"]
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["curves"]


def test_a_picture_and_its_caption_are_explained(study_project: Path) -> None:
    run([DVC, "repro", "studies/dvc.yaml:explain@r4_fusion"], study_project)
    found = {path.name for path in (study_project / "studies/r4/reports/explain/r4_fusion").iterdir()}
    assert found == {"augmentation.png", "grad_cam.png", "feature_maps.png", "words.png"}


def test_a_sample_keeps_what_it_is_a_sample_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "studies" / "r4"
    shutil.copytree(STUDIES / "r4", folder, ignore=shutil.ignore_patterns("data", "models", "metrics", "record"))
    shutil.copy(STUDIES / "params.yaml", tmp_path / "studies")
    change(tmp_path / "studies/params.yaml", lambda p: p["scales"]["smoke"].update(records=6))
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"datasets": {"captions": {"source": "my/photos.zip"}}}))
    records = [Record(f"{i}.jpg", f"text {i}", ["1"] if i < 10 else None, b"x") for i in range(12)]
    write_records(tmp_path / "data/raw/captions/records.parquet", records)
    output = run([sys.executable, str(ROOT / "src/sample.py"), "captions"], folder)
    assert "captions: 6 of 10 labelled records, photos.zip" in output
    assert json.loads((folder / "data/raw/captions/sample.json").read_text()) == {
        "data": "photos.zip",
        "records": 6,
        "of": 10,
    }
    kept = pd.read_parquet(folder / "data/raw/captions/records.parquet")
    assert set(kept["id"]) <= {f"{i}.jpg" for i in range(10)}
