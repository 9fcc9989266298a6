"""Kept features: computed once, resumed after a kill, never mistaken for others."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from numpy.typing import NDArray

from multilabel.core.errors import UserError
from multilabel.inputs import feature_cache
from multilabel.inputs.feature_cache import Arrays, kept_features

OF = {"encoder": "x", "weights": "y"}
ROWS = np.arange(10)


def features(rows: NDArray[np.int_]) -> Arrays:
    return {"pooled": np.stack([np.full(3, row, np.float32) for row in rows]),
            "states": np.stack([np.full((2, 2), -row, np.float16) for row in rows])}  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[int]:
    """The rows that were computed, in the current folder, three at a time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(feature_cache, "CHUNK", 3)
    return []


def kept(asked: list[int], rows: NDArray[np.int_] = ROWS, of: dict[str, str] = OF, stop_at: int = -1) -> Arrays:
    def compute(chosen: NDArray[np.int_]) -> Arrays:
        if stop_at in chosen:
            raise KeyboardInterrupt
        asked.extend(chosen.tolist())
        return features(chosen)

    return kept_features(of, 10, rows, compute, "features", Path("features"))


def stored() -> list[Path]:
    return [file.parent for file in Path("features").glob("*/of.json")]


def test_rows_are_computed_once_whoever_asks(asked: list[int]) -> None:
    kept(asked, np.array([7, 2, 7]))
    assert asked == [2, 7]
    found = kept(asked)
    assert sorted(asked) == list(range(10))
    for name, expected in features(ROWS).items():
        np.testing.assert_array_equal(found[name], expected)
        assert found[name].dtype == expected.dtype
    assert kept(asked).keys() == {"pooled", "states"}
    assert len(asked) == 10


def test_what_a_stopped_run_has_finished_is_not_computed_again(asked: list[int]) -> None:
    with pytest.raises(KeyboardInterrupt):
        kept(asked, stop_at=6)
    assert asked == [0, 1, 2, 3, 4, 5]
    found = kept(asked)
    assert asked == list(range(10))
    np.testing.assert_array_equal(found["pooled"], features(ROWS)["pooled"])


KILLED = """
import sys, time
from pathlib import Path
import numpy as np
from multilabel.inputs import feature_cache
feature_cache.CHUNK = 3
def compute(rows):
    time.sleep(0.05)
    return {"pooled": np.stack([np.full(3, row, np.float32) for row in rows])}
feature_cache.kept_features({}, 600, np.arange(600), compute, "features", Path("features"))
"""


def finished() -> int:
    return sum(np.count_nonzero(np.load(path)) for path in Path("features").rglob("checksums.npy"))


def test_sigkill_leaves_whole_rows(asked: list[int]) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    process = subprocess.Popen([sys.executable, "-c", KILLED], env=environment, stderr=subprocess.DEVNULL)
    while finished() < 9:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = finished()
    assert 9 <= done < 600

    def compute(rows: NDArray[np.int_]) -> Arrays:
        asked.extend(rows.tolist())
        return {"pooled": np.stack([np.full(3, row, np.float32) for row in rows])}

    found = kept_features({}, 600, np.arange(600), compute, "features", Path("features"))
    assert len(asked) == 600 - done
    np.testing.assert_array_equal(found["pooled"][:, 0], np.arange(600))


TOGETHER = """
import sys, time
from pathlib import Path
import numpy as np
from multilabel.inputs import feature_cache
feature_cache.CHUNK = 3
def features(rows):
    return {"pooled": np.stack([np.full(3, row + 1, np.float32) for row in rows])}
def compute(rows):
    time.sleep(0.05)
    with open(f"computed_{sys.argv[1]}", "a") as file:
        file.writelines(f"{row}\\n" for row in rows)
    return features(rows)
rows = np.arange(60)
Path(f"there_{sys.argv[1]}").touch()
while len(list(Path().glob("there_*"))) < 2:
    time.sleep(0.01)
found = feature_cache.kept_features({}, 60, rows, compute, "features", Path("features"))
assert (found["pooled"] == features(rows)["pooled"]).all()
"""


def test_of_two_that_want_the_same_at_once_one_waits(asked: list[int]) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    both = [
        subprocess.Popen([sys.executable, "-c", TOGETHER, name], env=environment, stdout=subprocess.PIPE, text=True)
        for name in ("a", "b")
    ]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("another process computes these features; waiting for it" in one for one in said) == 1
    computed = [int(row) for path in Path().glob("computed_*") for row in path.read_text().split()]
    assert sorted(computed) == list(range(60))


def test_other_weights_have_features_of_their_own(asked: list[int]) -> None:
    kept(asked)
    kept(asked, of=OF | {"weights": "z"})
    assert len(asked) == 20
    assert len(stored()) == 2


@pytest.mark.parametrize("file", ["checksums.npy", "pooled.npy", "states.npy"])
@pytest.mark.parametrize("left", [0, 40, 150])
def test_a_file_cut_short_is_computed_anew_and_said(
    asked: list[int], file: str, left: int, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(asked)
    (path,) = stored()
    whole = (path / file).read_bytes()
    (path / file).write_bytes(whole[: min(left, len(whole) - 1)])
    np.testing.assert_array_equal(kept(asked)["pooled"], features(ROWS)["pooled"])
    assert len(asked) == 20
    assert "damaged, as a power failure may leave a file; its features are computed anew" in capsys.readouterr().out


@pytest.mark.parametrize("file", ["checksums.npy", "pooled.npy", "states.npy"])
def test_a_damaged_row_has_all_that_are_asked_for_computed_anew(
    asked: list[int], file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(asked)
    (path,) = stored()
    width = np.load(path / file)[:1].nbytes
    with (path / file).open("r+b") as content:
        content.seek(place := len(content.read()) - 7 * width)  # in row 3
        byte = content.read(1)[0]
        content.seek(place)
        content.write(bytes([255 - byte]))
    asked.clear()
    kept(asked, np.array([0, 5]))
    assert asked == []
    found = kept(asked)
    assert asked == list(range(10))
    for name, expected in features(ROWS).items():
        np.testing.assert_array_equal(found[name], expected)
    assert (
        f"{path}: features of 1 records damaged, as a bad disk may leave them; all 10 that are asked for are computed anew"
        in capsys.readouterr().out
    )
    asked.clear()
    kept(asked)
    assert asked == []


def test_numbers_that_do_not_fit_are_refused(asked: list[int]) -> None:
    with pytest.raises(UserError, match="pooled are no finite numbers in float16; write `precision: fp32`"):
        kept_features(OF, 3, np.arange(3), lambda rows: {"pooled": np.full((3, 2), np.inf, np.float16)}, "", Path("f"))
