"""A measurement in parts: each is said and stored as soon as it is known, and one that fails leaves the others."""

import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.machine import Results

Add = Callable[[Any], None]
Say = Callable[[str], None]


class Session:
    """What the parts write to."""

    def __init__(self, path: Path, **about: Any) -> None:
        """`path` of the results; `about` says what was asked for."""
        self.began, self.failed = time.monotonic(), 0
        self.results = Results(path, **about)

    def say(self, line: str) -> None:
        """A line with the seconds so far."""
        print(f"[{time.monotonic() - self.began:6.1f} s] {line}", flush=True)

    def attempt(self, part: str, work: Callable[[Add, Say], None]) -> None:
        """Let a part do its work, and note how it fails if it does."""
        try:
            work(lambda found: self.results.add(part, found), self.say)
        except Exception:  # noqa: BLE001 (whatever it is, the other parts can do without)
            self.failed += 1
            self.results.add(f"{part}_error", traceback.format_exc())
            self.say(f"{part} FAILED\n{traceback.format_exc()}")
        self.results.add("seconds", round(time.monotonic() - self.began, 1))
