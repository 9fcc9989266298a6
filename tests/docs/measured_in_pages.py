"""Blocks of pages that are made of what `bench/` measured, in metrics/bench/."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from multilabel.core.files import read_json
from multilabel.reporting.markdown import Markdown, code, table

ROOT = Path(__file__).resolve().parents[2]
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


def _agreement() -> tuple[dict[str, Any], str]:
    """What `python -m bench.agreement` found of each model, and where and when."""
    path = BENCH / "agreement.json"
    if not path.exists():
        return {}, "Not measured yet: `python -m bench.agreement`."
    found = read_json(path)
    return found["models"], _said(found["about"])


def exported() -> str:
    """A row per network: its graph against itself and against `evaluate`, and what 8 bits make of it."""
    models, said = _agreement()
    rows = []
    for name, model in models.items():
        if "to_the_network" not in model:
            continue
        small, onnx = model["int8"], model["ways"]["ONNX"]
        eight = [f"{small['size_mb']:.1f} of {small['fp32_size_mb']:.1f}", _over_fp32(small)] if small else ["", ""]
        same = f"{model['records'] - onnx['other_label_sets']:,} of {model['records']:,}"
        rows.append([code(name), _largest(model["to_the_network"]), _largest(onnx["largest"]), same, *eight])
    heads = ["network", "ONNX to the network in fp32", "ONNX to `evaluate`", "same label sets", "int8: MB",
             "int8: samples-F1 on valid (95 % interval of the difference)"]  # fmt: skip
    return "\n\n".join([said, table(list(map(Markdown, heads)), rows)]) if rows else said


def ways() -> str:
    """A row per way of using a model, over all models."""
    models, said = _agreement()
    rows = []
    for way in dict.fromkeys(way for model in models.values() for way in model["ways"]):
        own = {name: model["ways"][way] for name, model in models.items()}
        worst = max(own, key=lambda name: own[name]["largest"])
        alike = sum(one["largest"] == 0 for one in own.values())
        largest = own[worst]["largest"]
        shown = f"{_largest(largest)} (`{worst}`); none for {alike} of {len(own)} models" if largest else "none"
        others = sum(one["other_label_sets"] for one in own.values())
        rows.append([way, Markdown(shown), f"{others:,} of {sum(model['records'] for model in models.values()):,}"])
    heads = ["way", "largest difference of a probability to `evaluate`", "other label sets"]
    return "\n\n".join([said, table(list(map(Markdown, heads)), rows)]) if rows else said


def _largest(value: float) -> str:
    return f"{value:.1e}" if value else "0"


def _over_fp32(small: dict[str, Any]) -> str:
    low, high = small["difference_ci_low"], small["difference_ci_high"]
    return f"{small['difference']:+.4f} ({low:+.4f} to {high:+.4f})"


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
