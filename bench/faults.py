"""`python -m bench.faults`: a small pipeline disturbed at random, from a seed; `dvc repro` must then end as if nothing had been.

Each fault gets a fresh copy of the project. What is compared: every metric but seconds, all predictions and weights, byte for
byte; that no process is left; that no file is left which the undisturbed run does not have. Needs Linux.
"""

import argparse
import hashlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from bench.machine import RESULTS
from bench.session import Session
from multilabel.core.files import read_json

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("src", "studies/stages", "studies/params.yaml", "dvc.yaml", ".dvcignore", ".gitignore", ".dvc/config")
SIGNALS = {"SIGKILL": signal.SIGKILL, "SIGTERM": signal.SIGTERM}
VICTIMS = ("dvc", "stage", "all")  # dvc itself, the youngest process that it started, or everything at once
COMPARED = ("metrics/**/*.json", "data/predictions/**/*", "data/submission/*.csv", "models/**/*.safetensors")
OWN = (".git", ".dvc", ".cache", "__pycache__")  # folders whose files are not compared by name
LIMIT = 1_800  # seconds after which a run hangs
PARAMS: dict[str, Any] = {
    "seed": 42,
    "ingest": {"on_bad_record": "reject", "max_megapixels": 50, "max_unpacked_gb": 20},
    "datasets": {
        "captions": {"format": "competition", "source": "synthetic", "label_names": "coco",
                     "synthetic": {"labelled": 160, "unlabelled": 12, "seed": 42}},
    },
    "eda": {"top_words": 3, "max_sample_images": 2},
    "split": {"valid": 0.1, "test": 0.25, "seed": 42},
    "launcher": "python",
    "train": {"epochs": 3, "batch_size": 16, "lr": 3e-3, "precision": "fp32", "augment": "mild"},
    "architectures": {
        "tfidf_logreg": {"dataset": "captions", "baseline": "tfidf_logreg"},
        "gru": {"dataset": "captions", "text": {"encoder": "gru", "embedding": 16, "hidden": 16}},
        "resnet": {"dataset": "captions", "image": {"encoder": "timm/resnet10t", "size": 32}},
    },
    "ablations": {"no_dropout": {"base": "gru", "text": {"dropout": 0.0}}},
    "evaluate": {"n_resamples": 100},
    "explanations": {"words": {"dataset": "captions", "of": "gru"}},
    "limits": {"size_mb": 100, "gpu_hours": 24},
    "submission": {"captions": {"select_by": "f1_samples"}},
    "report": {"sample_predictions": 2},
}  # fmt: skip
TINY = {**PARAMS, "architectures": {"resnet": PARAMS["architectures"]["resnet"]}, "ablations": {}, "explanations": {}}


class Project:
    """A copy of this project with a small pipeline, in a folder of its own."""

    def __init__(self, folder: Path, code: Path, params: dict[str, Any]) -> None:
        """Made anew of the files below `code`; git holds what it begins with."""
        self.folder = folder
        for name in COPIED:
            source, target = code / name, folder / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
            elif source.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)
        (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
        who = ("-c", "user.name=faults", "-c", "user.email=faults@example.org")
        for command in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "begin"]):
            subprocess.run(["git", *command], cwd=folder, check=True)

    def start(self, *arguments: str, limit: int | None = None) -> subprocess.Popen:
        """`dvc repro`, in a process group of its own; no file grows beyond `limit` bytes."""
        environment = {**os.environ, "PYTHONPATH": "src", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
        limits = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (limit, limit)) if limit else None
        dvc = [str(Path(sys.executable).with_name("dvc")), "repro", *arguments]
        return subprocess.Popen(dvc, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, start_new_session=True, preexec_fn=limits)  # fmt: skip

    def repro(self, *arguments: str) -> tuple[int, str]:
        """The exit status and what was printed."""
        process = self.start(*arguments)
        try:
            output, _ = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return -1, "hangs"
        return process.returncode, output

    def processes(self) -> list[int]:
        """Those that run in this folder."""
        return processes_in(self.folder)

    def results(self) -> dict[str, str]:
        """File -> digest of what must not change."""
        files = [path for pattern in COMPARED for path in sorted(self.folder.glob(pattern)) if path.is_file()]
        return {str(path.relative_to(self.folder)): _digest(path) for path in files}

    def files(self) -> set[str]:
        """All that lies around, DVC's and git's own and caches aside, and what was being written."""
        inside = {path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file()}
        partial_ = {str(path) for path in inside if path.parts[:2] == (".cache", "partial")}
        return partial_ | {str(path) for path in inside if not set(OWN) & set(path.parts)}


