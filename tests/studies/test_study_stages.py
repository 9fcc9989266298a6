"""A small study from its sample to its page, stage by stage, in one process."""

import json
import os
import re
import runpy
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT, TRAIN
from repository import STUDIES

from multilabel.core.errors import UserError
from multilabel.core.files import read_json
from multilabel.data.dataset import load_split
from multilabel.metrics.statistics import f1_per_record
from multilabel.studies.predicted_sets import AS_REPORTED, COMMON_RULE, predicted_sets

SHARED = {
    "study": {"scale": "tiny", "weights": "random", "stand_ins": {}},
    "scales": {"tiny": {"records": 40, "epochs": 2, "image_size": None, "width": None, "seeds": 2}},
    "studies": {"toy": {"dataset": "captions"}},
}
GROUPS = ("reference", "table_1")
GRU = {"encoder": "gru", "embedding": 16, "hidden": 16}
RUNS: dict[str, dict[str, Any]] = {
    "toy_tfidf_logreg": {"group": "reference", "baseline": "tfidf_logreg"},
    "toy_gru": {"group": "table_1", "row": "RNN", "text": GRU, "seeds": 3},
    "toy_wide": {"group": "table_1", "base": "toy_gru", "text": {"hidden": 24}},
    "toy_fusion": {
        "group": "reference",
        "base": "toy_gru",
        "image": {"encoder": "timm/resnet10t", "size": 32},
    },
}
TABLES: dict[str, dict[str, Any]] = {
    "toy_table_1": {
        "kind": "scores", "runs": "table_1", "published": "T1", "also": {"Fusion": ["toy_fusion"]},
        "base": "toy_gru", "floor": "RNN",
    },
    "toy_table_2": {
        "kind": "settings", "runs": "reference", "published": "T2",
        "settings": {"hidden units": {"text.hidden": ["toy_gru"]}, "rate": {"train.lr": ["toy_gru"]}},
    },
    "toy_table_3": {"kind": "split", "runs": "reference", "published": "T3"},
    "toy_table_4": {"kind": "per_label", "runs": "reference", "published": "T4", "of": ["toy_fusion"]},
    "toy_table_5": {"kind": "examples", "runs": "reference", "published": "T5", "of": {"Both": "toy_fusion"}},
    "toy_table_6": {
        "kind": "log", "runs": "reference", "published": "T6", "run": "toy_fusion", "curve": "train/loss",
    },
    "toy_table_7": {
        "kind": "counts", "runs": "reference", "published": "T7", "counts": "labels_per_record",
    },
}  # fmt: skip
PUBLISHED = {
    "file": "toy.pdf",
    "title": "A toy",
    "records": 48,
    "train_records": 24,
    "tables": {
        "T1": {"title": "Table 1", "kind": "results", "rows": {"RNN": {"f1": 0.5}, "Fusion": {"f1": 0.9}}},
        "T2": {"title": "Table 2", "kind": "settings", "rows": {"hidden units": 16, "rate": 0.1, "other": 1}},
        "T3": {
            "title": "Table 3",
            "kind": "eda",
            "rows": {"train": {"records": 24}, "validation": {"records": 8}, "test": {"records": 8}},
        },
        "T4": {"title": "Table 4", "kind": "results", "rows": {"label 1": {"f1": 0.5}, "label 9": {"f1": 0.5}}},
        "T5": {"title": "Table 5", "kind": "examples"},
        "T6": {
            "title": "Table 6",
            "kind": "log",
            "rows": {"epoch 1": {"loss": [0.8, 0.6]}, "epoch 2": {"loss": [0.5]}, "epoch 3": {"loss": [0.4]}},
        },
        "T7": {"title": "Table 7", "kind": "eda", "rows": {"1 label": 3}, "contradictions": ["F1"]},
    },
}
PARAMS = {
    "seed": 7,
    "datasets": {"captions": {}},
    "split": {"valid": 0.2, "test": 0.2, "seed": 42},
    "count": {"lost": []},
    "evaluate": {"n_resamples": 100},
    "limits": {"size_mb": None, "gpu_hours": None},
    "train": TRAIN | {"epochs": 3, "lr": 0.02, "decoding": {"name": "fixed", "threshold": 0.5, "fallback": False}},
    "groups": {f"toy_{group}": {"study": "toy", "group": group} for group in GROUPS},
    "runs": RUNS,
    "tables": TABLES,
    "explanations": {"toy_figures": {"study": "toy", "group": "reference", "of": "toy_fusion"}},
}


