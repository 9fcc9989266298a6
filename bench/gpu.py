"""`python -m bench.gpu`: our loop on a GPU, against what it could do at best; without DVC, network or data.

Six parts: ratios of training, CUDA graphs, precisions, prediction, a kill, and what the GPU did meanwhile. Each is printed
and stored as soon as it is known. On a machine without a GPU the same runs on the CPU, which only `--tiny` makes bearable.
"""

import argparse
import gc
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

# Read when CUDA starts, so that matrix products can add up in a fixed order where a part asks for it.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch

from bench import resume
from bench.contenders import Bare, Everybody, Files, image_batches, usual_transforms
from bench.generated import LABELS, Generated, generate
from bench.machine import RESULTS
from bench.plots import over_time
from bench.races import Unsaved, precision_of, predict_in_turn, train_in_turn
from bench.rounds import in_words, rate, spread
from bench.session import Add, Say, Session
from multilabel.models.devices import accelerator
from multilabel.models.network import Network, build
from multilabel.models.prediction import prediction_batch
from multilabel.training.architectures import resolve
from multilabel.training.loop import Row, fit
from multilabel.training.settings import NetworkArchitecture
from multilabel.training.telemetry import Telemetry

SEED = 42


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    networks: tuple[str, ...]
    size: int  # pixels a side
    records: int  # a multiple of the batch size, so that all batches are alike
    held_out: int
    batch_size: int
    rounds: int
    precision_network: str
    precision_batch: int
    precision_epochs: int
    small_network: str  # of which launching kernels takes longer than they do
    small_size: int
    small_batch: int
    killed_network: str
    killed_size: int


FULL = Scale(
    networks=("timm/resnet50", "timm/regnetx_032"),
    size=224,
    records=10_240,
    held_out=1_024,
    batch_size=256,
    rounds=9,
    precision_network="timm/resnet50",
    precision_batch=64,
    precision_epochs=6,
    small_network="timm/tf_efficientnet_lite0",
    small_size=128,
    small_batch=64,
    killed_network="timm/resnet18",
    killed_size=64,
)
QUICK = replace(FULL, records=2_560, held_out=512, rounds=5, precision_epochs=3)
TINY = Scale(
    networks=("timm/resnet10t",),
    size=32,
    records=64,
    held_out=16,
    batch_size=16,
    rounds=2,
    precision_network="timm/resnet10t",
    precision_batch=16,
    precision_epochs=1,
    small_network="timm/resnet10t",
    small_size=32,
    small_batch=16,
    killed_network="timm/resnet10t",
    killed_size=32,
)
SCALES = {"": FULL, "--quick": QUICK, "--tiny": TINY}


def main() -> None:
    """Run all parts, or those named."""
    parser = argparse.ArgumentParser(description="Measure the training loop on a GPU; results as JSON and a plot.")
    scale = parser.add_mutually_exclusive_group()
    scale.add_argument("--quick", action="store_const", const="--quick", dest="scale", help="3 minutes on an H100")
    scale.add_argument("--tiny", action="store_const", const="--tiny", dest="scale", help="seconds, also on a CPU")
    parser.add_argument("--out", type=Path, default=RESULTS, help=f"folder of gpu.json and gpu.png: {RESULTS}")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="all of them by default")
    given = parser.parse_args()
    sys.exit(measure(given.scale or "", given.out, given.parts))


def measure(name: str, out: Path, parts: list[str]) -> int:
    """How many parts failed; what went well is stored anyway."""
    scale, marks = SCALES[name], []
    session = Session(out / "gpu.json", command=f"python -m bench.gpu {name}".rstrip(), seed=SEED, scale=vars(scale))
    device = accelerator("auto").device
    with (
        Telemetry(device, every=0.2) as telemetry,
        tempfile.TemporaryDirectory() as folder,
        (Path(folder) / "log").open("w") as log,
        redirect_stderr(log),  # bars of progress
    ):
        about = session.results.content["about"]
        session.say(f"{about.get('gpu', about['processor'])}, {device}")
        data = generate(scale.records + scale.held_out, scale.size, SEED)
        session.say(f"{len(data.pixels)} images of {scale.size} px made")
        for part in parts:
            marks.append({"part": part, "seconds": round(telemetry.seconds, 2)})
            session.attempt(part, partial(PARTS[part], scale, data, Path(folder)))
            session.results.add("telemetry", {"marks": marks, "samples": list(telemetry.samples)})
    if telemetry.samples:
        over_time(telemetry.samples, marks, out / "gpu.png")
    session.say(f"{session.results.path}, {len(telemetry.samples)} samples of the GPU")
    return session.failed


def ratios(scale: Scale, data: Generated, folder: Path, add: Add, say: Say) -> None:
    """Images per second of our loop, the bare loop and the loop that everybody writes."""
    found: dict[str, Any] = {}
    train, valid = parts_of(data, scale)
    paths, targets = data.write_jpegs(folder / "jpegs"), torch.from_numpy(data.targets)
    paths, targets = paths[: scale.records], targets[: scale.records]
    for encoder in scale.networks:
        architecture, net = network(encoder, scale, epochs=scale.rounds + 1)
        device = accelerator("auto")
        precision, steps = precision_of(device), scale.records // scale.batch_size
        batches = image_batches(2, scale.size, scale.batch_size, LABELS, device.device)
        bare = Bare(net, architecture, device.device, precision, batches)
        files = Files(targets, paths, usual_transforms(architecture))
        everybody = Everybody(net, architecture, device.device, precision, files)
        fewer = steps if everybody.workers else min(steps, 2)  # one process takes long for so many images
        contenders = {
            "bare": partial(rate, partial(bare.train, steps), device.device),
            "everybody": partial(rate, partial(everybody.train, fewer), device.device),
        }
        race = train_in_turn(net, architecture, train, valid, device, contenders, say)
        about = {"precision": precision, "batch_size": scale.batch_size, "workers": everybody.workers}
        found[encoder] = about | race
        add(found)
        say(f"{encoder}, {precision}, {everybody.workers} workers: {in_words(race)}")
        del net, bare, everybody, contenders, batches
        free()


