"""Nobody's pickle is executed: the library has no way to read one, nor to write one that others would have to."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

FILES = sorted([*(ROOT / "src").rglob("*.py"), *(ROOT / "studies").rglob("*.py")])
MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def unsafe(source: str) -> Iterator[str]:
    """What of a module could read or write a pickle."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.partition(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in MODULES:
            yield str(node.module)
        elif isinstance(node, ast.Call):
            given = {key.arg: key.value for key in node.keywords}
            called = ast.unparse(node.func)
            if called == "torch.load" and not _is(given.get("weights_only"), True):
                yield called
            if "allow_pickle" in given and not _is(given["allow_pickle"], False):
                yield f"{called}(allow_pickle)"
            if called.rpartition(".")[2] in ("read_pickle", "to_pickle", "unsafe_load", "full_load"):
                yield called


def _is(node: ast.expr | None, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_reads_or_writes_a_pickle(path: Path) -> None:
    assert list(unsafe(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    ["import pickle", "from joblib import load", "torch.load(path)", "torch.load(path, weights_only=False)",
     "np.load(path, allow_pickle=True)", "pd.read_pickle(path)", "yaml.unsafe_load(text)"],
)  # fmt: skip
def test_what_would_is_found(source: str) -> None:
    assert list(unsafe(source))
    assert not list(unsafe("torch.load(path, weights_only=True, map_location=device)"))
