"""A state on disk: whole or not used, whatever a power failure or a bad disk leaves of it."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from test_loop import settings

from multilabel.training.resumption import State

FIRST: dict[str, Any] = {"epoch": 1, "net": {"weight": torch.arange(40.0)}, "history": [{"f1": 0.5}]}
SECOND: dict[str, Any] = {"epoch": 2, "net": {"weight": torch.arange(40.0) + 1}, "history": [{"f1": 0.5}, {"f1": 0.75}]}


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(settings("text_gru"), ["1"], [], tmp_path / "states")


def assert_loads(state: State, *expected: dict[str, Any] | None) -> None:
    """One of these, to the last number."""
    found = state.load()
    if found is None:
        assert None in expected
        return
    assert any(
        wanted is not None
        and (found["epoch"], found["history"]) == (wanted["epoch"], wanted["history"])
        and torch.equal(found["net"]["weight"], wanted["net"]["weight"])
        for wanted in expected
    )


def test_the_last_state_is_loaded_and_discarded(state: State) -> None:
    assert state.load() is None
    for content in (FIRST, SECOND, FIRST, SECOND):
        state.save(content)
        assert_loads(state, content)
    state.discard()
    assert state.load() is None
    assert not list(state.path.parent.iterdir())


def test_a_damaged_state_is_never_taken_up(state: State, capsys: pytest.CaptureFixture[str]) -> None:
    state.save(FIRST)
    state.save(SECOND)
    whole = state.path.read_bytes()
    for length in {0, 1, 22, *range(0, len(whole), 37), len(whole) - 1}:
        state.path.write_bytes(whole[:length])
        capsys.readouterr()
        assert_loads(state, FIRST)
        assert capsys.readouterr().out.count("\n") == 1
    for place in range(0, len(whole), 5):
        state.path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        assert_loads(state, FIRST)
    state.path.write_bytes(bytes(len(whole)))  # as a file whose blocks never reached the disk
    assert_loads(state, FIRST)


def test_damage_is_said_in_one_line(state: State, capsys: pytest.CaptureFixture[str]) -> None:
    state.save(FIRST)
    state.save(SECOND)
    state.path.write_bytes(b"")
    assert_loads(state, FIRST)
    folder, name = state.path.parent, state.path.stem
    assert capsys.readouterr().out == (
        f"{folder}: {name}.pt damaged, as a power failure may leave a file; going on from the one saved before\n"
    )
    state.before.write_bytes(b"")
    assert_loads(state, None)
    assert capsys.readouterr().out == (
        f"{folder}: {name}.pt and {name}.before.pt damaged, as a power failure may leave a file; starting anew\n"
    )


@pytest.mark.parametrize("call", [1, 2])
def test_a_kill_while_saving_leaves_a_whole_state(
    state: State, call: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state.save(FIRST)
    calls, real = [], shutil.os.replace

    def killed(*arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) == call:
            raise KeyboardInterrupt
        real(*arguments)

    monkeypatch.setattr("os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        state.save(SECOND)
    monkeypatch.undo()
    assert_loads(state, FIRST)
    assert capsys.readouterr().out == ""  # nothing is damaged
