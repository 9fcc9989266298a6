"""The parts of README.md and docs/studies.md that are made of committed results: `python tests/docs/results_in_pages.py`.

Each stands between `<!-- results: NAME -->` and `<!-- end of results -->` and is written anew from metrics/ and from
studies/*/results/; whatever else stands in a page is left alone.
"""

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from multilabel.core.files import read_json
from multilabel.core.settings import read_params
from multilabel.metrics.per_record import read
from multilabel.metrics.predictions import mean_difference
from multilabel.reporting.markdown import Markdown, code, table
from multilabel.reporting.tables import difference, leaderboard, short_markdown
from multilabel.studies.evidence import Results
from multilabel.studies.specification import RESULTS

ROOT = Path(__file__).resolve().parents[2]
PAGES = "README.md", "docs/studies.md", "docs/real_data.md", "docs/speed.md", "docs/faults.md", "docs/scale.md"
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
    heads = ["run", "scale, data", "samples-F1 (95 % interval)", "between seeds", "train s"]
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
        f1 = read(file)["captions"]
    return "" if name == base else difference(mean_difference((f1[name] - f1[base]).to_numpy(), 1000, 42))


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


BENCH = ROOT / "metrics" / "bench"  # what `make bench` and `make bench-gpu` measured


def _measured(device: str) -> tuple[dict[str, Any], list[str]]:
    """What was measured, and the lines that say where, with what and when; nothing before it was."""
    path = BENCH / f"{device}.json"
    if not path.exists():
        return {}, [f"Not measured yet: `make bench{'-gpu' * (device == 'gpu')}`."]
    found = read_json(path)
    about = found["about"]
    versions = ", ".join(f"{name} {about['versions'][name]}" for name in ("torch", "timm", "transformers"))
    machine = about["gpu"] if "gpu" in about else f"{about['processor']}, {about['cores']} cores"
    lines = [
        f"`{about['command']}`, {about['date']}, seed {about['seed']}: {machine}; Python {about['python']}, {versions}."
    ]
    picture = path.with_suffix(".png")
    return found, lines + [f"![](../metrics/bench/{picture.name})"] * picture.exists()


def _races(races: dict[str, Any], loops: Sequence[str]) -> str:
    """A row per race: our rate, and the median and range of its ratio to each other loop."""

    def ratio(race: dict[str, Any], other: str) -> str:
        found = race["ours_to"].get(other)
        return f"{found['median']:.2f} ({found['least']:.2f} to {found['greatest']:.2f})" if found else ""

    rows = [[code(name), race.get("precision", ""), f"{race['per_second']['ours']['median']:,.0f}", *(ratio(race, other) for other in loops)]
            for name, race in races.items()]  # fmt: skip
    return table(["of", "precision", "ours, records/s", *(f"to {other}" for other in loops)], rows)


def speed_cpu() -> str:
    """Training, prediction and decoding on a CPU."""
    found, lines = _measured("cpu")
    if "training" in found:
        lines += ["Training:", _races(found["training"], ("bare", "everybody", "trainer"))]
    others = {f"prediction, {name}": race for name, race in found.get("prediction", {}).items()}
    if "decoding" in found:
        others["cache of images"] = found["decoding"]
    if "ingesting" in found:
        others["ingest"] = found["ingesting"]
    return "\n\n".join([*lines, *(["Prediction and decoding:", _races(others, ["bare"])] if others else [])])


