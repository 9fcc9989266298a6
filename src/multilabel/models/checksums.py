"""The SHA-256 of each file of a folder that is handed on: what was damaged on its way is noticed before it is used."""

from pathlib import Path

from multilabel.core.errors import UserError
from multilabel.core.files import read_json, sha256_of_file, write_json

CHECKSUMS = "sha256.json"


def write_checksums(folder: Path, but: str) -> None:
    """Of all that is in `folder` now, but for the file called `but`, which people may edit."""
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    write_json(folder / CHECKSUMS, {name: sha256_of_file(folder / name) for name in names if name != but})


def check_checksums(folder: Path) -> None:
    """Raises `UserError` for a file that is not what was written; a folder without checksums is taken as it is."""
    if not (folder / CHECKSUMS).exists():
        return
    for name, expected in read_json(folder / CHECKSUMS).items():
        if sha256_of_file(folder / name) != expected:
            raise UserError(f"{folder / name}: is not what was written ({CHECKSUMS} says so); fetch the folder again")
