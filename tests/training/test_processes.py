"""Two processes on a CPU: what one of them keeps for itself, all of them must agree on before it is scored or stored."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import ROOT

from multilabel.core.paths import CHECKPOINTS
from multilabel.training.reuse import FINISHED

pytestmark = pytest.mark.slow
SCRIPT = """
import sys
sys.path[:0] = [{src!r}, {tests!r}, {here!r}]
import os, torch
import test_loop as t
found = {{}}
for name, train in (("image_timm", {{}}), ("text_textcnn", {{"ema": 0.9}})):
    model, _ = t.trained(name, epochs=2, batch_size=10, **train)
    net = model.classifier.net
    found[name] = {{"net": net.state_dict(), "valid": model.training.valid}}
again, _ = t.trained("image_timm", epochs=2, batch_size=10)
found["taken"] = {{"net": again.classifier.net.state_dict(), "valid": again.training.valid}}
torch.save(found, "rank" + os.environ["RANK"] + ".pt")
"""


KILLED = """
import sys
sys.path[:0] = [{src!r}, {tests!r}, {here!r}]
import os, signal, torch
import test_loop as t
replace = os.replace

def replace_and_end(source, target):
    replace(source, target)
    if os.environ["NAME"] == "killed" and str(target).endswith(".pt"):
        os.kill(os.getpid(), signal.SIGKILL)

os.replace = replace_and_end
model, _ = t.trained("text_textcnn", epochs=3, batch_size=10)
torch.save(model.classifier.net.state_dict(), os.environ["NAME"] + os.environ["RANK"] + ".pt")
"""


def launched(code: str, **environment: str) -> tuple[list[int], str]:
    """Run a script in two processes, as `accelerate launch` would start them, without what its start costs.

    Returns how they ended and what they said.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "ACCELERATE_USE_CPU": "true"}
    ranks = [{"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(2)]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code], env={**os.environ, **common, **rank, **environment}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        for rank in ranks
    ]  # fmt: skip
    said = [process.communicate()[0] for process in running]
    return [process.returncode for process in running], "\n".join(said)


@pytest.fixture(scope="module")
def both(tiny_project: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """What each of two processes has after training."""
    folder = tmp_path_factory.mktemp("two")
    shutil.copytree(tiny_project, folder, dirs_exist_ok=True)
    before = Path.cwd()
    os.chdir(folder)
    try:
        here = str(Path(__file__).parent)
        ends, said = launched(SCRIPT.format(src=str(ROOT / "src"), tests=str(ROOT / "tests"), here=here))
        assert ends == [0, 0], said
        return [torch.load(f"rank{rank}.pt", weights_only=True) for rank in range(2)]
    finally:
        os.chdir(before)


@pytest.mark.parametrize("name", ["image_timm", "text_textcnn", "taken"])
def test_all_processes_hold_the_same_network(both: list[dict], name: str) -> None:
    first, second = (found[name] for found in both)
    assert any("running_var" in key for key in first["net"])
    for key, value in first["net"].items():
        assert torch.equal(value, second["net"][key]), key
    assert first["valid"] == second["valid"]


def test_a_second_time_all_processes_take_what_was_trained(both: list[dict]) -> None:
    for found in both:
        for key, value in found["image_timm"]["net"].items():
            assert torch.equal(value, found["taken"]["net"][key]), key


def test_two_processes_of_which_one_is_killed_go_on_and_end_the_same(tiny_dataset: str) -> None:
    script = KILLED.format(src=str(ROOT / "src"), tests=str(ROOT / "tests"), here=str(Path(__file__).parent))
    ends, said = launched(script, NAME="killed")
    assert ends[0] == -signal.SIGKILL, said
    assert ends[1] != 0, said  # it does not wait for the other one for ever
    assert not Path("killed1.pt").exists()
    ends, said = launched(script, NAME="resumed")
    assert ends == [0, 0], said
    assert "resuming after epoch 1" in said
    for folder in (CHECKPOINTS, FINISHED):
        shutil.rmtree(folder, ignore_errors=True)
    ends, said = launched(script, NAME="undisturbed")
    assert "resuming" not in said
    for rank in range(2):
        expected = torch.load(f"undisturbed{rank}.pt", weights_only=True)
        found = torch.load(f"resumed{rank}.pt", weights_only=True)
        for key, value in expected.items():
            assert torch.equal(value, found[key]), key
