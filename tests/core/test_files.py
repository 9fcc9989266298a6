import errno
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from multilabel.core import files
from multilabel.core.files import read_json, replacing, replacing_folder, write_json, write_text
from multilabel.core.paths import PARTIAL


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def left(folder: Path = Path()) -> list[str]:
    return sorted(path.as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_file_appears_whole_or_not_at_all() -> None:
    path = Path("data/raw/x.json")
    write_json(path, {"a": 1})
    with suppress(RuntimeError), replacing(path) as partial:
        partial.write_text("half of")
        raise RuntimeError
    assert read_json(path) == {"a": 1}
    assert left() == ["data/raw/x.json"]


def test_a_folder_replaces_the_one_before() -> None:
    path = Path("data/raw/books")
    for name in ("old", "new"):
        with replacing_folder(path) as partial:
            (partial / "deep").mkdir()
            (partial / "deep" / name).write_text(name)
    with suppress(RuntimeError), replacing_folder(path) as partial:
        (partial / "third").write_text("half of")
        raise RuntimeError
    assert left() == ["data/raw/books/deep/new"]


@pytest.mark.parametrize("write", [replacing, replacing_folder])
def test_temporary_names_lie_outside_every_output(write) -> None:
    with write(Path("data/raw/books.x")) as partial:
        assert partial.parent == PARTIAL
        assert partial.suffix == ".x"
        assert left(Path("data")) == []
        if write is replacing:
            partial.write_text("x")


KILLED = """
import os, signal
from pathlib import Path
from multilabel.core.files import replacing, replacing_folder
with replacing(Path("models/x.pt")) as file, replacing_folder(Path("data/raw/books")) as folder:
    file.write_text("half of"), (folder / "records.parquet").write_text("half of")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_leaves_is_cleared_at_the_next_start_and_nothing_else() -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED], check=False)
    assert killed.returncode < 0
    assert [path.partition("-")[2] for path in left()] == ["0-x.pt", "1-books/records.parquet"]
    alive = PARTIAL / f"{os.getppid()}-0-alive"
    alive.write_text("being written by a process that runs")
    write_text(Path("y.txt"), "y")
    assert left() == [alive.as_posix(), "y.txt"]


def test_content_is_on_disk_before_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    done, fsync, replace = [], os.fsync, os.replace

    def note_sync(number: int) -> None:
        done.append(f"sync {os.readlink(f'/proc/self/fd/{number}').rpartition('/')[2].rpartition('-')[2]}")
        fsync(number)

    def note_replace(source: Path, target: Path) -> None:
        done.append(f"name {target}")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_replace)
    write_text(Path("models/x.pt"), "x")
    with replacing_folder(Path("models/m")) as partial:
        (partial / "weights").write_text("w")
    assert done == [
        "sync x.pt", "name models/x.pt", "sync models",
        "sync weights", "sync m", "name models/m", "sync models",
    ]  # fmt: skip


def test_another_filesystem_is_written_beside_and_another_mount_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    replace = os.replace

    def refuse(source: Path, target: Path) -> None:
        if Path(source).parent != Path(target).parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link", str(source))
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    with replacing_folder(Path("data/raw/books")) as partial:
        (partial / "x").write_text("copied")
    write_text(Path("data/raw/y"), "copied too")
    assert left() == ["data/raw/books/x", "data/raw/y"]
    monkeypatch.setattr(files, "_can_move_to", lambda folder: False)
    with replacing(Path("data/raw/z")) as partial:
        assert partial.parent == Path("data/raw")
        partial.write_text("z")
    assert left() == ["data/raw/books/x", "data/raw/y", "data/raw/z"]


def test_what_is_in_the_way_is_named_before_any_work() -> None:
    Path("data").mkdir()
    Path("data/raw").write_text("a file")
    with pytest.raises(NotADirectoryError, match=r"Not a directory: 'data/raw'"), replacing_folder(Path("data/raw")):
        raise AssertionError
    with pytest.raises(OSError, match=r"data/raw"), replacing(Path("data/raw/x")):
        raise AssertionError
    with pytest.raises(IsADirectoryError, match=r"Is a directory: 'data'"), replacing(Path("data")):
        raise AssertionError
    assert left() == ["data/raw"]