def processes_in(folder: Path) -> list[int]:
    """Those whose current folder lies in `folder`, youngest last."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):  # gone, or somebody else's
                found += [int(entry.name)] * Path(os.readlink(entry / "cwd")).is_relative_to(folder)
    return sorted(found)


@contextmanager
def nothing_left(folder: Path) -> Iterator[None]:
    """However a campaign ends, what runs in its folder ends with it."""
    try:
        yield
    finally:
        for process in processes_in(folder):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


Disturb = Callable[[Project, random.Random, float], str]  # with the seconds of an undisturbed run; says what was done


def killed(name: str, project: Project, draw: random.Random, seconds: float) -> str:
    """A signal at any moment of a run."""
    process, victim = project.start(), draw.choice(VICTIMS)
    time.sleep(after := draw.uniform(0.02, 1.0) * seconds)
    if victim == "all":
        os.killpg(process.pid, SIGNALS[name])
    else:
        running = project.processes()
        os.kill(process.pid if victim == "dvc" or len(running) < 2 else running[-1], SIGNALS[name])
    process.communicate()
    return f"{victim} after {after:.1f} s"


def disk_full(project: Project, draw: random.Random, seconds: float) -> str:
    """No file may grow beyond a random size, as on a disk that is full."""
    limit = int(2 ** draw.uniform(9, 22))
    process = project.start(limit=limit)
    process.communicate()
    return f"files of at most {limit:,} bytes"


def cut_short(pattern: str, stage: str, project: Project, draw: random.Random, seconds: float) -> str:
    """After a whole run a file that saves time loses its end, and `stage` runs again."""
    project.repro()
    if not pattern.startswith(".cache/trained/"):  # or what it ended with would be taken
        shutil.rmtree(project.folder / ".cache" / "trained")
    found = sorted(path for path in project.folder.glob(pattern) if path.is_file())
    if not found:
        raise FileNotFoundError(f"a whole run leaves no {pattern}")
    path = draw.choice(found)
    size = path.stat().st_size
    path.chmod(0o644)
    os.truncate(path, kept := draw.randrange(size))
    project.repro("-f", "-s", stage)
    return f"{path.relative_to(project.folder)} keeps {kept:,} of {size:,} bytes"


def lock_cut_short(project: Project, draw: random.Random, seconds: float) -> str:
    """DVC writes dvc.lock in place: a power failure may cut it."""
    project.repro()
    path = project.folder / "dvc.lock"
    os.truncate(path, kept := draw.randrange(path.stat().st_size))
    return f"dvc.lock keeps {kept:,} bytes"


def two_at_once(project: Project, draw: random.Random, seconds: float) -> str:
    """A second `dvc repro` while one runs."""
    first = project.start()
    time.sleep(after := draw.uniform(0, 0.5) * seconds)
    project.repro()
    first.communicate()
    return f"the second after {after:.1f} s"


def clock_jumps(project: Project, draw: random.Random, seconds: float) -> str:
    """All files seem to be years older or younger."""
    project.repro()
    for path in project.folder.rglob("*"):
        if path.is_file() and ".git" not in path.parts:
            moment = time.time() + draw.uniform(-3e8, 3e8)
            os.utime(path, (moment, moment))
    return "times within ten years of now"


FAULTS: dict[str, tuple[int, Disturb]] = {  # how often, and what
    "SIGKILL": (20, partial(killed, "SIGKILL")),
    "SIGTERM": (10, partial(killed, "SIGTERM")),
    "disk full": (5, disk_full),
    "pixel cache cut short": (1, partial(cut_short, ".cache/pixels/*.npy", "train@resnet")),
    "end of a training cut short": (1, partial(cut_short, ".cache/trained/*", "train@resnet")),
    "cache of DVC cut short": (2, partial(cut_short, ".dvc/cache/files/md5/*/*", "train@resnet")),
    "dvc.lock cut short": (2, lock_cut_short),
    "two dvc repro at once": (2, two_at_once),
    "clock jumps": (1, clock_jumps),
}


def main() -> None:
    """Run the campaign, or some kinds of faults so many times."""
    parser = argparse.ArgumentParser(description="Disturb a small pipeline at random, and count how it ends.")
    parser.add_argument("--seed", type=int, default=42, help="42")
    parser.add_argument(
        "--faults", nargs="+", choices=FAULTS, default=list(FAULTS), metavar="KIND", help=", ".join(FAULTS)
    )
    parser.add_argument("--times", type=int, help="of each kind; by default 20 SIGKILL, 10 SIGTERM, few of others")
    parser.add_argument("--out", type=Path, default=RESULTS, help=f"folder of faults.json: {RESULTS}")
    parser.add_argument("--tiny", action="store_true", help="with one network and nothing else")
    given = parser.parse_args()
    params, command = (TINY, "python -m bench.faults --tiny") if given.tiny else (PARAMS, "python -m bench.faults")
    session = Session(given.out / "faults.json", command=command, seed=given.seed)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    with tempfile.TemporaryDirectory() as folder, nothing_left(Path(folder)):
        undisturbed = Project(Path(folder) / "undisturbed", ROOT, params)
        began = time.monotonic()
        status, output = undisturbed.repro()
        if status:
            sys.exit(f"the undisturbed run fails:\n{output[-3000:]}")
        seconds = time.monotonic() - began
        session.results.add("undisturbed", {"seconds": round(seconds, 1), "files": len(undisturbed.results())})
        session.say(f"the undisturbed run takes {seconds:.0f} s and leaves {len(undisturbed.results())} results")
        told: list[dict[str, Any]] = []
        for kind, number in _plan(given.faults, given.times):
            draw = random.Random(f"{given.seed} {kind} {number}")
            project = Project(Path(folder) / "disturbed", undisturbed.folder, params)
            found = _case(kind, number, project, undisturbed, draw, seconds)
            shutil.rmtree(Path(folder) / "disturbed")
            told.append(found)
            session.results.add("cases", told)
            session.say(", ".join(f"{key} {value}" for key, value in found.items()))
    sys.exit(sum(not case["same"] for case in told))


def _plan(kinds: list[str], times: int | None) -> Iterator[tuple[str, int]]:
    for kind in kinds:
        for number in range(times or FAULTS[kind][0]):
            yield kind, number


def _case(
    kind: str, number: int, project: Project, undisturbed: Project, draw: random.Random, seconds: float
) -> dict[str, Any]:
    """What was done, and how it ended."""
    done = FAULTS[kind][1](project, draw, seconds)
    time.sleep(2)  # an orphan has noticed by then
    orphans = project.processes()
    status, output = project.repro()
    remedy = ""
    if status and "dvc.lock" in output:
        (project.folder / "dvc.lock").unlink()
        remedy, (status, output) = "rm dvc.lock", project.repro()
    expected, results = undisturbed.results(), project.results()
    same, left = status == 0 and results == expected, sorted(project.files() - undisturbed.files())
    found = {"kind": kind, "number": number, "done": done, "same": same, "remedy": remedy, "orphans": len(orphans)}
    found["left_over"] = left[:5]
    if not same:
        found["different"] = [
            name for name in results.keys() | expected.keys() if results.get(name) != expected.get(name)
        ]
        found["output"] = output[-1500:]
    return found


def _digest(path: Path) -> str:
    content = path.read_bytes()
    if path.suffix == ".json":
        content = repr(_timeless(read_json(path))).encode()
    return hashlib.sha256(content).hexdigest()


def _timeless(content: Any) -> Any:
    """Without how long anything took."""
    if isinstance(content, dict):
        return {
            name: _timeless(value) for name, value in content.items() if "second" not in name and "hours" not in name
        }
    return content


if __name__ == "__main__":
    main()
