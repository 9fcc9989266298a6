"""params.yaml: whatever stands in it, wherever; settings, or lines that say what is wrong."""

from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from conftest import ROOT, SMALL_PARAMS
from fuzzing import damaged, everything, names, outcome, texts
from hypothesis import given
from hypothesis import strategies as st

from multilabel import params
from multilabel.core.errors import UserError
from multilabel.core.yaml_files import read_yaml
from multilabel.models.fusions import FUSIONS
from multilabel.models.heads import HEADS
from multilabel.models.poolings import POOLINGS
from multilabel.models.text_encoders import TEXT_ENCODERS
from multilabel.training.losses import LOSSES
from multilabel.training.optimizers import OPTIMIZERS
from multilabel.training.schedules import SCHEDULES

SMALL = read_yaml(SMALL_PARAMS)
RICH: dict[str, Any] = {
    **SMALL,
    "datasets": {
        **SMALL["datasets"],
        "mine": {"format": "table", "source": "a.csv", "columns": {"id": "a", "labels": "b", "text": "c", "image": "d"}},
    },
    "architectures": {
        **SMALL["architectures"],
        "both": {
            "dataset": "captions",
            "image": {"encoder": "timm/resnet10t", "size": 32, "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
            "text": {"encoder": "bert", "tokenizer": {"name": "wordpiece"}, "clean": ["lower"], "hidden": 8, "heads": 2},
            "fusion": {"name": "cross_attention", "width": 8, "modality_dropout": 0.5},
            "head": "linear",
            "train": {"loss": {"name": "focal", "gamma": 2.0}, "optimizer": "sgd", "augment": {"crop": 0.9}, "lr": 0.1},
            "seeds": 2,
        },
        "heir": {"base": "both", "dataset": "captions", "image": None},
        "committee": {"dataset": "captions", "ensemble": {"members": ["tfidf_logreg", "textcnn"], "folds": 2, "weights": "stacking"}},
    },
}  # fmt: skip
WORDS = [*FUSIONS, *HEADS, *POOLINGS, *TEXT_ENCODERS, *LOSSES, *OPTIMIZERS, *SCHEDULES, *RICH, *RICH["architectures"],
         "timm/resnet18", "torchvision/resnet18", "hf/x", "hf/package/x", "package/x", "pretrained", "name", "base"]  # fmt: skip
values = (
    everything
    | st.sampled_from(WORDS)
    | st.integers(-2, 3)
    | st.floats(-1, 2)
    | st.integers(0, 1).map(lambda number: [number] * 3)
)
TEXT = (ROOT / "tests" / "params.yaml").read_bytes()


def blocks(node: Any) -> list[Any]:
    """All blocks and lists within `node`, itself first."""
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    own = [node] if isinstance(node, dict | list) else []
    return own + [block for part in inner for block in blocks(part)]


@given(st.data())
def test_any_value_at_any_place_is_sound_or_a_line(data: st.DataObject) -> None:
    raw = deepcopy(RICH)
    for _ in range(data.draw(st.integers(1, 3))):
        block = data.draw(st.sampled_from(blocks(raw)))
        there = list(block) if isinstance(block, dict) else list(range(len(block)))
        key = data.draw(st.sampled_from(there)) if there else None
        how = data.draw(st.sampled_from(["replace", "take", "add", "rename"]))
        if key is None or how == "add":
            if isinstance(block, dict):
                block[data.draw(st.sampled_from(WORDS) | names | texts)] = data.draw(values)
            else:
                block.append(data.draw(values))
        elif how == "take":
            del block[key]
        elif how == "replace" or isinstance(block, list):
            block[key] = data.draw(values)
        else:
            block[data.draw(st.sampled_from(WORDS) | texts)] = block.pop(key)
    found = outcome(lambda: params.sound(raw))
    if not isinstance(found, UserError):
        assert set(found.architectures) == set(raw["architectures"])
        assert set(found.datasets) == set(raw["datasets"])
        assert set(found.ablations) == set(raw["ablations"])


@given(everything)
def test_any_content_is_sound_or_a_line(raw: Any) -> None:
    assert isinstance(outcome(lambda: params.sound(raw)), UserError)


@given(damaged(TEXT) | texts.map(str.encode) | st.binary(max_size=100))
def test_any_bytes_are_yaml_or_one_line(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "params.yaml"
        path.write_bytes(content)
        outcome(lambda: read_yaml(path))
        outcome(lambda: params.read(path))
