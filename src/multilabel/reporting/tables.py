"""The tables of the report, gathered for exactly the names in params.yaml; the README shows the same ones."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from multilabel.core.paths import METRICS, predictions_file
from multilabel.data.labels import Labels
from multilabel.metrics.predictions import label_table, paired_difference
from multilabel.reporting.markdown import Markdown, bold, code, table
from multilabel.reporting.results import OF_SEEDS, SCORED, decoded, predicted, stored, there

EXPLANATIONS = {  # file -> what it shows
    "augmentation": "One image, and what training makes of it",
    "grad_cam": "Grad-CAM: where the network looked for its two most probable labels",
    "feature_maps": "Feature maps by depth, the strongest channels of each",
    "words": "What each word adds to the logits of the two most probable labels (blue for, red against)",
}
DIFFERENCE = ("difference", "difference_ci_low", "difference_ci_high")
CURVES = ("train/loss", "valid/loss", "valid/f1_samples")  # by epoch
OVER_TIME = ("gpu/utilisation", "gpu/memory_gb", "gpu/power_w", "gpu/temperature_c")  # by second, where a GPU trained
SINGLE = ("text", "image")
CONSTANT = "nothing"  # what a model reads that says the same of every record


def leaderboard(architectures: Iterable[str], dataset: str, metrics: Path = METRICS) -> pd.DataFrame:
    """One row per architecture of a dataset, best samples-F1 on test first; empty if there is none."""
    rows = [{"architecture": name, **stored("evaluate", name, metrics)} for name in architectures]
    columns = ["architecture", *SCORED, *OF_SEEDS]
    found = pd.DataFrame([row for row in rows if row["dataset"] == dataset], columns=columns)
    return found.sort_values("f1_samples", ascending=False, ignore_index=True, kind="stable")


def ablations(blocks: Mapping[str, Mapping[str, Any]], metrics: Path = METRICS) -> list[dict[str, Any]]:
    """One row per ablation, with what its change did to the base."""
    rows = [{"ablation": name, **stored("ablate", name, metrics)} for name in blocks]
    return [row | {"verdict": verdict(row)} for row in rows]


def decodings(architectures: Iterable[str]) -> pd.DataFrame:
    """Samples-F1 on test by architecture (rows) and rule that makes label sets of probabilities (columns)."""
    found = {name: decoded(name).set_index("decoding")["f1_samples"] for name in architectures}
    return pd.DataFrame(found).T


def per_label(dataset: str, architectures: Iterable[str], labels: Labels) -> pd.DataFrame:
    """Precision, recall, F1, average precision and support of every label by every architecture, on test."""
    by_name = {name: label_table(predicted(name), labels) for name in architectures}
    found = pd.concat(by_name, names=["architecture", None]).reset_index("architecture")
    found.insert(0, "dataset", dataset)
    return found


def cautions(leaders: pd.DataFrame, limits: Mapping[str, float | None]) -> list[Markdown]:
    """What a reader of a leaderboard must know before believing a row or sending it in."""
    lines = []
    for row in leaders.to_dict("records"):
        name = code(row["architecture"])
        if row["coco_exposed"] != "no":
            has = "have" if row["coco_exposed"] == "yes" else "may have"
            lines.append(
                f"**Leak**: the pretrained weights of {name} {has} seen COCO, whose images and captions "
                f"the competition uses; its scores there are not comparable."
            )
        if row["within_limits"] == "no":
            allowed = ", ".join(f"{limit} {value:g}" for limit, value in limits.items() if value is not None)
            lines.append(
                f"**Over the limits** ({allowed}): {name} takes {row['size_mb']:.1f} MB and "
                f"{row['train_seconds'] / 3600:.2f} hours; it is not considered for submission."
            )
        if row["emptied_texts"]:
            lines.append(f"Cleaning leaves nothing of {row['emptied_texts']} test texts for {name}.")
    return [Markdown(line) for line in lines]


def against_baselines(
    leaders: pd.DataFrame, baselines: set[str], n_resamples: int, seed: int
) -> tuple[str, list[dict[str, Any]]]:
    """The best baseline of a leaderboard, and each network's paired difference to it with a verdict."""
    best = next((name for name in leaders["architecture"] if name in baselines), "")
    networks = [name for name in leaders["architecture"] if best and name not in baselines]
    return best, [{"architecture": name, **_compared(name, best, baselines, n_resamples, seed)} for name in networks]


