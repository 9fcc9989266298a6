"""What may happen to a run: each function does it to a project, at a moment or a place drawn at random, and says what it did."""

import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.projects import Project

SIGNALS = {"SIGKILL": signal.SIGKILL, "SIGTERM": signal.SIGTERM}
VICTIMS = ("dvc", "stage", "all")  # dvc itself, the youngest process that it started, or everything at once
FOLDERS = ("data", "models", "metrics", "reports", ".cache", ".checkpoints", ".dvc/cache")
BLOCK = 65_536  # bytes that are overwritten at once
STATES = ".checkpoints/resnet-*.pt"
YEARS = 3e8  # seconds: as far as a clock jumps, to either side
# Python imports a module of this name at its start: then the clock of every process jumps every second.
JUMPING = f"""
import os, random, time

draw, steady, moves = random.Random(os.getpid()), time.monotonic, {{}}

def jump():
    return moves.setdefault(int(steady()), draw.uniform(-{YEARS}, {YEARS}))

now, now_ns = time.time, time.time_ns
time.time, time.time_ns = lambda: now() + jump(), lambda: now_ns() + int(jump() * 1e9)
"""

Disturb = Callable[[Project, random.Random, float], str]  # with the seconds of an undisturbed run


@dataclass(frozen=True)
class Fault:
    """What is done how often, to a project that is fresh or has run as a whole, and what a person must do then."""

    times: int
    disturb: Disturb
    whole: bool = False
    first: str = ""  # the shell command before `dvc repro`


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


def files_too_large(project: Project, draw: random.Random, seconds: float) -> str:
    """No file may grow beyond a random size."""
    limit = int(2 ** draw.uniform(9, 22))
    return f"files of at most {limit:,} bytes; {_ending(project, project.start(limit=limit))}"


def disk_full(project: Project, draw: random.Random, seconds: float) -> str:
    """While everything runs again one of the folders is a small disk, which is taken away with all that was written to it."""
    folder, kilobytes = draw.choice(FOLDERS), int(2 ** draw.uniform(4, 12))
    (project.folder / folder).mkdir(parents=True, exist_ok=True)
    process = project.start("--force", mounted=f"mount -t tmpfs -o size={kilobytes}k tmpfs {folder}")
    return f"{folder} on a disk of {kilobytes} kB; {_ending(project, process)}"


def read_only(folder: str, project: Project, draw: random.Random, seconds: float) -> str:
    """A folder can only be read while everything is to run again."""
    (project.folder / folder).mkdir(parents=True, exist_ok=True)
    mounted = f"mount --bind {folder} {folder} && mount -o remount,bind,ro {folder}"
    return _ending(project, project.start("--force", mounted=mounted))


def damaged(how: str, pattern: str, stage: str, project: Project, draw: random.Random, seconds: float) -> str:
    """A file that saves time is damaged, and `stage` runs again."""
    if not pattern.startswith(".cache/trained/"):  # or what it ended with would be taken
        shutil.rmtree(project.folder / ".cache" / "trained")
    done = damage(how, pattern, project, draw)
    project.repro("--force", "--single-item", stage)
    return done


def state_damaged(how: str, project: Project, draw: random.Random, seconds: float) -> str:
    """A training is killed once its state is stored; the state is damaged, in half of the cases the one before as well."""
    shutil.rmtree(project.folder / ".cache" / "trained")
    again = ("--force", "--single-item", "train@resnet")
    wanted, number = draw.choice([1, 2]), 0
    while number < wanted:  # an epoch is short: it may be over before it is seen
        process = project.start(*again)
        while process.poll() is None and number < wanted:
            number = len(project.found([STATES]))
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        number = len(project.found([STATES]))
    done = [damage(how, str(path.relative_to(project.folder)), project, draw) for path in project.found([STATES])]
    project.repro(*again)
    return ", ".join(done)


def dvc_cache_damaged(how: str, project: Project, draw: random.Random, seconds: float) -> str:
    """Outputs are gone, and what DVC would bring back is damaged."""
    for folder in ("data", "models"):
        shutil.rmtree(project.folder / folder)
    return damage(how, ".dvc/cache/files/md5/*/*", project, draw)


