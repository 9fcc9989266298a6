"""Keep what a study ran at a larger scale on real data: `python studies/stages/keep.py r4` adds it to studies/r4/results/.

Tables show a kept run beside, and rather than, what this checkout can run. Models and texts are not kept. Generated data
and the smoke scale are no evidence and stay behind.
"""

import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from multilabel.core.errors import UserError, run_stage
from multilabel.core.files import read_json, replacing_folder, write_json
from multilabel.studies.evidence import MANIFEST, SMOKE, Fresh, Kept, Results, Source, kept_as
from multilabel.studies.specification import (
    COUNTS,
    GENERATED,
    HISTORY,
    LABELS,
    PREDICTED,
    RESULTS,
    RUNS,
    SCORES,
)

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
            fresh[kept_as(scores)] = (scores, Fresh(path.parent))
    counts = folder / COUNTS
    found = read_json(counts) if counts.exists() else None
    add(Results(folder / RESULTS), fresh, found if found and found["data"] != GENERATED else None)
    print(f"{study}: kept {', '.join(fresh) or 'nothing'}")


def add(results: Results, fresh: dict[str, tuple[dict[str, Any], Fresh]], counts: dict[str, Any] | None) -> None:
    """Write the five files anew with some runs added or replaced, all of them or none."""
    scores = {**results.scores, **{run: found for run, (found, _) in fresh.items()}}
    study = results.folder.parent.name
    made = {**results.manifest["runs"], **{run: _made(study, found) for run, (found, _) in fresh.items()}}
    examples = {**results.manifest["examples"], **{run: source.examples() for run, (_, source) in fresh.items()}}
    manifest = {
        "runs": {run: made[run] for run in sorted(scores)},
        "examples": {run: examples[run] for run in sorted(scores)},
        "counts": counts or results.manifest["counts"],
    }
    sources = {run: Kept(results, run) for run in results.scores} | {run: source for run, (_, source) in fresh.items()}
    with replacing_folder(results.folder) as partial:
        write_json(partial / MANIFEST, manifest)
        if scores:
            _write(partial, {run: scores[run] for run in sorted(scores)}, sources)


def _write(folder: Path, scores: Mapping[str, Any], sources: Mapping[str, Source]) -> None:
    write_json(folder / SCORES, scores)
    _joined({run: sources[run].history() for run in scores}).to_csv(folder / HISTORY, index=False)
    _joined({run: sources[run].per_label() for run in scores}).to_csv(folder / LABELS, index=False)
    # Not every run has the same seeds, so numbers may be missing.
    predicted = _joined({run: sources[run].predicted().convert_dtypes() for run in scores})
    predicted.to_parquet(folder / PREDICTED, index=False, compression="zstd")


def _joined(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """With the run before the other columns."""
    every = [table.assign(run=run) for run, table in tables.items()]
    whole = pd.concat([table for table in every if len(table)] or every[:1])
    return whole[["run", *(column for column in whole if column != "run")]]


def _made(study: str, scores: dict[str, Any]) -> dict[str, Any]:
    """How a run was made."""
    about = {key: scores[key] for key in ("seeds", "scale", "data", "device", "weights")}
    command = f"dvc repro studies/dvc.yaml:run@{study}_{scores['group']}"
    versions = {package: version(package) for package in PACKAGES}
    return {"command": command, **about, "machine": platform.processor() or platform.machine(), "versions": versions}


if __name__ == "__main__":
    run_stage(keep, "study")
