"""The tables of the report, gathered for exactly the names in params.yaml; the README shows the same ones."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from multilabel.core.files import read_json
from multilabel.core.paths import METRICS, REPORTS, predictions_file
from multilabel.metrics.predictions import paired_difference

EXPLANATIONS = {  # file -> what it shows
    "augmentation": "One picture, and what training makes of it",
    "grad_cam": "Grad-CAM: where the network looked for its two most probable labels",
    "feature_maps": "Feature maps by depth, the strongest channels of each",
    "words": "What each word adds to the logits of the two most probable labels (blue for, red against)",
}
COLUMNS = ("f1_samples", "f1_micro", "f1_macro", "map", "exact_match")


def leaderboard(architectures: Iterable[str], dataset: str, metrics: Path = METRICS) -> pd.DataFrame:
    """One row per architecture of a dataset, best samples-F1 on test first."""
    rows = [{"architecture": name, **read_json(metrics / "evaluate" / f"{name}.json")} for name in architectures]
    table = pd.DataFrame([row for row in rows if row["dataset"] == dataset])
    return table.sort_values("f1_samples", ascending=False, ignore_index=True)


def ablations(blocks: Mapping[str, Mapping[str, Any]], metrics: Path = METRICS) -> pd.DataFrame:
    """One row per ablation, with what its change did to the base."""
    return pd.DataFrame([{"ablation": name, **read_json(metrics / "ablate" / f"{name}.json")} for name in blocks])


def decodings(architectures: Iterable[str], reports: Path = REPORTS) -> pd.DataFrame:
    """Samples-F1 on test by architecture (rows) and rule that makes label sets of probabilities (columns)."""
    tables = {name: pd.read_csv(reports / "evaluate" / name / "decodings.csv") for name in architectures}
    return pd.DataFrame({name: table.set_index("decoding")["f1_samples"] for name, table in tables.items()}).T


def cautions(table: pd.DataFrame, limits: Mapping[str, float | None]) -> list[str]:
    """What a reader of a leaderboard must know before believing a row or sending it in."""
    lines = []
    for row in table.to_dict("records"):
        if row["coco_exposed"] != "no":
            has = "have" if row["coco_exposed"] == "yes" else "may have"
            lines.append(
                f"**Leak**: the pretrained weights of `{row['architecture']}` {has} seen COCO, whose pictures and captions "
                f"the competition uses; its scores there are not comparable."
            )
        if row["within_limits"] == "no":
            allowed = ", ".join(f"{name} {value:g}" for name, value in limits.items() if value is not None)
            lines.append(
                f"**Over the limits** ({allowed}): `{row['architecture']}` takes {row['size_mb']:.1f} MB and "
                f"{row['train_seconds'] / 3600:.2f} hours; it is not considered for submission."
            )
        if row["emptied_texts"]:
            lines.append(f"Cleaning leaves nothing of {row['emptied_texts']} test texts for `{row['architecture']}`.")
    return lines


def against_baselines(table: pd.DataFrame, baselines: set[str], draws: int, seed: int) -> tuple[str, pd.DataFrame]:
    """The best baseline of a leaderboard, and each network's paired difference to it with a verdict."""
    best = next((name for name in table["architecture"] if name in baselines), "")
    rows = []
    for name in table["architecture"]:
        if best and name not in baselines:
            change = paired_difference(predictions_file(name), predictions_file(best), draws, seed)
            rows.append({"architecture": name, **change, "verdict": verdict(change)})
    return best, pd.DataFrame(rows)


def verdict(change: Mapping[str, float]) -> str:
    """A difference in words: only an interval that excludes 0 counts."""
    if change["difference_ci_low"] > 0:
        return "better"
    return "worse" if change["difference_ci_high"] < 0 else "not distinguishable"


def markdown(table: pd.DataFrame) -> str:
    """A leaderboard as the README and the report print it."""
    heads = ["architecture", "reads", "samples-F1 (95 % interval)", "micro-F1", "macro-F1", "mAP", "exact"]
    heads += ["parameters", "MB stored", "MB fp32", "train s"]
    lines = ["| " + " | ".join(heads) + " |", "| " + " | ".join("---" for _ in heads) + " |"]
    for row in table.to_dict("records"):
        interval = f"**{row['f1_samples']:.3f}** ({row['f1_samples_ci_low']:.3f} to {row['f1_samples_ci_high']:.3f})"
        scores = " | ".join(f"{row[name]:.3f}" for name in COLUMNS[1:])
        cost = f"{row['parameters']:,} | {row['size_mb']:.1f} | {row['size_fp32_mb']:.1f} | {row['train_seconds']:.0f}"
        lines.append(f"| {row['architecture']} | {row['modality']} | {interval} | {scores} | {cost} |")
    return "\n".join(lines)


def separated(table: pd.DataFrame) -> str:
    """Whether the best model's interval lies above that of the best model reading each single input."""
    top = table.iloc[0]
    lines = []
    for modality in ("text", "image"):
        single = table[table["modality"] == modality]
        if top["modality"] == "image+text" and len(single):
            rival = single.iloc[0]
            apart = top["f1_samples_ci_low"] > rival["f1_samples_ci_high"]
            relation = "lies above" if apart else "overlaps"
            lines.append(
                f"The interval of `{top['architecture']}` {relation} that of the best {modality} model, "
                f"`{rival['architecture']}`."
            )
    return " ".join(lines)


def read_curve(folder: Path, name: str) -> pd.DataFrame | None:
    """One curve of a run as columns `step` and `value`, or None if the run did not log it."""
    path = folder / "plots" / "metrics" / f"{name}.tsv"
    if not path.exists():
        return None
    table = pd.read_csv(path, sep="\t")
    return pd.DataFrame({"step": table["step"], "value": table[name.rpartition("/")[2]]})


def examples(predictions: pd.DataFrame, number: int, right: bool, seed: int) -> pd.DataFrame:
    """A seeded sample of records that were predicted exactly, or not."""
    exact = np.array([set(t) == set(p) for t, p in zip(predictions["true"], predictions["predicted"], strict=True)])
    chosen = predictions[exact == right]
    return chosen.sample(min(number, len(chosen)), random_state=seed)


def explained(folder: Path) -> list[tuple[Path, str]]:
    """The pictures that `explain` left in a folder, and what each shows."""
    return [(folder / f"{name}.png", text) for name, text in EXPLANATIONS.items() if (folder / f"{name}.png").exists()]