def stage(script: str) -> Callable[..., None]:
    folder = STUDIES / "stages" if (STUDIES / "stages" / f"{script}.py").exists() else ROOT / "src"
    return runpy.run_path(str(folder / f"{script}.py"))[script]


@pytest.fixture(scope="module")
def study(tiny_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The toy study with every stage done; the current folder is the study's."""
    root = tmp_path_factory.mktemp("toy")
    folder = root / "studies" / "toy"
    folder.mkdir(parents=True)
    shutil.copytree(tiny_project / "data", root / "data")
    (root / "src").symlink_to(ROOT / "src")
    (root / "studies/stages").symlink_to(STUDIES / "stages")
    files = {
        root / "params.yaml": {"datasets": {"captions": {"source": "my/photos.zip"}}},
        root / "studies/params.yaml": SHARED,
        folder / "params.yaml": PARAMS,
        folder / "published.yaml": PUBLISHED,
        folder / "contradictions.yaml": {"F1": "one label too many", "F2": "nowhere cited"},
    }
    for path, content in files.items():
        path.write_text(yaml.safe_dump(content, sort_keys=False))
    before = Path.cwd()
    os.chdir(folder)
    for name in ("count", "sample", "split", "encode_labels"):
        stage(name)("captions")
    stage("resolve_runs")("toy", "captions")
    for name in ("run", "compare"):
        for group in GROUPS:
            stage(name)(group)
    stage("explain")("toy_figures")
    os.chdir(root)
    stage("report_studies")()
    os.chdir(folder)
    yield folder
    os.chdir(before)


def table(study: Path, number: int) -> dict[str, Any]:
    (path,) = (study / "tables").glob(f"*/toy_table_{number}.json")
    return read_json(path)


def test_a_sample_keeps_what_it_is_a_sample_of(study: Path) -> None:
    about = {"data": "photos.zip", "records": 40, "of": 48}
    assert read_json(study / "data/raw/captions/sample.json") == about
    kept = pd.read_parquet(study / "data/raw/captions/records.parquet", columns=["id", "labels"])
    assert len(kept) == 40
    assert kept["labels"].notna().all()
    assert read_json(study / "data/counts.json")["all"]["records"] == 48  # counts are of all records


def test_the_sample_and_the_split_follow_the_seed_of_the_split_alone(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drawn(**change: Any) -> tuple[list[str], list[str]]:
        shutil.rmtree(tmp_path / "new", ignore_errors=True)
        for name in ("params.yaml", "data", "studies/params.yaml"):
            source, target = study.parent.parent / name, tmp_path / "new" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
        folder = tmp_path / "new/studies/toy"
        folder.mkdir(parents=True)
        (folder / "params.yaml").write_text(yaml.safe_dump(PARAMS | change))
        monkeypatch.chdir(folder)
        for name in ("sample", "split"):
            stage(name)("captions")
        assigned = pd.read_parquet("data/splits/captions.parquet")
        return assigned["id"].tolist(), assigned["split"].tolist()

    assert drawn() == drawn(seed=8)
    other = drawn(split={"valid": 0.2, "test": 0.2, "seed": 43})
    assert other[0] != drawn()[0]


def test_a_run_of_several_seeds_is_their_mean_and_leaves_one_model(study: Path) -> None:
    folder = study / "metrics/runs/table_1/toy_gru"
    scores = read_json(folder / "scores.json")
    assert scores["seeds"] == [7, 8]  # of training; three declared, two at this scale
    assert scores["spread"]["f1_samples"] > 0
    sets = predicted_sets(pd.read_parquet(folder / "predicted.parquet"), AS_REPORTED)
    f1 = [f1_per_record(sets.targets, own).mean() for own in sets.by_seed]
    assert len(f1) == 2
    assert scores["scores"]["f1_samples"] == pytest.approx(np.mean(f1), abs=1e-5)
    assert scores["test_records"] == len(sets.ids)
    assert set(scores["intervals"]) >= {"f1_samples", "f1_micro", "f1_macro", "exact_match"}
    low, high = scores["intervals"]["f1_samples"]
    assert low <= scores["scores"]["f1_samples"] <= high
    assert sorted(path.name for path in (study / "models").glob("*/*")) == sorted(RUNS)
    names = ["examples.json", "history.csv", "per_label.csv", "predicted.parquet", "scores.json"]
    assert sorted(path.name for path in folder.iterdir()) == names


def test_a_run_keeps_the_curves_of_every_seed_and_its_updates(study: Path) -> None:
    folder = study / "metrics/runs/table_1/toy_gru"
    scores, history = read_json(folder / "scores.json"), pd.read_csv(folder / "history.csv")
    assert (scores["epochs"], scores["image_size"]) == ([2, 2], None)
    assert scores["updates"] == scores["planned_updates"] == 2 * -(-scores["train_records"] // TRAIN["batch_size"])
    losses = history[history["curve"] == "train/loss"]
    assert losses.groupby("seed")["step"].apply(list).to_dict() == {7: [0, 1], 8: [0, 1]}
    sets = predicted_sets(pd.read_parquet(folder / "predicted.parquet"), COMMON_RULE)
    assert sets.ids.tolist() == load_split("captions", "test").ids
    assert sets.by_seed.any(axis=2).all()  # this rule leaves no set empty
    baseline = read_json(study / "metrics/runs/reference/toy_tfidf_logreg/scores.json")
    assert (baseline["updates"], baseline["planned_updates"]) == (0, 0)


def test_a_run_tells_what_every_decoding_makes_of_its_probabilities(study: Path) -> None:
    """The table's own rule, the same for networks and baselines, and one rule that needs nothing fitted."""
    for run in ("table_1/toy_gru", "reference/toy_tfidf_logreg"):
        scores = read_json(study / "metrics/runs" / run / "scores.json")
        assert scores["decoding"] == {"name": "fixed", "options": {"threshold": 0.5, "fallback": False}}
        assert set(scores["decodings"]) == {"fixed", "global", "per_label", "expected_f1"}
        assert scores["decodings"]["fixed"] == pytest.approx(scores["scores"]["f1_samples"], abs=1e-5)
        assert scores["decodings"]["expected_f1"] == pytest.approx(scores["common"]["scores"]["f1_samples"], abs=1e-5)


def test_a_table_of_scores_has_rows_claims_references_and_cost(study: Path) -> None:
    content = table(study, 1)
    assert {line["row"]: line["run"] for line in content["figures"]} == {"RNN": "toy_gru", "Fusion": "toy_fusion"}
    assert all("tiny scale" in line["caveats"] for line in content["figures"])
    (claim,) = content["claims"]
    assert (claim["better"], claim["worse"]) == ("Fusion", "RNN")
    others = {line["row"]: line for line in content["others"]}
    assert list(others)[:2] == ["toy_tfidf_logreg", "toy_wide"]
    assert others["toy_wide"]["difference"][1] <= others["toy_wide"]["difference"][0]
    assert "always the most frequent label" in list(others)[2]
    assert {line["run"] for line in content["cost"]} == {"toy_gru", "toy_fusion"}


def test_settings_are_compared_exactly(study: Path) -> None:
    said = {line["row"]: line["verdict"] for line in table(study, 2)["figures"]}
    assert said == {"hidden units": "set as published", "rate": "set otherwise", "other": "not run"}


def test_the_shares_of_the_splits_are_compared(study: Path) -> None:
    lines = table(study, 3)["figures"]
    assert [line["row"] for line in lines] == ["train", "validation", "test"]
    assert sum(line["ours"] for line in lines) == pytest.approx(1)


def test_scores_per_label_losses_examples_and_counts(study: Path) -> None:
    labels = {line["row"]: line for line in table(study, 4)["figures"]}
    scored = pd.read_csv(study / "metrics/runs/reference/toy_fusion/per_label.csv", dtype={"label": str})
    assert labels["label 1"]["ours"] == scored.set_index("label").loc["1", "f1"]
    assert labels["label 9"]["because"] == "no record has this label"
    (example, *_) = table(study, 5)["examples"]
    assert set(example) == {"record", "evidence", "trial", "true", "Both"}
    first, second, third = table(study, 6)["figures"]
    assert first["published"] == pytest.approx(0.7)
    assert first["ours"] > 0
    assert second["ours"] > 0
    assert third["ours"] is None  # two epochs at this scale
    (counted,) = table(study, 7)["figures"]
    assert counted["verdict"] == ("holds" if counted["ours"] == 3 else "does not hold")


def test_an_image_and_its_caption_are_explained(study: Path) -> None:
    found = {path.name for path in (study / "data/explanations/toy_figures").iterdir()}
    assert found == {"augmentation.png", "grad_cam.png", "feature_maps.png", "words.png", "explained.json"}


def test_the_page_shows_every_table_image_and_contradiction(study: Path) -> None:
    pages = study.parent.parent / "reports/studies"
    text = (pages / "toy.md").read_text()
    assert all(f"studies/dvc.yaml:compare@toy_{group}`" in text for group in GROUPS)
    shown = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert len(shown) >= 4
    assert [image for image in shown if not (pages / image).is_file()] == []
    assert "one label too many" in text
    assert "nowhere cited" in text
    assert "toy.md" in (pages / "README.md").read_text()
    assert "Table 7" in (pages.parent / "studies.html").read_text()


def written(study: Path) -> dict[str, str]:
    files = [path for name in ("runs", "resolved", "code", "declared") for path in (study / "data" / name).rglob("*.*")]
    return {str(path.relative_to(study / "data")): path.read_text() for path in files}


def dependencies(name: str) -> str:
    return json.dumps(yaml.safe_load((STUDIES / "dvc.yaml").read_text())["stages"][name]["do"]["deps"])


def test_a_changed_run_changes_what_it_and_its_tables_depend_on_and_nothing_else(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(study.parent.parent, tmp_path / "copy", symlinks=True, ignore=shutil.ignore_patterns("models"))
    copy = tmp_path / "copy/studies/toy"
    changed = PARAMS | {"runs": RUNS | {"toy_wide": RUNS["toy_wide"] | {"text": {"hidden": 20}}}}
    (copy / "params.yaml").write_text(yaml.safe_dump(changed, sort_keys=False))
    monkeypatch.chdir(copy)
    stage("resolve_runs")("toy", "captions")
    before, after = written(study), written(copy)
    stale = {name for name in after if after[name] != before.get(name)}
    assert stale == {"runs/table_1/toy_wide.json", "resolved/toy_wide.json", "declared/table_1.json"}
    assert "data/runs/${item.group}" in dependencies("run")
    assert "data/declared/${item.group}.json" in dependencies("compare")
    assert "data/resolved/${item.of}.json" in dependencies("explain")


@pytest.mark.parametrize(
    ("section", "name", "change", "message"),
    [
        ("runs", "toy_gru", {"row": "Rnn"}, "runs.toy_gru.row: no published table of group 'table_1' has a row 'Rnn'"),
        (
            "tables",
            "toy_table_1",
            {"kind": "score"},
            "unknown kind of table 'score' in tables.toy_table_1.kind; did you m",
        ),
        ("tables", "toy_table_1", {"kind": None}, "unknown kind of table None in tables.toy_table_1.kind"),
        ("tables", "toy_table_1", {"runs": "table_2"}, "unknown group 'table_2' in tables.toy_table_1.runs"),
        (
            "runs",
            "toy_wide",
            {"group": "table_2"},
            "unknown group 'table_2' in runs.toy_wide.group; did you mean 'table_1'",
        ),
        (
            "groups",
            "toy_table_1",
            {"study": "r1"},
            "studies/toy/params.yaml groups.toy_table_1: write it as toy_table_1: {study: toy, group: table_1}",
        ),
        ("tables", "toy_table_1", {"also": {"CNN": []}}, "unknown row 'CNN' in tables.toy_table_1.also"),
        ("tables", "toy_table_1", {"also": {"RNN": ["toy"]}}, "unknown run 'toy' in tables.toy_table_1"),
        ("tables", "toy_table_1", {"claims": [["CNN", "RNN"]]}, "unknown row 'CNN' in tables.toy_table_1.claims"),
        ("tables", "toy_table_1", {"corrected": {"CNN": {}}}, "unknown row 'CNN' in tables.toy_table_1.corrected"),
        ("tables", "toy_table_1", {"curve": "lr"}, "tables.toy_table_1: unknown key 'curve'"),
        ("tables", "toy_table_7", {"counts": "labels"}, "tables.toy_table_7.counts: input should be 'label_counts'"),
    ],
)
def test_a_mistake_in_a_run_or_a_table_is_one_line(
    study: Path, section: str, name: str, change: dict[str, Any], message: str
) -> None:
    blocks: dict[str, Any] = PARAMS[section]  # type: ignore[assignment]
    wrong = PARAMS | {section: blocks | {name: blocks[name] | change}}
    (study / "params.yaml").write_text(yaml.safe_dump(wrong))
    before = written(study)
    try:
        with pytest.raises(UserError) as error:
            stage("resolve_runs")("toy", "captions")
    finally:
        (study / "params.yaml").write_text(yaml.safe_dump(PARAMS, sort_keys=False))
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert written(study) == before  # a mistake leaves what was there
