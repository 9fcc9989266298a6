"""Finished tables of this repository's studies, filled with made-up runs: none, trials, or evidence of any verdict."""

import random
import shutil
from pathlib import Path
from typing import Any

from repository import PARAMS, STUDIES

from multilabel.core.files import write_json
from multilabel.studies.lines import (
    CANNOT,
    CORRECTED,
    FAILS,
    HOLDS,
    NO_VERDICT,
    NOISE,
    NOT_RUN,
    ONE_SEED,
    OTHER_SIZE,
    RUNS,
    SET,
    UNDERTRAINED,
)  # fmt: skip
from multilabel.studies.specification import PublishedTable, read_report
from multilabel.studies.tables import read_tables

ON_CLAIMS = (HOLDS, OTHER_SIZE, FAILS, NOISE, ONE_SEED, UNDERTRAINED, NO_VERDICT, CORRECTED)
OF_A_TRIAL = 0.7137137  # a score that no page may show beside a published one
REAL, TRIAL = "laptop, photos.zip", "smoke, generated"


def figure(row: str, measure: str, published: Any, kind: str = "none", **about: Any) -> dict[str, Any]:
    """A line of figures of a row that was not run (none), run as a trial, or run on real data."""
    known = {
        "none": {"run": "", "network": "", "evidence": "", "trial": False, "ours": None, "verdict": NOT_RUN, "modality": ""},
        "trial": {"run": "small", "network": "small", "evidence": TRIAL, "trial": True, "ours": OF_A_TRIAL, "verdict": RUNS, "modality": "text"},
        "real": {"run": "big", "network": "big", "evidence": REAL, "trial": False, "ours": 0.5, "verdict": CANNOT, "modality": "image"},
    }[kind]  # fmt: skip
    line = {
        "row": row, "measure": measure, "published": published, "variant": "as published", "seeds": 1, "low": None,
        "high": None, "difference": None, "same_rule": None, "because": "", "caveats": [],
        "undertrained": None,
    }  # fmt: skip
    return line | known | about


def claim(better: str, worse: str, verdict: str = NOT_RUN, **about: Any) -> dict[str, Any]:
    """A line of claims: not run, a trial (`RUNS`), or with a verdict."""
    ran, trial = verdict != NOT_RUN, verdict == RUNS
    line = {
        "better": better, "worse": worse, "runs": ["big", "small"] if ran else [], "variant": "as published",
        "evidence": (TRIAL if trial else REAL) if ran else "", "modality": "image+text" if ran else "", "trial": trial,
        "seeds": [3, 3], "networks": [better, worse], "measure": "f1_samples", "published": 0.1, "ours": OF_A_TRIAL if trial else 0.2 if ran else None,
        "low": 0.1 if ran else None, "high": 0.3 if ran else None, "p": None, "same_rule": None, "verdict": verdict,
        "because": "", "caveats": [],
    }  # fmt: skip
    return line | about


def cost(run: str, trial: bool) -> dict[str, Any]:
    """A line of what a run took."""
    return {
        "run": run, "network": run, "evidence": TRIAL if trial else REAL, "trial": trial, "seeds": 1, "train_seconds": 60.0,
        "predict_seconds": 1.0, "updates": 10, "published_updates": 20, "device": "cpu x1",
    }  # fmt: skip


def other(trial: bool) -> dict[str, Any]:
    """A line of a baseline."""
    return {
        "row": "baseline", "run": "baseline", "network": "", "variant": "as published", "evidence": TRIAL if trial else REAL, "trial": trial,
        "f1_samples": OF_A_TRIAL if trial else 0.6, "low": None, "high": None, "sd": None, "seeds": 1, "difference": None,
        "same_rule": None, "undertrained": None,
    }  # fmt: skip


def content(
    name: str, printed: PublishedTable, of_settings: bool, kinds: list[str], draw: random.Random
) -> dict[str, Any]:
    """A table whose rows and claims have evidence of these kinds, at random."""
    figures, rows = [], list(printed.rows)
    for row, values in printed.rows.items():
        for measure, published in (values if isinstance(values, dict) else {"": values}).items():
            setting = {"verdict": SET, "ours": published, "trial": False, "evidence": "", "run": ""}
            figures.append(figure(row, measure, published, draw.choice(kinds), **(setting if of_settings else {})))
    said = {"none": (NOT_RUN,), "trial": (RUNS,), "real": ON_CLAIMS}
    scored = printed.kind == "results"
    claims = [claim(rows[0], row, draw.choice(said[draw.choice(kinds)])) for row in rows[1:] if scored]
    known = [kind == "trial" for kind in kinds if kind != "none"]
    return {
        "name": name, "title": printed.title, "kind": printed.kind, "split": printed.split, "average": printed.average,
        "contradictions": list(printed.contradictions), "notes": [], "figures": figures, "claims": claims,
        "others": [other(trial) for trial in known], "cost": [cost("small" if trial else "big", trial) for trial in known],
        "examples": [], "tested": 0,
    }  # fmt: skip


def studies(root: Path, kinds: list[str], seed: int = 0) -> Path:
    """A folder with studies/ of this repository, whose tables are made up and whose runs are unknown."""
    draw = random.Random(seed)
    shutil.copytree(
        STUDIES, root / "studies", ignore=shutil.ignore_patterns("results", "stages", "data", "metrics", "models")
    )
    for study, params in PARAMS.items():
        report = read_report(STUDIES / study)
        for name, block in read_tables(params["tables"]).items():
            of_settings = params["tables"][name]["kind"] in ("settings", "split")
            made = {"group": block.runs, **content(name, block.printed(report, name), of_settings, kinds, draw)}
            write_json(root / "studies" / study / "tables" / block.runs / f"{name}.json", made)
    return root