def speed_gpu() -> str:
    """Training, precisions, prediction and a kill on a GPU."""
    found, lines = _measured("gpu")
    if "ratios" in found:
        lines += ["Training:", _races(found["ratios"], ("bare", "everybody"))]
    if "prediction" in found:
        lines += ["Prediction:", _races(found["prediction"], ["bare"])]
    if "cuda_graphs" in found:
        rows = [["on" if row["cuda_graphs"] else "off", f"{row['seconds_per_epoch']['median']:.2f}",
                 f"{row['records'] / row['seconds_per_epoch']['median']:,.0f}", f"{row['train_loss'][-1]:.4f}"]
                for row in found["cuda_graphs"]]  # fmt: skip
        first = found["cuda_graphs"][0]
        lines += [f"`train.cuda_graphs`, {first['network']} at {first['size']} pixels, batches of {first['batch_size']}, "
                  f"{first['records']:,} images an epoch:",
                  table(["CUDA graphs", "s per epoch", "images/s", "last loss"], rows)]  # fmt: skip
    if "precisions" in found:
        rows = [[row["precision"], f"{row['seconds_per_epoch']['median']:.2f}", f"{row['peak_memory_gb'] or 0:.1f}",
                 f"{row['valid_f1_samples']:.3f}", f"{row['train_loss'][-1]:.4f}"] for row in found["precisions"]]  # fmt: skip
        first = found["precisions"][0]
        lines += [f"{first['network']}, batches of {first['batch_size']}, {first['records']:,} images an epoch, "
                  f"{len(first['train_loss'])} epochs, one seed:",
                  table(["precision", "s per epoch", "peak GB", "valid samples-F1", "last loss"], rows)]  # fmt: skip
    for mode, run in found.get("resume", {}).items():
        same = (
            "the same weights, bit for bit"
            if run["equal"]
            else f"weights that differ by {run['largest_difference']:.2g} at most"
        )
        lines.append(f"Killed after {run['steps_before_the_kill']} states of {run['steps']} steps and taken up ({mode.replace('_', ' ')}): {same}; "
                     f"two undisturbed runs differ by {run['largest_difference_of_two_undisturbed']:.2g}.")  # fmt: skip
    return "\n\n".join(lines)


IDLE = 4  # seconds: two that processes have to end in, and a `dvc repro` that finds nothing to do


def faults() -> str:
    """A row for each kind of fault: how often, and how it ended."""
    path = BENCH / "faults.json"
    if not path.exists():
        return "Not measured yet: `make faults`."
    found = read_json(path)
    about, rows = found["about"], []
    for kind in dict.fromkeys(case["kind"] for case in found["cases"]):
        cases = [case for case in found["cases"] if case["kind"] == kind]
        remedies = sorted({case["remedy"] for case in cases if case["remedy"]})
        counts = [sum(map(_struck, cases)), sum(case["same"] for case in cases), sum(case["orphans"] > 0 for case in cases),
                  sum(bool(case["left_over"]) for case in cases)]  # fmt: skip
        rows.append([kind, len(cases), *counts, ", ".join(remedies)])
    heads = ["fault", "times", "struck", "ended the same", "left a process", "left a file", "to do before"]
    said = f"`{about['command']}`, {about['date']}, seed {about['seed']}: {about['processor']}, {about['cores']} cores; a run takes {found['undisturbed']['seconds']:.0f} s."
    return f"{said}\n\n{table(heads, rows)}"


def _struck(case: dict[str, Any]) -> bool:
    """Whether something ended early: not where all went through, or where a signal came when nothing was left to do."""
    if case["kind"] not in ("SIGKILL", "SIGTERM"):
        return not case["done"].endswith("went through") or case["kind"] == "clock jumps"
    signalled = float(case["done"].removesuffix(" s").rpartition(" ")[2])
    return bool(case["seconds"] - signalled > IDLE)


STAGES = ("ingest", "eda", "split", "encode_labels", "predict")


def _scale(part: str) -> tuple[Any, str]:
    """What a part of `make scale` found, and where and when."""
    path = BENCH / f"scale_{part}.json"
    if not path.exists() or part not in read_json(path):
        return None, f"Not measured yet: `python -m bench.scale --parts {part}`."
    found = read_json(path)
    return found[part], _said(found["about"])


def _said(about: dict[str, Any]) -> str:
    note = f" {about['note']}" if "note" in about else ""
    return f"`{about['command']}`, {about['date']}: {about['processor']}, {about['cores']} cores.{note}"


