"""`python -m bench.scale`: how the seconds and the memory of stages and of prediction grow with the number of records.

Archives are made up, and every stage runs as a user's process does. All that is made lies in one folder, which is removed.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.catalogues import Catalogue
from bench.faults import PARAMS
from bench.machine import RESULTS
from bench.processes import NETWORK as PROCESSES
from bench.processes import trained, ways
from bench.reading import rates, write_pixels
from bench.session import Add, Say, Session

ROOT = Path(__file__).resolve().parent.parent
SEED = 42
NOTHING: Mapping[str, str] = {}
Usage = dict[str, float]  # seconds, processor seconds, peak memory
DATASET, MODEL = "made", "tiny"
STAGES = ("ingest", "eda", "split", "encode_labels")
NETWORK: dict[str, Any] = {
    "dataset": DATASET,
    "image": {"encoder": "timm/test_resnet", "size": 32},
    "text": {"encoder": "gru", "embedding": 32, "hidden": 32},
    "fusion": "concat",
    "train": {"epochs": 1, "batch_size": 64},
}
LARGE_SIDE = 1_000  # pixels of the images of the large archive, about half a megabyte each
LARGE_DIFFERENT = 32
SIDES = (64, 224)  # pixels of cached images
ROUNDS = 3
ROOM = 2.5  # times the size of an archive that must be free on the disk: itself, its records, and what is being written


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    records: tuple[int, ...]  # of the fewest labels; on the first a network is trained
    labels: tuple[int, ...]
    with_labels: int  # records, of every other number of labels
    archive: float  # GB
    cache: float  # GB of pixels
    drawn: int  # bytes of pixels, in MB, that each order reads
    trained: int  # records that one process and several train on
    minutes: float  # for everything; what has not begun by then is not measured


SCALES = {
    "": Scale((10_000, 100_000, 1_000_000), (18, 80, 500), 100_000, 5.0, 4.0, 400, 2_000, 90),
    "--quick": Scale((300, 600), (18, 30), 600, 0.01, 0.02, 2, 300, 5),
}


class OutOfTime(Exception):
    """The minutes of the measurement are over."""


@dataclass(frozen=True)
class Project:
    """A folder with one dataset, in which stages run."""

    folder: Path
    ends: float  # of `time.monotonic`

    def begin(self, catalogue: Catalogue, network: Mapping[str, Any] = NETWORK) -> float:
        """Write the source and the settings; returns the megabytes of the source."""
        self.folder.mkdir()
        catalogue.write(self.source)
        (self.folder / "src").symlink_to(ROOT / "src")
        params = {**PARAMS, "datasets": {DATASET: {"format": "competition", "source": self.source.name}},
                  "architectures": {MODEL: dict(network)}, "ablations": {}, "explanations": {}, "submission": {}}  # fmt: skip
        (self.folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
        return round(self.source.stat().st_size / 1e6, 1)

    @property
    def source(self) -> Path:
        """The archive; beside it lies its table."""
        return self.folder / "source.zip"

    def run(self, script: str, *arguments: str) -> Usage:
        """Seconds, processor seconds and peak memory of a stage."""
        return self.launch((), {}, script, *arguments)

    def launch(self, launcher: Sequence[str], environment: Mapping[str, str], script: str, *arguments: str) -> Usage:
        """The same of a stage that something else than Python starts."""
        first = [str(Path(sys.executable).with_name(launcher[0])), *launcher[1:]] if launcher else [sys.executable]
        return self._measured(*first, f"src/{script}.py", *arguments, environment=environment)

    def predict(self, model: Path) -> Usage:
        """The same of `multilabel predict` over the whole source."""
        program = str(Path(sys.executable).with_name("multilabel"))
        table = self.source.with_suffix(".csv")
        return self._measured(program, "predict", str(model), "--images", str(self.source), "--table", str(table),
                              "--out", str(self.folder / "labels.parquet"), "--quiet")  # fmt: skip

    def _measured(self, *command: str, environment: Mapping[str, str] = NOTHING) -> Usage:
        usage = [sys.executable, str(ROOT / "bench" / "usage.py"), *command]
        own = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "HF_HUB_OFFLINE": "1", **environment}
        process = subprocess.Popen(usage, cwd=self.folder, env=own, text=True, start_new_session=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
        try:
            said, complained = process.communicate(timeout=max(0.0, self.ends - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise OutOfTime(f"{' '.join(command[:3])} was stopped: the minutes are over") from None
        found = json.loads(said.splitlines()[-1])
        if found.pop("status"):
            raise RuntimeError(f"{' '.join(command)}: {complained[-1000:]}")
        return {name: round(value, 2) for name, value in found.items()}


def main() -> None:
    """Run all parts, or those named."""
    parser = argparse.ArgumentParser(description="Measure how seconds and memory grow with the records.")
    parser.add_argument("--quick", action="store_const", const="--quick", default="", dest="scale", help="a minute")
    parser.add_argument("--out", type=Path, default=RESULTS, help=f"folder of scale_<part>.json: {RESULTS}")
    parser.add_argument("--folder", type=Path, help="where archives are made and removed: the temporary folder")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="all of them by default")
    given = parser.parse_args()
    scale, failed = SCALES[given.scale], 0
    ends = time.monotonic() + 60 * scale.minutes
    for part in given.parts:
        command = f"python -m bench.scale {given.scale} --parts {part}".replace("  ", " ")
        session = Session(given.out / f"scale_{part}.json", command=command, seed=SEED, scale=vars(scale))
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            work = PARTS[part]
            session.attempt(part, lambda add, say: work(scale, Path(folder), ends, add, say))  # noqa: B023 (called at once)
        failed += session.failed
    sys.exit(failed)


def stages(scale: Scale, folder: Path, ends: float, add: Add, say: Say) -> None:
    """Each stage and prediction, at each number of records and of labels."""
    told: list[dict[str, Any]] = []
    for records, labels in _cases(scale):
        model = folder / f"model_{labels}"
        project = Project(folder / "project", ends)
        found: dict[str, Any] = {"records": records, "labels": labels}
        told.append(found)
        found["source_mb"] = project.begin(Catalogue(records, labels, seed=SEED))
        for stage in STAGES:
            found[stage] = project.run(stage, DATASET)
            add(told)
        if not model.exists():
            project.run("resolve")
            found["train"] = project.run("train", MODEL)
            shutil.copytree(project.folder / "models" / DATASET / MODEL, model)
        found["predict"] = project.predict(model)
        add(told)
        shutil.rmtree(project.folder)
        measured = {name: value for name, value in found.items() if isinstance(value, dict)}
        say(f"{records} records, {labels} labels: " + ", ".join(
            f"{name} {value['seconds']:.1f} s {value['peak_mb']:.0f} MB" for name, value in measured.items()))  # fmt: skip


def _cases(scale: Scale) -> list[tuple[int, int]]:
    """Numbers of records and of labels, few records first: what time does not suffice for is the largest."""
    others = [(records, labels) for labels in scale.labels[1:] for records in (scale.records[0], scale.with_labels)]
    return sorted([*((records, scale.labels[0]) for records in scale.records), *others])


def archive(scale: Scale, folder: Path, ends: float, add: Add, say: Say) -> None:
    """`ingest` of one large archive with large images."""
    sample = Project(folder / "sample", ends)
    each = sample.begin(Catalogue(LARGE_DIFFERENT, 18, LARGE_SIDE, SEED, LARGE_DIFFERENT)) / LARGE_DIFFERENT
    shutil.rmtree(sample.folder)
    free = shutil.disk_usage(folder).free / 1e9
    if free < ROOM * scale.archive:
        raise OSError(
            f"{folder}: {free:.1f} GB are free, and an archive of {scale.archive} GB takes {ROOM} times itself"
        )
    project = Project(folder / "project", ends)
    records = round(scale.archive * 1e3 / each)
    megabytes = project.begin(Catalogue(records, 18, LARGE_SIDE, SEED, LARGE_DIFFERENT))
    found = {"records": records, "side": LARGE_SIDE, "source_mb": megabytes, "ingest": project.run("ingest", DATASET)}
    add(found)
    say(f"{records} images of {LARGE_SIDE} px, {megabytes:.0f} MB: {found['ingest']}")


def reading(scale: Scale, folder: Path, ends: float, add: Add, say: Say) -> None:
    """Shuffled batches of a cache of pixels that is not in memory."""
    told = {}
    for side in SIDES:
        path = folder / "pixels.npy"
        number = write_pixels(path, scale.cache, side, SEED)
        found = rates(path, min(number, int(scale.drawn * 1e6 / (3 * side * side))), ROUNDS, SEED)
        path.unlink()
        told[str(side)] = {"images": number, **found}
        add(told)
        medians = ", ".join(f"{name} {part['median']:,.0f}/s" for name, part in found["per_second"].items())
        say(f"{number} images of {side} px: {medians}")


def processes(scale: Scale, folder: Path, ends: float, add: Add, say: Say) -> None:
    """A training by one process and by one for each core."""
    project = Project(folder / "project", ends)
    project.begin(Catalogue(scale.trained, scale.labels[0], seed=SEED), {**PROCESSES, "dataset": DATASET})
    for stage in ("ingest", "split", "encode_labels"):
        project.run(stage, DATASET)
    project.run("resolve")
    found: dict[str, list[Any]] = {name: [] for name in ways()}
    for _ in range(ROUNDS):
        for name, (launcher, environment) in ways().items():
            shutil.rmtree(project.folder / ".cache" / "trained", ignore_errors=True)  # or what it ended with is taken
            project.launch(launcher, environment, "train", MODEL)
            found[name].append(trained(project.folder / "metrics" / "train" / MODEL / "metrics.json"))
            add({"records": scale.trained, "ways": found})
            say(f"{name}: {found[name][-1]}")


PARTS: dict[str, Callable[[Scale, Path, float, Add, Say], None]] = {
    "stages": stages,
    "archive": archive,
    "reading": reading,
    "processes": processes,
}


if __name__ == "__main__":
    main()
