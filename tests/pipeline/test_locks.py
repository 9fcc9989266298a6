"""locks/: what requirements*.txt ask for, with hashes, and nothing that a registry would be asked for without one."""

import re

import pytest
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.version import Version

LOCKS = sorted(path.name for path in (ROOT / "locks").glob("*.txt"))
SOURCES = sorted(path.name for path in ROOT.glob("requirements*.txt"))
EXTRA = {"requirements-review.txt"}  # of names in the Makefile, for a workflow that compares and trains nothing
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def asked_for(name: str) -> list[Requirement]:
    """What a file of requirements asks for, and those that it begins with."""
    found = []
    for line in (ROOT / name).read_text().splitlines():
        line = line.partition("#")[0].strip()
        if line.startswith("-r "):
            found += asked_for(line.removeprefix("-r "))
        elif line:
            found.append(Requirement(line))
    return found


def locked(name: str) -> list[tuple[Requirement, list[str]]]:
    """The entries of a lock, and the hashes of each."""
    text = (ROOT / "locks" / name).read_text().replace("\\\n", " ")
    lines = [line.split("--hash", 1) for line in text.splitlines() if line and not line.startswith("#")]
    return [(Requirement(first), HASH.findall(f"--hash{rest}")) for first, rest in lines]


def versions(entries: list[Requirement], python: str) -> dict[str, str]:
    """Name -> version of what is installed on Linux."""
    where = {"python_version": python, "python_full_version": f"{python}.1", "sys_platform": "linux", "extra": "",
             "platform_system": "Linux", "platform_machine": "x86_64"}  # fmt: skip
    chosen = [entry for entry in entries if entry.marker is None or entry.marker.evaluate(where)]
    found = {_canonical(entry.name): str(next(iter(entry.specifier)).version) for entry in chosen}
    assert len(found) == len(chosen)
    return found


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_each_file_of_requirements_has_a_lock() -> None:
    assert set(LOCKS) == {*SOURCES, *EXTRA}


@pytest.mark.parametrize("name", LOCKS)
def test_every_entry_is_one_version_with_hashes_and_names_no_host(name: str) -> None:
    for entry, hashes in locked(name):
        assert [part.operator for part in entry.specifier] == ["=="], entry
        assert hashes, entry
        assert len(set(hashes)) == len(hashes)
    text = (ROOT / "locks" / name).read_text()
    assert "://" not in text
    assert not re.search(r"^--(?!hash)|index|find-links", text, re.MULTILINE)


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("python", PYTHONS)
def test_a_lock_has_all_that_is_asked_for(name: str, python: str) -> None:
    wanted, there = versions(asked_for(name), python), versions([entry for entry, _ in locked(name)], python)
    lacking = {one: version for one, version in wanted.items() if Version(there.get(one, "0")) != Version(version)}
    assert lacking == {}, "run `make lock` and commit locks/"


@pytest.mark.parametrize(
    "name", [name for name in LOCKS if name not in ("requirements-dev.txt", "requirements-pretrained.txt")]
)
@pytest.mark.parametrize("python", PYTHONS)
def test_what_is_installed_on_top_of_another_lock_agrees_with_it(name: str, python: str) -> None:
    all_of_them = versions([entry for entry, _ in locked("requirements-dev.txt")], python)
    other = {one: version for one, version in versions([entry for entry, _ in locked(name)], python).items()
             if all_of_them.get(one, version) != version}  # fmt: skip
    assert other == {}
