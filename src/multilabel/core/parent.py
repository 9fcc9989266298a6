"""An orphan ends: what a killed `dvc` or launcher leaves behind must neither train on for nobody nor write outputs."""

import os
import select
import signal
import sys
import threading
from pathlib import Path

STARTED_BY_DVC = b"DVC_STAGE="  # in the environment of all that dvc starts


def end_with_parent() -> None:
    """End this process by SIGTERM when its parent dies, or whatever stands between it and the `dvc` that runs it.

    To be called before anything slow is imported: until then an orphan would not notice. Needs Linux, else does nothing.
    """
    if sys.platform != "linux":
        return
    watched = _ancestors()
    try:
        handles = [os.pidfd_open(pid) for pid in watched]
    except ProcessLookupError:
        handles = []
    except OSError:  # a kernel before 5.3
        return
    if not handles or _ancestors() != watched or _adopted(watched):
        sys.exit("the process that started this stage is gone")
    threading.Thread(target=_wait, args=(handles,), daemon=True).start()


def _ancestors() -> list[int]:
    """The parent, and above it what dvc has started (a shell, a launcher), up to dvc itself."""
    found = [os.getppid()]
    while found[-1] > 1 and _by_dvc(found[-1]):
        found.append(_parent(found[-1]))
    return found


def _adopted(ancestors: list[int]) -> bool:
    """Whether dvc died before anybody looked: whoever adopts an orphan is of another process group than dvc was."""
    eldest = ancestors[-2] if len(ancestors) > 1 else os.getpid()
    return _by_dvc(eldest) and os.getpgid(eldest) != os.getpgid(ancestors[-1])


def _by_dvc(pid: int) -> bool:
    try:
        return any(entry.startswith(STARTED_BY_DVC) for entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"))
    except OSError:  # gone, or somebody else's
        return False


def _parent(pid: int) -> int:
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
        return int(after_name.split()[1])
    except OSError:  # gone
        return 0


def _wait(handles: list[int]) -> None:
    ends = select.poll()
    for handle in handles:
        ends.register(handle, select.POLLIN)
    ends.poll()
    os.kill(os.getpid(), signal.SIGTERM)
