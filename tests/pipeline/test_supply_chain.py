"""A whole run touches no network, and of the files that it leaves none is a pickle."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

DVC = str(Path(sys.executable).with_name("dvc"))
KEPT_TO_SAVE_TIME = (".cache/trained/", ".checkpoints/")  # PyTorch's own files, which are read as weights only
# Python imports a module of this name at its start: whoever looks up a host or connects to one is noted and refused.
NO_NETWORK = """
import os, pathlib, socket

def refused(*arguments, **options):
    with open(pathlib.Path(__file__).with_name("asked"), "a") as file:
        file.write(f"{os.getpid()} {arguments[:2]}\\n")
    raise OSError("no network")

connect = socket.socket.connect

def local_only(self, address):
    return connect(self, address) if self.family == socket.AF_UNIX else refused(address)

socket.socket.connect, socket.socket.connect_ex = local_only, local_only
socket.getaddrinfo = socket.gethostbyname = refused
"""


def is_pickle(path: Path) -> bool:
    """Whether reading a file would execute what it says, if one read it as others do."""
    with path.open("rb") as file:
        start = file.read(2)
    if start[:1] == b"\x80" and start[1:] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return True
    if path.suffix == ".npy":
        return np.load(path, mmap_mode="r", allow_pickle=False).dtype.hasobject
    return zipfile.is_zipfile(path) and any(name.endswith(".pkl") for name in zipfile.ZipFile(path).namelist())


@pytest.mark.slow
def test_a_whole_run_asks_no_host_and_writes_no_pickle(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    block = tmp_path_factory.mktemp("block")
    (block / "sitecustomize.py").write_text(NO_NETWORK)
    environment = {
        **os.environ,
        "PATH": f"{Path(DVC).parent}:{os.environ['PATH']}",
        "PYTHONPATH": f"{block}:{ROOT / 'src'}",
    }
    environment.pop("HF_HUB_OFFLINE", None)  # as users run it
    look = [sys.executable, "-c", "import urllib.request as u; u.urlopen('http://example.org')"]
    assert subprocess.run(look, env=environment, capture_output=True, check=False).returncode != 0
    assert (block / "asked").exists()  # the block is at work
    (block / "asked").unlink()
    done = subprocess.run([DVC, "repro"], cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (block / "asked").exists(), (block / "asked").read_text()
    files = [
        path for path in project.rglob("*") if path.is_file() and not {".git", ".dvc", "__pycache__"} & set(path.parts)
    ]
    written = {str(path.relative_to(project)) for path in files if is_pickle(path)}
    assert {name for name in written if not name.startswith(KEPT_TO_SAVE_TIME)} == set()
    assert any(name.startswith(".cache/trained/") for name in written)  # the check would find them
    assert len(files) > 50
