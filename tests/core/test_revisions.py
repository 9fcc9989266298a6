"""Files of another revision, byte by byte."""

from pathlib import Path

import pytest
from conftest import commit, run

from multilabel.core.errors import UserError
from multilabel.core.revisions import commit_of, content

BYTES = bytes(range(256))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With one commit, after which its file changed; the current folder is a folder in it."""
    inner = tmp_path / "inner"
    (inner / "a b").mkdir(parents=True)
    (inner / "a b" / "file").write_bytes(BYTES)
    run(["git", "init", "-q", "-b", "main"], tmp_path)
    commit(tmp_path)
    (inner / "a b" / "file").write_bytes(b"")
    monkeypatch.chdir(inner)
    return tmp_path


def test_what_was_committed_below_the_current_folder(repository: Path) -> None:
    head = commit_of("main")
    assert head == commit_of("HEAD") == commit_of(head[:10])
    assert content(head, Path("a b/file")) == BYTES
    assert content(head, Path("inner/a b/file")) is None
    assert content(head, Path("none")) is None


@pytest.mark.parametrize("revision", ["none", "", "-h", "--all", "main~1", "main:inner", "a\nb"])
def test_what_is_no_revision_is_said(revision: str, repository: Path) -> None:
    with pytest.raises(
        UserError, match=r"no revision of this repository .*; name a branch, a tag or a commit"
    ) as error:
        commit_of(revision)
    assert "\n" not in str(error.value)


def test_outside_of_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"main: no revision of this repository \(.*not a git repository"):
        commit_of("main")
