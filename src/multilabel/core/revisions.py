"""Files as another revision of the repository has them."""

import re
import subprocess
from pathlib import Path

from multilabel.core.errors import UserError

EXPERIMENT = re.compile(r"[\w-]+", re.ASCII)  # what `dvc exp` calls one


def commit_of(revision: str) -> str:
    """The commit that a branch, a tag, an experiment of DVC or the like stands for; raises `UserError` where there is none."""
    done = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if done.returncode and EXPERIMENT.fullmatch(revision):
        found = _git("for-each-ref", "--format=%(objectname)", f"refs/exps/*/*/{revision}").stdout.decode().split()
        if len(found) == 1:
            return found[0]
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip() or "git knows none of that name"
        raise UserError(f"{revision}: no revision of this repository ({said}); name a branch, a tag or a commit")
    return done.stdout.decode().strip()


def content(commit: str, path: Path) -> bytes | None:
    """What a file below the current folder holds in a commit; None where it is not in it."""
    done = _git("show", f"{commit}:./{path.as_posix()}")
    return None if done.returncode else done.stdout


def _git(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["git", *arguments], capture_output=True, check=False)
