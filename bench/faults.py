"""`python -m bench.faults`: a small pipeline disturbed at random, from a seed; `dvc repro` must then end as if nothing had been.

Each fault gets a project of its own. What is compared: every metric but seconds, all predictions and weights, byte for
byte; that no process is left; that no file is left which the undisturbed run does not have. A campaign that was killed
goes on where it stopped; kinds that are named are done anew. Needs Linux, and for some faults user namespaces.
"""

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.disturbances import FAULTS
from bench.machine import RESULTS
from bench.projects import PARAMS, TINY, Project, nothing_left
from bench.session import Session
from multilabel.core.files import read_json

ROOT = Path(__file__).resolve().parent.parent
Case = dict[str, Any]


def main() -> None:
    """Run the campaign, or what of it is not known yet, or some kinds of faults so many times."""
    parser = argparse.ArgumentParser(description="Disturb a small pipeline at random, and count how it ends.")
    parser.add_argument("--seed", type=int, default=42, help="42")
    parser.add_argument("--faults", nargs="+", choices=FAULTS, metavar="KIND", help=f"anew: {', '.join(FAULTS)}")
    parser.add_argument("--times", type=int, help="of each kind; by default 20 SIGKILL, 10 SIGTERM, few of others")
    parser.add_argument("--out", type=Path, default=RESULTS, help=f"folder of faults.json: {RESULTS}")
    parser.add_argument("--tiny", action="store_true", help="with one network and nothing else")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    params, command = (TINY, "python -m bench.faults --tiny") if given.tiny else (PARAMS, "python -m bench.faults")
    path, about = given.out / "faults.json", {"command": command, "seed": given.seed}
    known = _known(path, about, given.faults or [])
    session, told = Session(path, **about), known["cases"]
    session.results.content = {**known, "about": session.results.content["about"]}
    with tempfile.TemporaryDirectory() as folder, nothing_left(Path(folder)):
        undisturbed, seconds = _undisturbed(Path(folder) / "undisturbed", params)
        session.results.add("undisturbed", {"seconds": round(seconds, 1), "files": len(undisturbed.results())})
        session.say(f"the undisturbed run takes {seconds:.0f} s and leaves {len(undisturbed.results())} results")
        for kind, number in _plan(given.faults or list(FAULTS), given.times, told):
            draw = random.Random(f"{given.seed} {kind} {number}")
            project = Project(Path(folder) / "disturbed", undisturbed.folder, params)
            found = {"kind": kind, "number": number, "commit": session.results.content["about"]["commit"]}
            try:
                found |= _case(kind, project, undisturbed, draw, seconds)
            except Exception:  # noqa: BLE001 (a fault that could not be made says so, and the others follow)
                found |= {"same": False, "orphans": 0, "left_over": [], "remedy": "", "output": traceback.format_exc()}
            shutil.rmtree(project.folder)
            told.append(found)
            session.results.add("cases", told)
            session.say(", ".join(f"{key} {value}" for key, value in found.items() if value))
    sys.exit(sum(not case["same"] for case in told))


def _known(path: Path, about: dict[str, Any], anew: list[str]) -> dict[str, Any]:
    """What is stored of the same campaign, but for the cases that are to be done anew."""
    stored = read_json(path) if path.exists() else {"about": {}}
    if any(stored["about"].get(key) != value for key, value in about.items()):
        return {"cases": []}
    return {**stored, "cases": [case for case in stored["cases"] if case["kind"] not in anew]}


def _plan(kinds: list[str], times: int | None, known: list[Case]) -> Iterator[tuple[str, int]]:
    """One of each kind that is not known, then another of each: a campaign that is cut off has seen all kinds."""
    done = {(case["kind"], case["number"]) for case in known}
    wanted = {kind: times or FAULTS[kind].times for kind in kinds}
    for number in range(max(wanted.values())):
        yield from ((kind, number) for kind in kinds if number < wanted[kind] and (kind, number) not in done)


def _undisturbed(folder: Path, params: dict[str, Any]) -> tuple[Project, float]:
    """A whole run, and its seconds."""
    project, began = Project(folder, ROOT, params), time.monotonic()
    status, output = project.repro()
    if status:
        sys.exit(f"the undisturbed run fails:\n{output[-3000:]}")
    return project, time.monotonic() - began


def _case(kind: str, project: Project, undisturbed: Project, draw: random.Random, seconds: float) -> Case:
    """What was done, and how it ended."""
    began, fault = time.monotonic(), FAULTS[kind]
    if fault.whole:
        project.adopt(undisturbed)
    done = fault.disturb(project, draw, seconds)
    time.sleep(2)  # an orphan has noticed by then
    orphans, remedy = project.processes(), fault.first
    if remedy:
        subprocess.run(remedy, shell=True, cwd=project.folder, check=True)  # noqa: S602 (a command of this project)
    status, output = project.repro()
    if status and "dvc.lock" in output:
        (project.folder / "dvc.lock").unlink()
        remedy, (status, output) = "rm dvc.lock", project.repro()
    expected, results = undisturbed.results(), project.results()
    same, left = status == 0 and results == expected, sorted(project.files() - undisturbed.files())
    found = {"done": done, "same": same, "remedy": remedy, "orphans": len(orphans), "left_over": left[:5]}
    found["seconds"] = round(time.monotonic() - began, 1)
    if not same:
        names = sorted(results.keys() | expected.keys())
        found["different"] = [name for name in names if results.get(name) != expected.get(name)]
        found["output"] = output[-1500:]
    return found


if __name__ == "__main__":
    main()
