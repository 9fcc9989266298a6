"""The stage that explains networks: what is none is refused in one line."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import ROOT

from multilabel.core.errors import UserError
from multilabel.models.model import Model


def test_a_baseline_cannot_be_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("explanations: {why: {of: rule, dataset: d}}\n")
    monkeypatch.setattr(Model, "load", lambda folder: SimpleNamespace(classifier=object()))
    explain = runpy.run_path(str(ROOT / "src" / "explain.py"))["explain"]
    with pytest.raises(
        UserError, match=r"^explanations.why.of: 'rule' is no single network, and only those are explained; name one$"
    ):
        explain("why")
