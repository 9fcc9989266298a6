"""The parts of README.md and docs/studies.md that are made of committed results: `python tests/docs/results_in_pages.py`.

Each stands between `<!-- results: NAME -->` and `<!-- end of results -->` and is written anew from metrics/ and from
studies/*/results/; whatever else stands in a page is left alone.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import measured_in_pages as measured
import pandas as pd

from multilabel.core.settings import read_params
from multilabel.metrics.per_record import read
from multilabel.metrics.predictions import difference_by_seed
from multilabel.reporting.markdown import Markdown, code, table
from multilabel.reporting.tables import difference, leaderboard, short_markdown
from multilabel.studies.evidence import Results
from multilabel.studies.specification import RESULTS

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "README.md",
    "docs/studies.md",
    "docs/real_data.md",
    "docs/using_a_model.md",
    "docs/speed.md",
    "docs/faults.md",
    "docs/scale.md",
)
BLOCK = re.compile(r"(<!-- results: (\w+) -->\n).*?(<!-- end of results -->)", re.DOTALL)


def studies() -> str:
    """What reports/studies/README.md begins with, up to the parts about single reports."""
    page = (ROOT / "reports" / "studies" / "README.md").read_text(encoding="utf-8")
    opening = page.partition("\n## ")[0].partition("\n")[2]
    return re.sub(r"\]\((\w+\.md)", r"](reports/studies/\1", opening).strip()


def kept_runs() -> str:
    """Every run that a study keeps, the best of each scale and data first."""
    rows = {}
    for study in sorted(path.parent.name for path in (ROOT / "studies").glob("*/published.yaml")):
        for found in Results(ROOT / "studies" / study / RESULTS).scores.values():
            spread = f"{found['spread']['f1_samples']:.4f} ({len(found['seeds'])})" if len(found["seeds"]) > 1 else ""
            score, (low, high) = found["scores"]["f1_samples"], found["intervals"]["f1_samples"]
            shown = f"{score:.3f} ({low:.3f} to {high:.3f})"
            made = f"{found['scale']}, {found['data']}"
            rows[made, study, -score, found["run"]] = [
                code(found["run"]),
                made,
                shown,
                spread,
                f"{found['scores']['train_seconds']:.0f}",
            ]
    if not rows:
        return "No run is kept yet."
    heads = ["run", "scale, data", "samples-F1 (95 %, over records)", "between seeds", "train s"]
    return table(heads, [rows[key] for key in sorted(rows)])


def leaders(dataset: str) -> str:
    """The leaderboard of a dataset, six columns."""
    return short_markdown(leaderboard(read_params(ROOT / "params.yaml")["architectures"], dataset, ROOT / "metrics"))


def fusion() -> str:
    """The best of those that read both beside the best of those that read one."""
    found = leaderboard(read_params(ROOT / "params.yaml")["architectures"], "captions", ROOT / "metrics")
    both = found["modality"] == "image+text"
    one, other = (found[rows].iloc[0] for rows in (both, ~both))
    shown = [
        f"{code(row['architecture'])} {row['f1_samples']:.3f} ({row['f1_samples_ci_low']:.3f} to "
        f"{row['f1_samples_ci_high']:.3f})" for row in (one, other)
    ]  # fmt: skip
    return f"Best that reads image and text: {shown[0]}; best that reads one of the two: {shown[1]}."


COMPETITION = ROOT / "recipes" / "competition"  # what recipes/competition.yaml gave on the real archive
CLEAN_TEXT, TEXT = (
    "stacked_text",
    "stacked_text_minilm",
)  # the best that reads no image, without and with COCO's captions
FIRST_SCREEN = ("stacked", "lite2_tuned", "stacked_text", "tfidf_logreg", "keyword_rule")


def _competition() -> pd.DataFrame:
    """Scores of the recipe's architectures, best first."""
    names = sorted(path.stem for path in (COMPETITION / "evaluate").glob("*.json"))
    return leaderboard(names, "captions", COMPETITION)


