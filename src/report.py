"""Gather every table and figure into reports/report.md and one HTML page that opens offline."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from annotated_types import Ge

from multilabel.core.errors import run_stage
from multilabel.core.files import read_json, replacing_folder, write_text
from multilabel.core.paths import METRICS, REPORTS, labels_file, predictions_file, records_file
from multilabel.core.settings import parsed, read_params
from multilabel.data.labels import Labels
from multilabel.data.records import read_images, read_records
from multilabel.reporting import plots, tables
from multilabel.reporting.html import cell, render, self_contained_html

CURVES = ("train/loss", "valid/loss", "valid/f1_samples")


@dataclass(frozen=True, kw_only=True)
class ReportSettings:
    """How much is shown."""

    sample_predictions: Annotated[int, Ge(1)]


def report() -> None:
    """Write reports/report.md, reports/report.html and reports/figures/."""
    params = read_params()
    settings = parsed(ReportSettings, params.get("report"), "report")
    with replacing_folder(REPORTS / "figures") as folder:
        datasets = [_dataset(name, params, settings, folder) for name in params["datasets"]]
    changes = tables.ablations(params.get("ablations") or {}).to_dict("records")
    submissions = [
        {"dataset": d, **read_json(METRICS / "submission" / f"{d}.json")} for d in params.get("submission") or {}
    ]
    devices = {device for d in datasets for device in d["devices"]}

    markdown = render(
        "report.md.j2",
        seed=params["seed"],
        draws=params["evaluate"]["bootstrap"],
        device=", ".join(sorted(devices)),
        datasets=datasets,
        ablations=[row | {"verdict": tables.verdict(row)} for row in changes],
        explanations=_explanations(params.get("explanations") or {}),
        submissions=submissions,
    )
    write_text(REPORTS / "report.md", markdown)
    write_text(REPORTS / "report.html", self_contained_html(markdown, "Multi-label classification: report", REPORTS))
    for d in datasets:
        print(f"\n{d['name']}, test split, seed {params['seed']}\n\n{d['leaderboard']}")


def _dataset(name: str, params: dict[str, Any], settings: ReportSettings, folder: Path) -> dict[str, Any]:
    """Everything that the template says about one dataset; draws its figures into `folder`."""
    table = tables.leaderboard(params["architectures"], name)
    baselines = {a for a, block in params["architectures"].items() if block.get("baseline")}
    best = str(table["architecture"].iloc[0])
    plots.leaderboard(table, folder / f"{name}_leaderboard.png")
    baseline, comparison = tables.against_baselines(table, baselines, params["evaluate"]["bootstrap"], params["seed"])
    ingest = read_json(METRICS / "ingest" / f"{name}.json")
    return {
        "name": name,
        "eda": read_json(METRICS / "eda" / f"{name}.json"),
        "ingest": ingest,
        "reasons": "; ".join(f"{r}: {n}" for action in ingest["reasons"].values() for r, n in action.items()),
        "split": read_json(METRICS / "split" / f"{name}.json"),
        "labels": len(Labels.load(labels_file(name)).ids),
        "words": _telling_words(REPORTS / "eda" / name / "top_words.csv"),
        "leaderboard": tables.markdown(table),
        "cautions": tables.cautions(table, params["limits"]),
        "decodings": tables.decodings(table["architecture"]),
        "separated": tables.separated(table),
        "devices": sorted(set(table["device"])),
        "best": best,
        "baseline": baseline,
        "comparison": comparison.to_dict("records"),
        "curves": _curves(name, [a for a in table["architecture"] if a not in baselines], folder),
        "samples": _samples(name, best, params["seed"], settings.sample_predictions, folder),
    }


def _explanations(blocks: dict[str, Any]) -> list[dict[str, Any]]:
    """What explains each network, as paths from the report."""
    found = {name: tables.explained(REPORTS / "explain" / name) for name in blocks}
    return [
        {"of": blocks[name]["of"], "pictures": [(p.relative_to(REPORTS).as_posix(), text) for p, text in pictures]}
        for name, pictures in found.items()
    ]


def _curves(dataset: str, networks: list[str], folder: Path) -> list[str]:
    drawn = []
    for curve in CURVES:
        found = {name: tables.read_curve(METRICS / "train" / name, curve) for name in networks}
        by_run = {name: table for name, table in found.items() if table is not None}
        if by_run:
            drawn.append(curve.replace("/", "_"))
            plots.curves(by_run, curve, folder / f"{dataset}_{drawn[-1]}.png")
    return drawn


def _telling_words(path: Path) -> str:
    words = (
        pd.read_csv(path, keep_default_na=False).groupby("label", sort=False)["word"].apply(lambda w: ", ".join(w[:4]))
    )
    return "; ".join(f"*{label}* {found}" for label, found in words.items())


def _samples(dataset: str, best: str, seed: int, number: int, folder: Path) -> list[dict[str, str]]:
    """Rows for a table of right and wrong predictions; with pictures, contact sheets as well."""
    predictions = pd.read_parquet(predictions_file(best))
    labels = Labels.load(labels_file(dataset))
    texts = read_records(records_file(dataset)).set_index("id")["text"]
    rows = []
    for outcome in ("right", "wrong"):
        chosen = tables.examples(predictions, number, outcome == "right", seed)
        named = [
            (_names(t, labels), _names(p, labels)) for t, p in zip(chosen["true"], chosen["predicted"], strict=True)
        ]
        rows += [
            {"text": cell(texts[id]), "true": true, "predicted": predicted, "outcome": outcome}
            for id, (true, predicted) in zip(chosen["id"], named, strict=True)
        ]
        pictures = read_images(records_file(dataset), chosen["id"].tolist())
        if len(chosen) and pictures[0] is not None:
            titles = [
                f"{plots.wrap(texts[id])}\n{plots.wrap('true: ' + true)}\n{plots.wrap('predicted: ' + predicted)}"
                for id, (true, predicted) in zip(chosen["id"], named, strict=True)
            ]
            plots.pictures([p for p in pictures if p is not None], titles, 4, folder / f"{dataset}_{outcome}.png")
    return rows


def _names(ids: list[str], labels: Labels) -> str:
    names = dict(zip(labels.ids, labels.names, strict=True))
    return ", ".join(names[id] for id in ids)


if __name__ == "__main__":
    run_stage(report)
