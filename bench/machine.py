"""Where and with what a measurement was taken; the file that it goes to."""

import os
import platform
import subprocess
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from multilabel.core.files import write_json

LIBRARIES = ("torch", "torchvision", "timm", "transformers", "accelerate", "numpy", "pillow")
RESULTS = Path("metrics/bench")


class Results:
    """A JSON file that is written anew after each part, so that nothing is lost where time runs out."""

    def __init__(self, path: Path, **about: Any) -> None:
        """`about` says what was asked for."""
        self.path, self.content = path, {"about": {**about, **machine()}}

    def add(self, part: str, found: Any) -> None:
        """What a part of the measurement found."""
        self.content[part] = found
        write_json(self.path, self.content)


def machine() -> dict[str, Any]:
    """Devices, versions, commit and date."""
    found: dict[str, Any] = {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "python": platform.python_version(),
        "processor": _processor(),
        "cores": cores(),
        "threads": torch.get_num_threads(),
        "versions": {name: _version(name) for name in LIBRARIES},
    }
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
        found["gpu_memory_gb"] = round(torch.cuda.get_device_properties(0).total_memory / 1e9, 1)
        found["cuda"], found["cudnn"] = torch.version.cuda, torch.backends.cudnn.version()
    return found


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    done = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None