def precisions(scale: Scale, data: Generated, folder: Path, add: Add, say: Say) -> None:
    """Seconds per epoch, memory and F1 of each precision; same seed, same batches, same device."""
    found = []
    for precision in ("fp32", "tf32", "bf16", "fp16") if torch.cuda.is_available() else ("fp32", "bf16"):
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        named = network(
            scale.precision_network, scale, epochs=scale.precision_epochs, batch_size=scale.precision_batch,
            precision=precision,
        )  # fmt: skip
        rows, trained = epochs_of(*named, scale, data, precision)
        peak = torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else None
        best = max(rows, key=lambda row: row["f1_samples"])
        found.append({
            "precision": precision, "network": scale.precision_network, **trained, "peak_memory_gb": peak,
            "valid_f1_samples": best["f1_samples"], "valid_f1_macro": best["f1_macro"],
        })  # fmt: skip
        add(found)
        say(f"{precision}: {trained['seconds_per_epoch']['median']:.3g} s per epoch, peak {peak or 0:.2f} GB, "
            f"F1 {best['f1_samples']:.4f} after {len(rows)} epochs")  # fmt: skip
        del named
        free()


def cuda_graphs(scale: Scale, data: Generated, folder: Path, add: Add, say: Say) -> None:
    """Seconds per epoch of a small network with and without them; same seed, same batches."""
    found, size = [], scale.small_size
    own = generate(scale.records + scale.held_out, size, SEED)
    for wanted in (False, True):
        named = network(scale.small_network, scale, scale.rounds, scale.small_batch, size=size, cuda_graphs=wanted)
        _, trained = epochs_of(*named, scale, own)
        found.append({"cuda_graphs": wanted, "network": scale.small_network, "size": size, **trained})
        add(found)
        say(f"{scale.small_network} {'with' if wanted else 'without'} CUDA graphs: "
            f"{trained['seconds_per_epoch']['median']:.3g} s per epoch")  # fmt: skip
        del named
        free()


def epochs_of(
    architecture: NetworkArchitecture, net: Network, scale: Scale, data: Generated, precision: str = "auto"
) -> tuple[list[Row], dict[str, Any]]:
    """The row of each epoch, and what is stored of a training; the first epoch counts only if it is the one there is."""
    rows: list[Row] = []
    train, valid = parts_of(data, scale)
    fit(net, architecture, train, valid, accelerator(precision), Unsaved(), rows.append)  # type: ignore[arg-type]
    seconds = [row["seconds"] for row in rows]
    return rows, {
        "batch_size": architecture.train.batch_size, "records": len(train),
        "seconds_per_epoch": spread(seconds[1:] or seconds), "train_loss": [row["train_loss"] for row in rows],
    }  # fmt: skip


def prediction(scale: Scale, data: Generated, folder: Path, add: Add, say: Say) -> None:
    """Images per second of `predict` against the forward pass on images that lie on the device, normalised."""
    found = {}
    for encoder in scale.networks:
        architecture, net = network(encoder, scale)
        device = accelerator("auto")
        batch_size = prediction_batch(scale.size, device.device)
        batches = image_batches(1, scale.size, batch_size, LABELS, device.device)
        found[encoder] = predict_in_turn(net, architecture, data.images(), batches, device, scale.rounds)
        add(found)
        say(f"prediction, {encoder}, batches of {batch_size}: {in_words(found[encoder])}")
        del net, batches
        free()


def kill_and_resume(scale: Scale, data: Generated, folder: Path, add: Add, say: Say) -> None:
    """A process is killed in the middle of an epoch, and another goes on."""
    found = resume.measure(folder / "states", scale.killed_network, scale.killed_size)
    add(found)
    for name, run in found.items():
        say(f"resumed ({name}): equal {run['equal']}, largest difference {run['largest_difference']:.3g}, of two undisturbed "
            f"runs {run['largest_difference_of_two_undisturbed']:.3g}")  # fmt: skip


PARTS: dict[str, Callable[[Scale, Generated, Path, Add, Say], None]] = {
    "ratios": ratios,
    "cuda_graphs": cuda_graphs,
    "precisions": precisions,
    "prediction": prediction,
    "resume": kill_and_resume,
}


def network(
    encoder: str, scale: Scale, epochs: int = 1, batch_size: int | None = None, size: int | None = None, **train: Any
) -> tuple[NetworkArchitecture, Network]:
    """With our defaults: AdamW, cosine, clip, flips and crops."""
    training = {"epochs": epochs, "batch_size": batch_size or scale.batch_size, "lr": 1e-3, "augment": "mild",
                "precision": "auto", **train}  # fmt: skip
    block = {"dataset": "generated", "image": {"encoder": encoder, "size": size or scale.size}}
    architecture = resolve("measured", {"measured": block}, training, SEED)
    assert isinstance(architecture, NetworkArchitecture)
    torch.manual_seed(SEED)
    return architecture, build(architecture.model, 0, LABELS)


def parts_of(data: Generated, scale: Scale) -> tuple[Any, Any]:
    """What is trained on, and what is held out."""
    train, valid = scale.records, scale.held_out
    first = Generated(data.pixels[:train], data.texts[:train], data.targets[:train])
    last = Generated(data.pixels[-valid:], data.texts[-valid:], data.targets[-valid:])
    return first.images(), last.images()


def free() -> None:
    """Give back what the last network had."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
