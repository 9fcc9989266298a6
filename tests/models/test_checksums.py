from pathlib import Path

import pytest

from multilabel.core.errors import UserError
from multilabel.core.files import read_json
from multilabel.models.checksums import CHECKSUMS, check_checksums, write_checksums


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files with checksums, and one that may be edited."""
    (tmp_path / "part").mkdir()
    for name in ("settings.json", "part/weights.safetensors", "README.md"):
        (tmp_path / name).write_text(name)
    write_checksums(tmp_path, but="README.md")
    return tmp_path


def test_a_folder_as_it_was_written_passes(folder: Path) -> None:
    assert list(read_json(folder / CHECKSUMS)) == ["part/weights.safetensors", "settings.json"]
    (folder / "README.md").write_text("a note")
    (folder / "more.txt").write_text("a note")
    check_checksums(folder)
    (folder / CHECKSUMS).unlink()
    (folder / "settings.json").write_text("{}")
    check_checksums(folder)  # as folders that were trained here are


@pytest.mark.parametrize("name", ["settings.json", "part/weights.safetensors"])
def test_a_file_that_is_another_is_named(folder: Path, name: str) -> None:
    (folder / name).write_text("other")
    with pytest.raises(UserError) as error:
        check_checksums(folder)
    assert str(error.value) == f"{folder / name}: is not what was written (sha256.json says so); fetch the folder again"
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError):
        check_checksums(folder)