def above_constant(leaders: pd.DataFrame, baselines: set[str], n_resamples: int, seed: int) -> tuple[str, list[str]]:
    """A model of a leaderboard that says the same of every record, and those that are better; ("", []) where there is none."""
    constant = next(iter(leaders[leaders["modality"] == CONSTANT]["architecture"]), "")
    others = leaders[leaders["modality"] != CONSTANT]["architecture"].tolist() if constant else []
    better = [name for name in others if _compared(name, constant, baselines, n_resamples, seed)["verdict"] == "better"]
    return constant, better


def fusion_gain(leaders: pd.DataFrame, baselines: set[str], n_resamples: int, seed: int) -> dict[str, Any] | None:
    """What reading both adds: the best fusion against the best model of one modality, each chosen on valid.

    The paired difference is on test; None where a dataset has no fusion or nothing to hold it against.
    """
    ranked = leaders.dropna(subset="valid_f1_samples").sort_values("valid_f1_samples", ascending=False, kind="stable")
    fusions, singles = (
        ranked[ranked["modality"] == "image+text"]["architecture"],
        ranked[ranked["modality"].isin(SINGLE)]["architecture"],
    )
    if fusions.empty or singles.empty:
        return None
    fusion, single = fusions.iloc[0], singles.iloc[0]
    return {"fusion": fusion, "single": single, **_compared(fusion, single, baselines, n_resamples, seed)}


def _compared(name: str, base: str, baselines: set[str], n_resamples: int, seed: int) -> dict[str, Any]:
    """The paired difference on test with its verdict."""
    own, other = (there(predictions_file(model), "evaluate", model) for model in (name, base))
    change = paired_difference(own, other, n_resamples, seed, (name not in baselines, base not in baselines))
    return {**change, "verdict": verdict(change)}


def verdict(change: Mapping[str, Any]) -> str:
    """A difference in words: only an interval that excludes 0 counts."""
    low, high = change["difference_ci_low"], change["difference_ci_high"]
    if low is None or low <= 0 <= high:
        return "not distinguishable"
    return "better" if low > 0 else "worse"


def short_markdown(leaders: pd.DataFrame) -> Markdown:
    """A leaderboard for the first screen: six columns."""
    heads = ["architecture", "reads", "test samples-F1 (95 % interval)", "test macro-F1", "test mAP", "train s"]
    rows = [
        [
            code(row["architecture"]),
            row["modality"],
            _with_interval(row),
            *_scores(row, "f1_macro", "map"),
            number(row["train_seconds"], ".0f"),
        ]
        for row in leaders.to_dict("records")
    ]
    return table(heads, rows)


def markdown(leaders: pd.DataFrame) -> Markdown:
    """A leaderboard with all columns."""
    heads = ["architecture", "reads", "valid samples-F1", "test samples-F1 (95 % interval)", "test micro-F1"]
    heads += ["test macro-F1", "test mAP", "test exact", "parameters", "MB stored", "MB fp32", "train s"]
    rows = [
        [
            code(row["architecture"]), row["modality"], *_scores(row, "valid_f1_samples"), _with_interval(row),
            *_scores(row, "f1_micro", "f1_macro", "map", "exact_match"),
            number(row["parameters"], ",.0f"), number(row["size_mb"], ".1f"), number(row["size_fp32_mb"], ".1f"),
            number(row["train_seconds"], ".0f"),
        ]
        for row in leaders.to_dict("records")
    ]  # fmt: skip
    return table(heads, rows)


def decodings_markdown(found: pd.DataFrame) -> Markdown:
    """Samples-F1 on test under every rule."""
    rows = [[code(name), *(number(value) for value in row)] for name, row in found.iterrows()]
    return table(["architecture", *found.columns], rows)


