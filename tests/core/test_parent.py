"""Killing `dvc`, a shell or a launcher in between ends what they started, however early it comes."""

import os
import signal
import subprocess
import sys

import pytest
from conftest import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its ancestors' deaths")

TRAINER = """
import os, signal, sys, time
from multilabel.core.parent import end_with_parent
print(os.getpid(), os.getppid(), flush=True)
if {gate}:
    sys.stdin.read(1)  # what imports take of a real trainer's first second
try:
    end_with_parent()
except SystemExit as error:
    print(error, flush=True)
    raise
print("trains", flush=True)
signal.pause()
"""
START = "import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}], start_new_session={session})"
TRAINERS = [script for script in ("src/train.py", "src/ablate.py", "studies/stages/run.py") if (ROOT / script).exists()]
THROUGH = {  # how what dvc starts comes to start a trainer
    "directly": lambda code: [sys.executable, "-c", code],
    "through a shell": lambda code: ["sh", "-c", '"$0" -c "$1"; true', sys.executable, code],
    "through a launcher": lambda code: [sys.executable, "-c", START.format(code=code, session=True)],
}


def started(gate: bool, through: str) -> subprocess.Popen[str]:
    """A stand-in for dvc, in a process group of its own as a shell would give it, and the trainer that it runs."""
    dvc = f"""
import os, subprocess
subprocess.run({THROUGH[through](TRAINER.format(gate=gate))!r}, env={{**os.environ, "DVC_STAGE": "train@a"}})
"""
    return subprocess.Popen(
        [sys.executable, "-c", dvc], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip


@pytest.mark.parametrize("through", THROUGH)
def test_what_dvc_runs_ends_with_dvc(through: str) -> None:
    with started(gate=False, through=through) as dvc:
        trainer = int(dvc.stdout.readline().split()[0])
        assert dvc.stdout.readline() == "trains\n"
        dvc.kill()
        assert_ends(dvc, trainer, "")


@pytest.mark.parametrize("through", ["directly", "through a shell", "through a launcher"])
def test_what_dvc_runs_ends_also_if_dvc_was_gone_before_it_looked(through: str) -> None:
    with started(gate=True, through=through) as dvc:
        trainer = int(dvc.stdout.readline().split()[0])
        dvc.kill()
        os.waitid(os.P_PID, dvc.pid, os.WEXITED | os.WNOWAIT)
        dvc.stdin.write("x")
        dvc.stdin.flush()
        assert_ends(dvc, trainer, "the process that started this stage is gone\n")


def test_a_trainer_ends_with_the_launcher_that_a_person_started() -> None:
    code = START.format(code=TRAINER.format(gate=False), session=True)
    environment = {name: value for name, value in os.environ.items() if name != "DVC_STAGE"}
    environment["PYTHONPATH"] = str(ROOT / "src")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment) as launcher:
        trainer = int(launcher.stdout.readline().split()[0])
        assert launcher.stdout.readline() == "trains\n"
        launcher.kill()
        assert_ends(launcher, trainer, "")


def assert_ends(eldest: subprocess.Popen[str], trainer: int, says: str) -> None:
    """The pipe closes once nobody is left to write into it."""
    try:
        assert eldest.communicate(timeout=30)[0] == says
    finally:
        for pid in (trainer, eldest.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


@pytest.mark.parametrize("script", TRAINERS)
def test_trainers_look_before_they_import_what_takes_seconds(script: str) -> None:
    code = f"""
import runpy, sys
import multilabel.core.parent as parent
parent.end_with_parent = lambda: sys.exit(", ".join({{"torch", "numpy", "pandas", "yaml"}} & set(sys.modules)) or 7)
runpy.run_path({str(ROOT / script)!r}, run_name="__main__")
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 7, done.stderr