def scale_stages() -> str:
    """Seconds and memory of each stage at each number of records and labels, and how they grow."""
    found, said = _scale("stages")
    if found is None:
        return said

    def shown(case: dict[str, Any], stage: str, text: str) -> str:
        return text.format(**case[stage]) if stage in case else ""

    def cells(text: str) -> str:
        rows = [[f"{case['records']:,}", case["labels"], *(shown(case, stage, text) for stage in STAGES)]
                for case in sorted(found, key=lambda case: (case["labels"], case["records"]))]  # fmt: skip
        return table(["records", "labels", *(code(stage) for stage in STAGES)], rows)

    few = sorted((case for case in found if case["labels"] == found[0]["labels"]), key=lambda case: case["records"])
    slopes = []
    for stage in STAGES:
        less, more = [case for case in few if stage in case][-2:]
        memory = (more[stage]["peak_mb"] - less[stage]["peak_mb"]) / (more["records"] - less["records"])
        times = more[stage]["cpu_seconds"] / less[stage]["cpu_seconds"]
        slopes.append(
            [code(stage), f"{less['records']:,} to {more['records']:,}", f"{1e5 * memory:.0f}", f"{times:.1f}"]
        )
    heads = ["stage", "between", "MB for each 100,000 records more", "times the processor seconds"]
    return "\n\n".join([said, "Seconds, and in brackets processor seconds:", cells("{seconds:.0f} ({cpu_seconds:.0f})"),
                        "Peak memory, MB:", cells("{peak_mb:.0f}"), table(heads, slopes)])  # fmt: skip


def scale_archive() -> str:
    """One large archive."""
    found, said = _scale("archive")
    if found is None:
        return said
    used = found["ingest"]
    return (f"{said}\n\n{found['source_mb'] / 1e3:.1f} GB, {found['records']:,} images of {found['side']} px: `ingest` took "
            f"{used['seconds']:.0f} s ({used['cpu_seconds']:.0f} processor seconds), {used['peak_mb']:.0f} MB.")  # fmt: skip


def scale_reading() -> str:
    """Images per second from a cache that is not in memory."""
    found, said = _scale("reading")
    if found is None:
        return said
    rows = []
    for side, part in found.items():
        for name, over in part["read_over_needed"].items():
            cold, warm = (part["per_second"][f"{name}, {state}"] for state in ("cold", "warm"))
            rows.append([side, name, f"{cold['median']:,.0f} ({cold['least']:,.0f} to {cold['greatest']:,.0f})",
                         f"{over['median']:.1f}", f"{warm['median']:,.0f}"])  # fmt: skip
    heads = ["px", "order", "images/s from the disk", "bytes read per byte needed", "images/s from memory"]
    return f"{said}\n\n{table(heads, rows)}"


def scale_processes() -> str:
    """One training by one process and by several."""
    found, said = _scale("processes")
    if found is None:
        return said
    rows = []
    for name, times in found["ways"].items():
        seconds = sorted(one["epoch_seconds"] for one in times)
        rows.append([name, f"{seconds[len(seconds) // 2]:.2f} ({seconds[0]:.2f} to {seconds[-1]:.2f})",
                     f"{times[-1]['f1_samples']:.4f}", f"{times[-1]['map']:.4f}", f"{times[-1]['loss']:.6f}"])  # fmt: skip
    return f"{said}\n\n{table(['way', 's per epoch', 'valid samples-F1', 'valid mAP', 'valid loss'], rows)}"


def speed_stages() -> str:
    """Seconds of each stage of `make repro`."""
    path = BENCH / "repro.json"
    if not path.exists():
        return "Not measured yet: `python -m bench.stages`."
    found = read_json(path)
    rows = []
    for kind, imports in found["imports"].items():
        own = {name: used for name, used in found["stages"].items() if name.partition("@")[0] == kind}
        trained = [seconds for name, seconds in found["trainings"].items() if name.partition("@")[0] == kind]
        runs = len(own) or len(trained)
        seconds = sum(used["cpu_seconds"] for used in own.values())
        longest = max(own, key=lambda name: own[name]["cpu_seconds"], default="")
        shown = f"{seconds:.0f}" if own else f"{sum(trained) + runs * imports['cpu_seconds']:.0f}"
        most = f"{longest} {own[longest]['cpu_seconds']:.1f}" if own else f"{sum(trained):.0f} of training"
        rows.append([code(kind), runs, shown, f"{runs * imports['cpu_seconds']:.0f}", most])
    heads = ["stage", "runs", "processor s in all", "of them imports", "most"]
    return f"{_said(found['about'])}\n\n{table(heads, rows)}"


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
    "speed_cpu": speed_cpu,
    "speed_gpu": speed_gpu,
    "faults": faults,
    "scale_stages": scale_stages,
    "scale_archive": scale_archive,
    "scale_reading": scale_reading,
    "scale_processes": scale_processes,
    "speed_stages": speed_stages,
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
