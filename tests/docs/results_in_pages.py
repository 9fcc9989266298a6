"""The parts of README.md and docs/studies.md that are made of committed results: `python tests/docs/results_in_pages.py`.

Each stands between `<!-- results: NAME -->` and `<!-- end of results -->` and is written anew from metrics/ and from
studies/*/results/; whatever else stands in a page is left alone.
"""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from multilabel.core.settings import read_params
from multilabel.reporting.markdown import Markdown, bold, code, table
from multilabel.reporting.tables import leaderboard, short_markdown
from multilabel.studies.comparison import claim_verdict
from multilabel.studies.evidence import Evidence, Results, gather, paired
from multilabel.studies.specification import RESULTS, read_report

ROOT = Path(__file__).resolve().parents[2]
PAGES = "README.md", "docs/studies.md"
BLOCK = re.compile(r"(<!-- results: (\w+) -->\n).*?(<!-- end of results -->)", re.DOTALL)


@dataclass(frozen=True)
class Claim:
    """One row of a published table above another, and the two runs that stand for them here."""

    words: str
    study: str
    table: str  # id in published.yaml
    rows: tuple[str, str]
    runs: tuple[str, str]
    made_with: str  # what a reader must know before believing either verdict


R4 = "captions only; undertrained: of 10 epochs one of the last two is the best"
CLAIMS = [
    Claim(
        "fine-tuned BERT above a CNN on book descriptions", "r0", "T3", ("Fine-tuned BERT", "CNN"),
        ("r0_bert", "r0_textcnn"), "stand-in (MiniLM for BERT, one seed); the CNN is undertrained",
    ),
    Claim(
        "a CNN above an RNN, as published", "r0", "T3", ("CNN", "RNN"), ("r0_textcnn", "r0_gru"),
        "both undertrained: 5 epochs, far below TF-IDF; the RNN, decoded at its own 0.65, predicts `fiction` or nothing",
    ),
    Claim(
        "a CNN above an RNN, put right", "r0", "T3", ("CNN", "RNN"), ("r0_textcnn", "r0_bigru"),
        "both undertrained; the RNN reads in both directions, attends to words, and is decoded at 0.5",
    ),
    Claim("attention above none", "r4", "T2", ("With Attention", "Without Attention"),
          ("r4_captions", "r4_captions_no_attention"), R4),
    Claim("fastText above word2vec (skip-gram)", "r4", "T1", ("FastText (skip-gram)", "Word2vec (skip-gram)"),
          ("r4_captions", "r4_captions_word2vec_skip_gram"), R4),
    Claim("128 hidden units above 64", "r4", "Fig23", ("hidden 128", "hidden 64"),
          ("r4_captions", "r4_captions_hidden_64"), R4),
    Claim("batches of 64 above 128", "r4", "Fig29", ("batch size 64", "batch size 128"),
          ("r4_captions", "r4_captions_batch_128"), R4 + ", and larger batches make fewer steps"),
]  # fmt: skip


def kept(run: str) -> Evidence:
    """A run that its study keeps in git."""
    folder = ROOT / "studies" / run[:2]
    return gather([run], folder)[run][0]


def claims() -> str:
    """Published differences beside ours, recomputed from the F1 of each record."""
    rows = []
    for claim in CLAIMS:
        published = read_report(ROOT / "studies" / claim.study).tables[claim.table]
        printed = published.rows[claim.rows[0]]["f1"] - published.rows[claim.rows[1]]["f1"]
        first, second = (kept(run) for run in claim.runs)
        ours = paired(first, second)
        assert ours is not None, f"{claim.runs} were not scored on the same records"
        said, _ = claim_verdict(printed, ours, first, second)
        title = published.title.partition(":")[0].partition(" (")[0]
        found = f"{ours.value:+.3f} ({ours.low:+.3f} to {ours.high:+.3f})"
        rows.append(
            [f"{claim.words} ({claim.study}, {title})", f"{printed:+.3f}", found, bold(said), Markdown(claim.made_with)]
        )
    return table(["claim", "published", "here (95 % interval)", "verdict", "made with"], rows)


def kept_runs() -> str:
    """Every run that a study keeps, best first; the baselines of the captions once."""
    rows = {}
    for study in ("r0", "r2", "r4"):
        for run, found in Results(ROOT / "studies" / study / RESULTS).scores.items():
            if study == "r2" and found["group"] == "reference":
                continue  # the same as those of r4
            spread = f"{found['f1_samples_sd']:.4f} ({len(found['seeds'])})" if len(found["seeds"]) > 1 else ""
            score, (low, high) = found["scores"]["f1_samples"], found["intervals"]["f1_samples"]
            shown = f"{score:.3f} ({low:.3f} to {high:.3f})"
            reads = "books" if study == "r0" else "captions"
            rows[reads, -score, run] = [code(run), reads, shown, spread, f"{found['scores']['train_seconds']:.0f}"]
    heads = ["run", "reads", "samples-F1 (95 % interval)", "between seeds", "train s"]
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


MADE: dict[str, Callable[[], str]] = {
    "captions": lambda: leaders("captions"),
    "books": lambda: leaders("books"),
    "fusion": fusion,
    "claims": claims,
    "kept_runs": kept_runs,
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
