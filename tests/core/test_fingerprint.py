"""What a change of code changes in a fingerprint, on a small library of its own."""

from pathlib import Path

import pytest

from multilabel.core.fingerprint import Code

LIBRARY = {
    "lib/__init__.py": "",
    "lib/losses.py": '''
from lib.registry import Registry
from lib.maths import square

WEIGHT = 2.0  # of a missed label

def bce(x):
    """Cross-entropy."""
    return WEIGHT * x

def focal(x):
    return square(x)

LOSSES = Registry({"bce": bce, "focal": focal})
''',
    "lib/maths.py": "import math\n\ndef square(x):\n    return x * x\n\ndef root(x):\n    return math.sqrt(x)\n",
    "lib/registry.py": "class Registry(dict):\n    pass\n",
    "lib/words.py": 'from pathlib import Path\n\nWORDS = Path(__file__).with_name("words.txt")\n\ndef read():\n    return WORDS.read_text()\n',
    "lib/words.txt": "one two",
    "lib/package/__init__.py": "from lib.package.inner import Thing\n",
    "lib/package/inner.py": "class Base:\n    pass\n\nclass Thing(Base):\n    def work(self):\n        from lib import late\n        return late.help()\n",
    "lib/late.py": "def help():\n    return other()\n\ndef other():\n    return 1\n\ndef unused():\n    return 2\n",
    "lib/effects.py": "from lib.settings import TABLE\n\nTABLE['a'] = 1\n\ndef nothing():\n    pass\n",
    "lib/settings.py": "TABLE = {}\nOTHER = {}\n",
    "train.py": "from lib.losses import LOSSES\nfrom lib.package import Thing\n\ndef train(name):\n    Thing().work()\n    return LOSSES[name](1)\n\nif __name__ == '__main__':\n    train('bce')\n",
    "count.py": "import lib.effects\nfrom lib import words as w\n\ndef count():\n    return len(w.read())\n",
}  # fmt: skip


@pytest.fixture
def library(tmp_path: Path) -> Path:
    for name, text in LIBRARY.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def used(library: Path, script: str, settings: object = None) -> set[str]:
    return {f"{module}.{name}" for module, name in Code(library).used(script, settings)}


def test_definitions_are_followed_through_calls_bases_packages_and_late_imports(library: Path) -> None:
    assert used(library, "train") == {
        "train.train", "train.", "lib.losses.LOSSES", "lib.package.inner.Thing", "lib.package.inner.Base",
        "lib.late.help", "lib.late.other",
    }  # fmt: skip


def test_of_a_registry_only_the_named_entries_count(library: Path) -> None:
    bce = used(library, "train", {"train": {"loss": {"name": "bce", "options": {}}}}) - used(library, "train")
    focal = used(library, "train", {"train": {"loss": ["focal"]}}) - used(library, "train")
    assert bce == {"lib.losses.bce", "lib.losses.WEIGHT"}
    assert focal == {"lib.losses.focal", "lib.maths.square"}


def test_importing_a_module_runs_its_statements(library: Path) -> None:
    assert used(library, "count") == {
        "count.count", "lib.words.read", "lib.words.WORDS", "lib.effects.", "lib.settings.TABLE",
    }  # fmt: skip


BCE = {"loss": "bce"}


@pytest.mark.parametrize(
    ("file", "old", "new", "changes"),
    [
        ("lib/losses.py", "WEIGHT = 2.0", "WEIGHT = 3.0", True),
        ("lib/losses.py", "# of a missed label", "# anything else", False),
        ("lib/losses.py", '"""Cross-entropy."""', '"""Something else."""', False),
        ("lib/losses.py", "\n\n\ndef bce", "\n\n\n\n\ndef bce", False),
        ("lib/losses.py", "return square(x)", "return 7", False),  # of a loss that is not named
        ("lib/losses.py", '{"bce": bce', '{"bce": focal', True),
        ("lib/late.py", "return 1", "return 3", True),
        ("lib/late.py", "return 2", "return 3", False),
        ("lib/package/inner.py", "class Base:\n    pass", "class Base:\n    x = 1", True),
        ("lib/words.txt", "two", "three", False),
        ("train.py", "train('bce')", "train('focal')", True),
    ],
)
def test_a_fingerprint_changes_with_what_it_covers_alone(
    library: Path, file: str, old: str, new: str, changes: bool
) -> None:
    before = Code(library).fingerprint("train", BCE)
    text = (library / file).read_text()
    if old in text:
        (library / file).write_text(text.replace(old, new))
    assert (Code(library).fingerprint("train", BCE) != before) == changes


def test_data_files_beside_a_module_count(library: Path) -> None:
    before = Code(library).fingerprint("count")
    (library / "lib/words.txt").write_text("three")
    assert Code(library).fingerprint("count") != before
