"""Model folders that were damaged on their way: they predict for every record, or are refused in one line."""

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import trained
from fuzzing import damaged, of_json, outcome
from hypothesis import given
from hypothesis import strategies as st

from multilabel import Classifier
from multilabel.core.errors import UserError

MEMBERS = {"members": ["tfidf", "bert"], "weights": "stacking"}
CHANGES = {"tfidf": {}, "bert": {}, "stacked": {"ensemble": MEMBERS}}
KINDS = [*CHANGES, pytest.param("exported", marks=pytest.mark.slow)]
TEXTS = ["rose", "leaf sea", ""]


@pytest.fixture(scope="module")
def folders(own_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A sound one of each kind, made when it is first asked for."""
    out = tmp_path_factory.mktemp("models")

    @cache
    def sound(kind: str) -> Path:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(own_project)
            if kind == "exported":
                pytest.importorskip("onnxruntime")
                from multilabel.export.folders import export

                export(sound("bert"), out / kind)
            else:
                shutil.copytree(trained.trained("captions", kind, **CHANGES[kind])[0], out / kind)
        return out / kind

    return sound


def changed(content: Any, data: st.DataObject) -> Any:
    """JSON with one value replaced, or a key taken out."""
    if not isinstance(content, dict | list) or not content or data.draw(st.booleans()):
        return data.draw(of_json)
    key = data.draw(st.sampled_from(list(content) if isinstance(content, dict) else list(range(len(content)))))
    if data.draw(st.integers(0, 3)) == 0:
        del content[key]
    else:
        content[key] = changed(content[key], data)
    return content


def predict(folder: Path) -> int:
    return len(Classifier.load(folder).predict(texts=TEXTS))


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_a_damaged_folder_predicts_or_is_refused(
    kind: str, folders: Callable[[str], Path], data: st.DataObject
) -> None:
    with TemporaryDirectory() as place:
        folder = Path(place) / kind
        shutil.copytree(folders(kind), folder)
        path = data.draw(st.sampled_from(sorted(path for path in folder.rglob("*") if path.is_file())))
        how = data.draw(st.sampled_from(["bytes", "json", "gone", "folder"]))
        if how == "json" and path.suffix == ".json":
            path.write_text(json.dumps(changed(json.loads(path.read_text()), data)))
        elif how == "gone":
            path.unlink()
        elif how == "folder":
            path.unlink()
            path.mkdir()
        else:
            path.write_bytes(data.draw(damaged(path.read_bytes())))
        found = outcome(lambda: predict(folder))
    assert isinstance(found, UserError) or found == len(TEXTS)
