"""A block of a study's `runs:` -> what its report says (declared), and what is trained at the scale of today."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le

from multilabel.core.errors import UserError
from multilabel.core.files import read_json
from multilabel.core.ranges import Count
from multilabel.core.registry import choose
from multilabel.core.settings import Choice, Option, checked, from_json, inherit, parsed, read_section, without
from multilabel.inputs.image_input import Pixels
from multilabel.models.hub_encoder import HUB
from multilabel.models.packages import PACKAGE, package
from multilabel.models.settings import FusionSettings, ImageSettings, TextSettings
from multilabel.studies.specification import AS_PUBLISHED, PLANNED, SHARED, STAND_IN, RunBlock
from multilabel.training.architectures import resolve
from multilabel.training.settings import Architecture, NetworkArchitecture, TrainingSettings

RANDOM = "random"  # as a stand-in: none is at hand
OWN = ("group", "row", "variant", "seeds")  # keys of a run that are never handed down
WIDTHS = ("hidden", "embedding", "filters", "dim_feedforward", "width")  # options that the width of a scale multiplies


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The most of each that a run gets; None is what the report says."""

    records: Count | None  # labelled
    epochs: Count | None  # at the study's own batch size; a run with another one gets as many updates
    image_size: Pixels | None  # a side
    width: Annotated[float, Gt(0), Le(1)] | None  # factor of the widths of text networks and fusions
    seeds: Annotated[int, Ge(1)] | None


@dataclass(frozen=True, kw_only=True)
class StudySettings:
    """The section `study:` that all studies share."""

    scale: str
    weights: Literal["random", "pretrained"]
    stand_ins: Mapping[
        str, str
    ]  # published encoder -> package/<name>, or `random`; a text encoder also by hub id or folder


@dataclass(frozen=True, kw_only=True)
class Run(RunBlock):
    """One run with all settings of its architecture."""

    architecture: Architecture


def read_study(path: Path = SHARED) -> tuple[StudySettings, Scale]:
    """The shared settings, and the scale that they name; raises `UserError` for an unknown one."""
    scales = read_section("scales", path)
    study = parsed(StudySettings, read_section("study", path), "study")
    chosen = choose("scale", scales, study.scale, "study.scale")
    return study, Scale(**checked(Scale, chosen, f"scales.{study.scale}"))


def read_runs(group: str) -> list[Run]:
    """What the stage `resolve_runs` wrote of the runs of a group, by name."""
    runs: list[Run] = [from_json(Run, read_json(path)) for path in sorted((PLANNED / group).glob("*.json"))]
    return runs


def declared(name: str, params: Mapping[str, Any], dataset: str, study: StudySettings) -> Run:
    """One run at full scale; raises `UserError` for a mistake in its block."""
    block = inherit(params["runs"], name, "runs", own=OWN)
    if not isinstance(block.get("group"), str):
        raise UserError(f"runs.{name}: 'group' is missing; add it there")
    architecture: dict[str, Any] = {"dataset": dataset, **without(block, *OWN, "pretrained")}
    weights, stand_in = "none" if "baseline" in block else study.weights, None
    if weights == "pretrained" and (block.get("image") or {}).get("encoder") in _without_weights(study.stand_ins):
        weights = "random"
    if weights == "pretrained":
        architecture, stand_in = _with_weights(architecture, block.get("pretrained") or {}, study.stand_ins)
    try:
        resolved = resolve(name, {name: architecture}, params["train"], params["seed"])
    except UserError as error:
        raise UserError(str(error).replace("architectures.", "runs.")) from None
    variant = block.get("variant", AS_PUBLISHED)
    return Run(
        run=name,
        group=block["group"],
        row=block.get("row"),
        variant=f"{variant}, {stand_in}" if stand_in else variant,
        weights=weights,
        from_scratch=not block.get("image") and not block.get("pretrained"),
        seeds=[params["seed"] + number for number in range(block.get("seeds") or 1)],
        scale="full",
        architecture=resolved,
    )