def lock_cut_short(project: Project, draw: random.Random, seconds: float) -> str:
    """DVC writes dvc.lock in place: a power failure may cut it."""
    return damage("cut short", "dvc.lock", project, draw)


def damage(how: str, pattern: str, project: Project, draw: random.Random) -> str:
    """A file of those that fit is cut short at a random byte, or a block of it is overwritten; its rights and times stay."""
    path = draw.choice(project.found([pattern]))
    content, status = path.read_bytes(), path.stat()
    if how == "cut short":
        kept = draw.randrange(len(content))
        changed, done = content[:kept], f"keeps {kept:,} of {len(content):,} bytes"
    else:
        first = draw.randrange(max(1, len(content) - BLOCK))
        block = draw.randbytes(min(BLOCK, len(content)))
        changed = content[:first] + block + content[first + len(block) :]
        done = f"has {len(block):,} other bytes from {first:,} on"
    path.chmod(0o644)
    path.write_bytes(changed)
    path.chmod(status.st_mode)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    return f"{path.relative_to(project.folder)} {done}"


def two_at_once(project: Project, draw: random.Random, seconds: float) -> str:
    """A second `dvc repro` while one runs."""
    first = project.start()
    time.sleep(after := draw.uniform(0, 0.5) * seconds)
    project.repro()
    first.communicate()
    return f"the second after {after:.1f} s"


def clock_jumps(project: Project, draw: random.Random, seconds: float) -> str:
    """A run during which the clock of every process jumps; then all files seem to be years older or younger."""
    with tempfile.TemporaryDirectory() as modules:
        (Path(modules) / "sitecustomize.py").write_text(JUMPING)
        ended = _ending(project, project.start(modules=Path(modules)))
    for path in project.folder.rglob("*"):
        if path.is_file() and ".git" not in path.parts:
            moment = time.time() + draw.uniform(-YEARS, YEARS)
            os.utime(path, (moment, moment))
    return f"clocks and times within ten years of now; {ended}"


def _ending(project: Project, process: subprocess.Popen) -> str:
    """That it went through, or else the first error or the last line that it said; paths are those within the project."""
    output = process.communicate()[0].replace(f"{project.folder}/", "")
    if process.returncode == 0:
        return "went through"
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error:")]
    return (errors[:1] or lines[-1:] or [f"exited with {process.returncode}"])[0][:300]


DAMAGES = ("cut short", "overwritten")
FAULTS: dict[str, Fault] = {
    "SIGKILL": Fault(20, partial(killed, "SIGKILL")),
    "SIGTERM": Fault(10, partial(killed, "SIGTERM")),
    "files too large": Fault(5, files_too_large),
    "disk full": Fault(5, disk_full, whole=True),
    **{f"{folder} read-only": Fault(1, partial(read_only, folder), whole=True) for folder in FOLDERS},
    **{
        f"pixel cache {how}": Fault(2, partial(damaged, how, ".cache/pixels/*.npy", "train@resnet"), whole=True)
        for how in DAMAGES
    },
    **{
        f"feature cache {how}": Fault(2, partial(damaged, how, ".cache/features/*/*.npy", "train@frozen"), whole=True)
        for how in DAMAGES
    },
    **{
        f"end of a training {how}": Fault(1, partial(damaged, how, ".cache/trained/*", "train@resnet"), whole=True)
        for how in DAMAGES
    },
    **{f"state of a training {how}": Fault(2, partial(state_damaged, how), whole=True) for how in DAMAGES},
    **{
        f"cache of DVC {how}": Fault(
            2, partial(dvc_cache_damaged, how), whole=True, first="chmod -R u+w .dvc/cache/files"
        )
        for how in DAMAGES
    },
    "dvc.lock cut short": Fault(2, lock_cut_short, whole=True),
    "two dvc repro at once": Fault(2, two_at_once),
    "clock jumps": Fault(2, clock_jumps),
}
