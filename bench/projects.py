"""A small pipeline in a folder of its own, to be disturbed: started, watched and compared. Needs Linux."""

import hashlib
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from multilabel.core.files import read_json

COPIED = ("src", "studies/stages", "studies/params.yaml", "dvc.yaml", ".dvcignore", ".gitignore", ".dvc/config")
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
        "frozen": {"dataset": "captions", "image": {"encoder": "timm/resnet10t", "size": 32, "frozen": True}},
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
    """A copy of this project with a small pipeline."""

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

    def adopt(self, other: "Project") -> None:
        """Become what another project is after its runs, caches and locks among it."""
        shutil.rmtree(self.folder)
        shutil.copytree(other.folder, self.folder, symlinks=True)

    def start(
        self, *arguments: str, limit: int | None = None, mounted: str = "", modules: Path | None = None
    ) -> subprocess.Popen:
        """`dvc repro`, in a process group of its own.

        No file grows beyond `limit` bytes; before, the shell command `mounted` is run, in a namespace where what it
        mounts is seen by this run alone; Python finds `modules` before its own.
        """
        path = f"{modules}:src" if modules else "src"
        environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
        limits = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (limit, limit)) if limit else None
        dvc = [str(Path(sys.executable).with_name("dvc")), "repro", *arguments]
        alone = ["unshare", "--map-root-user", "--mount", "sh", "-ec", f'{mounted}\nexec "$@"', "sh"] if mounted else []
        return subprocess.Popen([*alone, *dvc], cwd=self.folder, env=environment, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, start_new_session=True, preexec_fn=limits)  # fmt: skip

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

    def found(self, patterns: Sequence[str]) -> list[Path]:
        """The files that fit."""
        return [path for pattern in patterns for path in sorted(self.folder.glob(pattern)) if path.is_file()]

    def results(self) -> dict[str, str]:
        """File -> digest of what must not change."""
        return {str(path.relative_to(self.folder)): digest(path) for path in self.found(COMPARED)}

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


def digest(path: Path) -> str:
    """Of a file's content; of JSON without how long anything took."""
    content = path.read_bytes()
    if path.suffix == ".json":
        content = repr(_timeless(read_json(path))).encode()
    return hashlib.sha256(content).hexdigest()


def _timeless(content: Any) -> Any:
    if isinstance(content, dict):
        return {
            name: _timeless(value) for name, value in content.items() if "second" not in name and "hours" not in name
        }
    return content
