"""Pretrained weights: a changed file, or another commit of a hub's model, is another run."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import TRAIN, minilm_folder

from multilabel.core.errors import UserError
from multilabel.models.hub_encoder import fetch, with_revision
from multilabel.models.pretrained import pretrained_digest, verdict, with_digests
from multilabel.training.architectures import resolve

COMMIT, OTHER = "0123456789abcdef0123456789abcdef01234567", "f" * 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A text encoder as people have it, with a page about it and exports that nothing here reads."""
    files = {"config.json": "{}", "tokenizer.json": "{}", "vocab.txt": "a", "model.safetensors": "w" * 3_000_000,
             "README.md": "hello", ".gitattributes": "x", "spiece.model": "m"}  # fmt: skip
    (tmp_path / "encoder" / "onnx").mkdir(parents=True)
    for name, content in files.items():
        (tmp_path / "encoder" / name).write_text(content)
    return tmp_path / "encoder"


def test_settings_carry_a_digest_for_each_file_that_they_start_from(tmp_path: Path) -> None:
    """Also where two members of an ensemble take the same network from different files."""
    blocks: dict[str, Any] = {}
    for name in ("a", "b"):
        (tmp_path / f"{name}.safetensors").write_text(name)
        image = {"encoder": "timm/resnet10t", "weights": str(tmp_path / f"{name}.safetensors")}
        blocks[name] = {"dataset": "captions", "image": image}
    blocks["both"] = {"dataset": "captions", "ensemble": {"members": ["a", "b"]}}
    settings = resolve("both", blocks, TRAIN, 0).model
    before = with_digests({}, settings)["pretrained"]
    assert len(before) == 2
    for name in ("a", "b"):
        (tmp_path / f"{name}.safetensors").write_text("other")
        after = with_digests({}, settings)["pretrained"]
        assert len({*before.items()} ^ {*after.items()}) == 2
        before = after
    random = resolve("r", {"r": {"dataset": "captions", "text": {"encoder": "gru"}}}, TRAIN, 0).model
    assert with_digests({"kind": "network"}, random) == {"kind": "network"}


def changed(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "vocab.txt", "model.safetensors", "spiece.model"])
def test_a_changed_file_of_a_folder_is_noticed(folder: Path, file: str) -> None:
    before = pretrained_digest(f"hf/{folder}", "pretrained")
    assert before == pretrained_digest(f"hf/{folder}", "pretrained")
    changed(folder / file, -1)  # of the same size and, as it may be, of the same second
    assert pretrained_digest(f"hf/{folder}", "pretrained") != before


def test_what_is_not_read_is_not_noticed(folder: Path) -> None:
    whole, random = pretrained_digest(f"hf/{folder}", "pretrained"), pretrained_digest(f"hf/{folder}", None)
    changed(folder / "README.md", 0)
    (folder / "onnx" / "model.onnx").write_text("other")
    assert pretrained_digest(f"hf/{folder}", "pretrained") == whole
    changed(folder / "model.safetensors", 0)
    assert pretrained_digest(f"hf/{folder}", None) == random  # random weights, but its tokenizer
    changed(folder / "vocab.txt", 0)
    assert pretrained_digest(f"hf/{folder}", None) != random


def test_a_file_that_comes_or_is_renamed_is_noticed(folder: Path) -> None:
    found = [pretrained_digest(f"hf/{folder}", "pretrained")]
    (folder / "vocab.txt").rename(folder / "merges.txt")
    found.append(pretrained_digest(f"hf/{folder}", "pretrained"))
    (folder / "added_tokens.json").write_text("{}")
    found.append(pretrained_digest(f"hf/{folder}", "pretrained"))
    assert len(set(found)) == 3


def test_a_folder_elsewhere_with_the_same_files_is_the_same(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    assert pretrained_digest(f"hf/{tmp_path / 'copy'}", "pretrained") == pretrained_digest(f"hf/{folder}", "pretrained")


def test_a_file_of_weights_is_known_by_its_content(tmp_path: Path) -> None:
    for encoder in ("timm/resnet18", "torchvision/resnet18"):
        file = tmp_path / "weights.pth"
        file.write_bytes(bytes(3 * 2**20))
        before = pretrained_digest(encoder, str(file))
        changed(file, 2**20)
        assert pretrained_digest(encoder, str(file)) != before
        for weights in (None, "pretrained"):
            assert pretrained_digest(encoder, weights) is None
    assert pretrained_digest("gru", None) is None


def test_a_hub_model_is_known_by_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert pretrained_digest("hf/org/model", "pretrained") is None
    model = tmp_path / "models--org--model"
    for commit in (COMMIT, OTHER):
        (model / "snapshots" / commit).mkdir(parents=True)
        (model / "snapshots" / commit / "config.json").write_text("{}")
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(COMMIT)
    (model / "refs" / "v2").write_text(OTHER)
    assert pretrained_digest("hf/org/model", "pretrained") == COMMIT
    assert pretrained_digest("hf/org/model@v2", "pretrained") == OTHER
    assert pretrained_digest(f"hf/org/model@{OTHER}", "pretrained") == OTHER
    (model / "refs" / "main").write_text(OTHER)  # the hub has moved on
    assert pretrained_digest("hf/org/model", "pretrained") == OTHER


def test_a_hub_model_is_loaded_at_its_revision(tmp_path: Path) -> None:
    def load(name: str, **options: Any) -> Any:
        return name, options

    assert fetch("org/model@v2", load) == ("org/model", {"revision": "v2"})
    assert fetch("org/model", load) == ("org/model", {})
    (tmp_path / "a@b").mkdir()
    assert fetch(str(tmp_path / "a@b"), load) == (str(tmp_path / "a@b"), {})
    assert with_revision(minilm_folder()) == (minilm_folder(), None)


def test_a_revision_that_cannot_be_read_is_one_line() -> None:
    def load(name: str, **options: Any) -> Any:
        raise OSError(f"{name} has no\n{options['revision']}")

    with pytest.raises(UserError) as error:
        fetch("org/model@v9", load)
    assert str(error.value).startswith("cannot read hf/org/model@v9 (OSError: org/model has no v9); give a folder with")


def test_a_revision_does_not_hide_what_weights_have_seen() -> None:
    assert verdict("hf/google-bert/bert-base-uncased@v2", "pretrained") == "no"
    assert verdict(f"hf/sentence-transformers/all-MiniLM-L6-v2@{COMMIT}", "pretrained") == "yes"
