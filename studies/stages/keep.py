"""Keep what a study ran at a larger scale on real data: `python studies/stages/keep.py r4` adds it to studies/r4/results/.

Tables show a kept run beside, and rather than, what this checkout can run. Models and texts are not kept. Generated data
and the smoke scale are no evidence and stay behind.
"""

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from multilabel.core.errors import UserError, run_stage
from multilabel.core.files import read_json, replacing, write_json
from multilabel.studies.evidence import COMMON_RULE, SMOKE, Fresh, Results
from multilabel.studies.specification import COUNTS, GENERATED, RESULTS, RUNS, SCORES

STUDIES = Path(__file__).parent.parent
PACKAGES = ("torch", "torchvision", "transformers", "timm", "scikit-learn")


def keep(study: str) -> None:
    """Add the finished runs of a study to its results/."""
    folder = STUDIES / study
    if not folder.is_dir():
        raise UserError(f"{folder}: no such study; name one of the folders of {STUDIES}")
    fresh = {}
    for path in sorted((folder / RUNS).glob(f"*/*/{SCORES}")):
        scores = read_json(path)
        if scores["scale"] != SMOKE and scores["data"] != GENERATED:
            fresh[scores["run"]] = (scores, Fresh(path.parent))
    counts = folder / COUNTS
    found = read_json(counts) if counts.exists() else None
    add(Results(folder / RESULTS), fresh, found if found and found["data"] != GENERATED else None)
    print(f"{study}: kept {', '.join(fresh) or 'nothing'}")


def add(results: Results, fresh: dict[str, tuple[dict[str, Any], Fresh]], counts: dict[str, Any] | None) -> None:
    """Write the five files anew with some runs added or replaced."""
    scores = {**results.scores, **{run: found for run, (found, _) in fresh.items()}}
    manifest = results.manifest
    made = {run: _made(found) for run, (found, _) in fresh.items()}
    examples = {run: source.examples() for run, (_, source) in fresh.items()}
    write_json(results.folder / "scores.json", dict(sorted(scores.items())))
    write_json(
        results.folder / "manifest.json",
        {
            "runs": dict(sorted({**manifest["runs"], **made}.items())),
            "examples": dict(sorted({**manifest["examples"], **examples}.items())),
            "counts": counts or manifest["counts"],
        },
    )
    if not scores:
        return
    old = bool(results.scores)
    histories = [results.history[~results.history["run"].isin(fresh)]] if old else []
    labels = [results.labels[~results.labels["run"].isin(fresh)]] if old else []
    records = [results.records.drop(columns=[c for c in results.records if c.split()[0] in fresh])] if old else []
    for run, (_, source) in fresh.items():
        histories += [curve.assign(run=run, curve=name) for name, curve in source.curves().items()]
        labels.append(source.per_label().assign(run=run))
        records.append(source.f1_per_record().rename(run).to_frame())
        records.append(source.f1_per_record(COMMON_RULE).rename(f"{run} {COMMON_RULE}").to_frame())
    with replacing(results.folder / "history.csv") as partial:
        pd.concat(histories)[["run", "curve", "step", "value"]].to_csv(partial, index=False)
    with replacing(results.folder / "per_label.csv") as partial:
        table = pd.concat(labels)
        table[["run", *(column for column in table if column != "run")]].to_csv(partial, index=False)
    with replacing(results.folder / "f1_per_record.parquet") as partial:
        joined = pd.concat(records, axis=1).sort_index(axis=1).astype("float32")
        joined.rename_axis("id").reset_index().to_parquet(partial, index=False, compression="zstd")


def _made(scores: dict[str, Any]) -> dict[str, Any]:
    """How a run was made."""
    about = {key: scores[key] for key in ("seeds", "scale", "data", "device", "weights")}
    command = f"dvc repro studies/dvc.yaml:run@{scores['run']}"
    versions = {package: version(package) for package in PACKAGES}
    return {"command": command, **about, "machine": platform.processor() or platform.machine(), "versions": versions}


if __name__ == "__main__":
    run_stage(keep, "study")
