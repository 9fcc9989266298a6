import errno
import os
import sys
from pathlib import Path

import pytest

from multilabel.core.errors import LONGEST, UserError, one_line, run_stage
from multilabel.core.files import replacing_folder


def fails_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> str:
    def stage() -> None:
        raise error

    monkeypatch.setattr(sys, "argv", ["stage"])
    with pytest.raises(SystemExit) as end:
        run_stage(stage)
    return str(end.value.code)


def test_a_users_error_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fails_with(UserError("a.csv: odd"), monkeypatch) == "error: a.csv: odd"
    assert str(UserError("a label 'x\ny\x1b[31m\u202e\udce9' é")) == r"a label 'x\ny\x1b[31m\u202e\udce9' é"
    assert str(UserError("first", "second\n")) == "first\nsecond\\n"


def test_a_line_of_megabytes_keeps_its_ends() -> None:
    line = str(UserError(f"t.csv:3: label {'x' * 2_000_000!r}; shorten it"))
    assert len(line) == LONGEST
    assert line.startswith("t.csv:3: label 'xxx")
    assert " [...] " in line
    assert line.endswith("xxx'; shorten it")
    assert len(one_line("\n" * 2_000_000)) == LONGEST


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "data/x"),
         "error: data/x: No space left on device; free some space there and run again"),
        (PermissionError(errno.EACCES, "Permission denied", "d/train.csv"),
         "error: d/train.csv: Permission denied; give this user access to it"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "data/raw/x"),
         "error: data/raw/x: No such file or directory; check the path, or let `dvc repro` make what is missing"),
        (OSError(errno.EXDEV, "Invalid cross-device link", "a", None, "b"),
         "error: a -> b: Invalid cross-device link; mend that and run again"),
        (OSError("some library's words"), "error: some library's words; mend that and run again"),
        (OSError(), "error: OSError; mend that and run again"),
    ],
)  # fmt: skip
def test_what_the_operating_system_refuses_is_one_line(
    error: OSError, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fails_with(error, monkeypatch) == line


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError):
        fails_with(ZeroDivisionError(), monkeypatch)


def test_a_file_where_an_output_belongs_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("books").write_text("a file")

    def stage() -> None:
        with replacing_folder(Path("books")):
            pass

    monkeypatch.setattr(sys, "argv", ["stage"])
    with pytest.raises(SystemExit, match=r"^error: books: Not a directory; a folder belongs there; move the file"):
        run_stage(stage)
