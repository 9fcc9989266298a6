"""`python -m bench.stages`: seconds of every stage of `make repro`, one by one, and how many of them are imports.

Runs in a copy of a repository whose pipeline has run. Trainings are not repeated: how long they took stands in the metrics.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.machine import RESULTS
from bench.session import Session
from multilabel.core.files import read_json
from multilabel.core.yaml_files import read_yaml

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("src", "data", "models", "metrics", "reports", "studies", "params.yaml", "dvc.yaml")
TRAINERS = {"train", "ablate"}


def main() -> None:
    """Measure, and write repro.json."""
    parser = argparse.ArgumentParser(description="Measure the stages of the pipeline.")
    parser.add_argument("--repository", type=Path, default=ROOT, help="whose stages have run: this one")
    parser.add_argument("--out", type=Path, default=RESULTS, help=f"folder of repro.json: {RESULTS}")
    given = parser.parse_args()
    session = Session(given.out / "repro.json", command="python -m bench.stages")
    commands = _commands(given.repository)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            _copied(given.repository / name, copy / name)
        stages = {name: command for name, command in commands.items() if name.partition("@")[0] not in TRAINERS}
        measured: dict[str, Any] = {}
        for name, command in stages.items():
            measured[name] = _measured(copy, *_python(command))
            session.say(f"{name}: {measured[name]['seconds']:.1f} s")
            session.results.add("stages", measured)
        imports = {kind: _measured(copy, sys.executable, f"src/{kind}.py", "--help")
                   for kind in dict.fromkeys(name.partition("@")[0] for name in commands)}  # fmt: skip
        session.results.add("imports", imports)
    session.results.add("trainings", _trainings(given.repository, commands))


def _commands(repository: Path) -> dict[str, str]:
    """Of the stages that have run; dvc.lock also remembers some that are no more."""
    locked = read_yaml(repository / "dvc.lock")["stages"]
    return {name: stage["cmd"] for name, stage in locked.items()
            if (repository / "src" / f"{name.partition('@')[0]}.py").exists()}  # fmt: skip


def _copied(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    elif source.exists():
        shutil.copy(source, target)


def _python(command: str) -> list[str]:
    """`python src/eda.py 'books'` as a list, by this Python."""
    return [sys.executable, *command.replace("'", "").split()[1:]]


def _measured(folder: Path, *command: str) -> dict[str, float]:
    usage = [sys.executable, str(ROOT / "bench" / "usage.py"), *command]
    environment = {**os.environ, "PYTHONPATH": "src", "PYTHONHASHSEED": "0"}
    done = subprocess.run(usage, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout.splitlines()[-1])
    if found.pop("status"):
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-1000:]}")
    return {name: round(value, 2) for name, value in found.items()}


def _trainings(repository: Path, commands: dict[str, str]) -> dict[str, float]:
    """Seconds of training of each architecture and ablation, as it said itself."""
    found = {}
    for name in commands:
        kind, _, block = name.partition("@")
        if kind in TRAINERS:
            row = read_json(repository / "metrics" / {"train": "evaluate"}.get(kind, kind) / f"{block}.json")
            found[name] = round(row["train_seconds"], 1)
    return found


if __name__ == "__main__":
    main()