def changes_markdown(rows: Sequence[Mapping[str, Any]], *columns: str) -> Markdown:
    """Paired differences in test samples-F1 with their verdicts; `columns` name what is compared."""
    heads = [*columns, "difference in test samples-F1 (95 % interval)", "verdict"]
    return table(heads, [[*(code(row[name]) for name in columns), difference(row), row["verdict"]] for row in rows])


def difference(change: Mapping[str, Any]) -> str:
    """A paired difference with its interval."""
    value, low, high = (number(change[name], "+.3f") for name in DIFFERENCE)
    return f"{value} ({low} to {high})"


def _with_interval(row: Mapping[Hashable, Any]) -> Markdown:
    score, low, high = _scores(row, "f1_samples", "f1_samples_ci_low", "f1_samples_ci_high")
    spread = "" if np.isnan(row["f1_samples_sd"]) else f" ± {row['f1_samples_sd']:.3f} of {row['seeds']:.0f} seeds"
    return Markdown(f"{bold(score)}{spread} ({low} to {high})")


def _scores(row: Mapping[Hashable, Any], *names: str) -> list[str]:
    return [number(row[name]) for name in names]


def number(value: float | None, form: str = ".3f") -> str:
    """`n/a` for what could not be computed."""
    return "n/a" if value is None or np.isnan(value) else format(value, form)


def read_curve(folder: Path, name: str) -> pd.DataFrame | None:
    """One curve of a run as columns `step` and `value`, or None if the run did not log it."""
    path = folder / "plots" / "metrics" / f"{name}.tsv"
    if not path.exists():
        return None
    found = pd.read_csv(path, sep="\t")
    return pd.DataFrame({"step": found["step"], "value": found[name.rpartition("/")[2]]})


def read_curves(folder: Path) -> dict[str, pd.DataFrame]:
    """All that a run logged by epoch, by name."""
    logged = folder / "plots" / "metrics"
    names = [path.relative_to(logged).with_suffix("").as_posix() for path in sorted(logged.rglob("*.tsv"))]
    found = {name: read_curve(folder, name) for name in names if name not in OVER_TIME}
    return {name: curve for name, curve in found.items() if curve is not None}


def curves(
    networks: Iterable[str], names: Iterable[str] = CURVES, metrics: Path = METRICS
) -> dict[str, dict[str, pd.DataFrame]]:
    """Curve -> run -> its points, of the runs that logged it."""
    found = {name: {run: read_curve(metrics / "train" / run, name) for run in networks} for name in names}
    return {name: {run: curve for run, curve in runs.items() if curve is not None} for name, runs in found.items()}


def joined_curves(dataset: str, by_curve: Mapping[str, Mapping[str, pd.DataFrame]]) -> pd.DataFrame:
    """All curves of a dataset in one table, a row per architecture and step: what `dvc plots` overlays."""
    columns = [
        pd.concat([curve.assign(architecture=run) for run, curve in runs.items()])
        .set_index(["architecture", "step"])["value"]
        .rename(name.replace("/", "_"))
        for name, runs in by_curve.items()
        if runs
    ]
    found = pd.concat(columns, axis=1).reset_index() if columns else pd.DataFrame(columns=["architecture", "step"])
    found.insert(0, "dataset", dataset)
    return found


def examples(predictions: pd.DataFrame, number: int, right: bool, seed: int) -> pd.DataFrame:
    """A seeded sample of records that were predicted exactly, or not; fewer, or none, where there are not so many."""
    exact = np.array(
        [set(t) == set(p) for t, p in zip(predictions["true"], predictions["predicted"], strict=True)], dtype=bool
    )
    chosen = predictions[exact == right]
    return chosen.sample(min(number, len(chosen)), random_state=seed)


def explained(folder: Path) -> list[tuple[Path, str]]:
    """The figures that `explain` left in a folder, and what each shows."""
    return [(folder / f"{name}.png", text) for name, text in EXPLANATIONS.items() if (folder / f"{name}.png").exists()]