def _over(name: str, base: str) -> str:
    """The paired difference between two architectures on the records of the competition's test split."""
    with (COMPETITION / "f1_per_record.parquet").open("rb") as file:
        f1 = read(file)["captions"].by_seed
    return "" if name == base else difference(difference_by_seed(f1[name], f1[base], 1000, 42))


def competition() -> str:
    """The rows of the first screen."""
    found = _competition().set_index("architecture", drop=False).loc[list(FIRST_SCREEN)]
    return short_markdown(found.sort_values("f1_samples", ascending=False))


def competition_table(coco: str) -> str:
    """All columns that a reader of a competition wants, of weights that have seen COCO or have not."""
    base = TEXT if coco == "yes" else CLEAN_TEXT
    found = _competition()
    wanted = found[(found["coco_exposed"] == coco) | found["architecture"].isin([base, "tfidf_logreg", "keyword_rule"])]
    heads = [
        "architecture",
        "reads",
        "samples-F1 (95 % interval)",
        f"over {base}",
        "over tfidf_logreg",
        "over keyword_rule",
    ]
    heads += ["macro-F1", "mAP", "exact", "MB stored", "train s"]
    rows = []
    for row in wanted.to_dict("records"):
        name = str(row["architecture"])
        over = [_over(name, other) for other in (base, "tfidf_logreg", "keyword_rule")]
        score = f"**{row['f1_samples']:.3f}** ({row['f1_samples_ci_low']:.3f} to {row['f1_samples_ci_high']:.3f})"
        numbers = [f"{row[key]:.3f}" for key in ("f1_macro", "map", "exact_match")]
        rows.append([code(name), row["modality"], Markdown(score), *over, *numbers, f"{row['size_mb']:.1f}",
                     f"{row['train_seconds']:.0f}"])  # fmt: skip
    return table(heads, rows)


def rescued() -> str:
    """F1 of each label by text alone, by the image alone and by both, what the image adds most first."""
    found = pd.read_csv(COMPETITION / "per_label.csv").pivot(index="name", columns="architecture", values="f1")
    support = pd.read_csv(COMPETITION / "per_label.csv").groupby("name")["support"].first()
    gain = (found["stacked"] - found[CLEAN_TEXT]).sort_values(ascending=False)
    rows = [[label, int(support[label]), *(f"{found[name][label]:.3f}" for name in (CLEAN_TEXT, "lite2_tuned", "stacked")),
             f"{gain[label]:+.3f}"] for label in gain.index]  # fmt: skip
    return table(["label", "test records", "text alone", "image alone", "both", "what the image adds"], rows)


MADE: dict[str, Callable[[], str]] = {
    "captions": lambda: leaders("captions"),
    "books": lambda: leaders("books"),
    "fusion": fusion,
    "studies": studies,
    "kept_runs": kept_runs,
    "competition": competition,
    "competition_clean": lambda: competition_table("no"),
    "competition_exposed": lambda: competition_table("yes"),
    "rescued": rescued,
    "speed_cpu": measured.speed_cpu,
    "speed_gpu": measured.speed_gpu,
    "faults": measured.faults,
    "scale_stages": measured.scale_stages,
    "scale_archive": measured.scale_archive,
    "scale_reading": measured.scale_reading,
    "scale_processes": measured.scale_processes,
    "speed_stages": measured.speed_stages,
    "exported": measured.exported,
    "ways": measured.ways,
}


def filled(page: str, name: str) -> str:
    """The page with the block called `name` made anew."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{MADE[name]()}\n\n{found[3]}" if found[2] == name else found[0], page)


def names(page: str) -> list[str]:
    """The blocks of a page."""
    return [name for _, name, _ in BLOCK.findall(page)]


if __name__ == "__main__":
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for name in names(text):
            text = filled(text, name)
        (ROOT / page).write_text(text, encoding="utf-8")
        sys.stdout.write(f"{page}: {', '.join(names(text))}\n")