@dataclass(frozen=True)
class Epochs:
    """How long training lasts where records are fewer than the report had: it is updates that count, not epochs."""

    ours: int  # records that train
    theirs: int
    batch_size: int  # of the study

    def of(self, train: TrainingSettings, most: int | None) -> int:
        """As many as give the report's number of updates, and no more than `most` epochs of the study's own batches."""
        same = math.ceil(train.epochs * max(1.0, self.theirs / self.ours))
        return same if most is None else min(same, math.ceil(most * train.batch_size / self.batch_size))


def at_scale(run: Run, name: str, scale: Scale, epochs: Epochs) -> Run:
    """A declared run as it is trained at the scale called `name`."""
    architecture = run.architecture
    if isinstance(architecture, NetworkArchitecture):
        model, train = architecture.model, architecture.train
        model = replace(
            model,
            image=model.image and _smaller(model.image, scale.image_size),
            text=model.text and _narrower_text(model.text, scale.width),
            fusion=model.fusion and _narrower_fusion(model.fusion, scale.width),
        )
        train = replace(train, epochs=epochs.of(train, scale.epochs))
        architecture = replace(architecture, model=model, train=train)
    return replace(run, scale=name, seeds=run.seeds[: scale.seeds], architecture=architecture)


def _without_weights(stand_ins: Mapping[str, str]) -> set[str]:
    """Image encoders for whose weights nothing is at hand."""
    return {published for published, own in stand_ins.items() if own == RANDOM}


def _with_weights(
    architecture: Mapping[str, Any], pretrained: Mapping[str, Any], stand_ins: Mapping[str, str]
) -> tuple[dict[str, Any], str | None]:
    """The architecture with published weights, and a word on what stands in for them."""
    changed = {**architecture, **{part: block for part, block in pretrained.items() if part in architecture}}
    notes = []
    if image := changed.get("image"):
        encoder = image.get("encoder", "")
        changed["image"] = {**image, "weights": "pretrained"}
        if name := stand_ins.get(encoder):
            # What stands in was trained on images of its own mean and spread.
            own = {"encoder": package(name, f"study.stand_ins.{encoder}").encoder, "weights": name}
            changed["image"] = {**without(image, "mean", "std"), **own}
            notes.append(f"{name.removeprefix(PACKAGE)}{STAND_IN}{encoder}")
    encoder = (changed.get("text") or {}).get("encoder", "")
    if encoder.startswith(HUB) and (name := stand_ins.get(published := encoder.removeprefix(HUB))):
        changed["text"] = {**changed["text"], "encoder": HUB + name}
        folder = Path(name)
        notes.append(f"{folder.parent.name if folder.name == 'model' else folder.name}{STAND_IN}{published}")
    return changed, ", ".join(notes) or None


def _smaller(image: ImageSettings, most: int | None) -> ImageSettings:
    size = _least(image.size, most)
    return replace(image, size=size, resize=image.resize and round(image.resize * size / image.size))


def _narrower_text(text: TextSettings, factor: float | None) -> TextSettings:
    if text.tokenization is None:  # a published network has the width that its weights have
        return text
    return replace(text, options=_narrower(text.options, factor))


def _narrower_fusion(fusion: FusionSettings, factor: float | None) -> FusionSettings:
    return replace(fusion, choice=Choice(fusion.choice.name, _narrower(fusion.choice.options, factor)))


def _narrower(options: Mapping[str, Option], factor: float | None) -> dict[str, Option]:
    if factor is None:
        return dict(options)
    heads = options.get("heads")
    step = heads if isinstance(heads, int) else 1  # a width is a multiple of the heads
    narrowed = dict(options)
    for key in WIDTHS:
        if isinstance(value := options.get(key), int):
            narrowed[key] = max(1, round(value * factor / step)) * step
    return narrowed


def _least(value: int, most: int | None) -> int:
    return value if most is None else min(value, most)
