"""How much of a report's run is done here: the same settings with fewer records, epochs, pixels and narrower text networks.

Nothing else depends on the scale.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le

from multilabel.core.ranges import Count
from multilabel.core.registry import choose
from multilabel.core.settings import checked, parsed, read_section
from multilabel.models.image_input import Pixels
from multilabel.studies.places import SHARED

WIDTHS = ("hidden", "embedding", "filters", "feed_forward", "width")  # what `width` scales


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The most of each that a run gets; None is what the report says."""

    records: Count | None  # labelled
    epochs: Count | None
    image_size: Pixels | None  # a side
    width: Annotated[float, Gt(0), Le(1)] | None  # factor of the widths of text networks and fusions
    seeds: Annotated[int, Ge(1)] | None


@dataclass(frozen=True, kw_only=True)
class StudySettings:
    """The section `study:` that all studies share."""

    scale: str
    weights: str  # random or pretrained
    stand_ins: Mapping[str, str]


def read_study(path: Path = SHARED) -> tuple[StudySettings, Scale]:
    """The shared settings, and the scale that they name; raises `UserError` for an unknown one."""
    scales = read_section("scales", path)
    study = parsed(StudySettings, read_section("study", path), "study")
    choose("choice of weights", dict.fromkeys(("random", "pretrained")), study.weights, "study.weights")
    chosen = choose("scale", scales, study.scale, "study.scale")
    return study, Scale(**checked(Scale, chosen, f"scales.{study.scale}"))


def scaled(settings: Mapping[str, Any], scale: Scale) -> dict[str, Any]:
    """Resolved settings of a run at a scale."""
    if settings.get("baseline"):
        return dict(settings)
    train = {**settings["train"], "epochs": _least(settings["train"]["epochs"], scale.epochs)}
    return {
        **settings,
        "image": settings["image"] and _smaller(settings["image"], scale.image_size),
        "text": settings["text"] and _narrower(settings["text"], scale.width),
        "fusion": settings["fusion"] and _narrower(settings["fusion"], scale.width),
        "train": train,
    }


def _smaller(image: Mapping[str, Any], most: int | None) -> dict[str, Any]:
    size = _least(image["size"], most)
    resize = image["resize"] and round(image["resize"] * size / image["size"])
    return {**image, "size": size, "resize": resize}


def _narrower(block: Mapping[str, Any], factor: float | None) -> dict[str, Any]:
    if factor is None or "config" in block:  # a published network has the width that its weights have
        return dict(block)
    step = block.get("heads") or 1  # a width is a multiple of the heads
    widths = {key: block[key] for key in WIDTHS if block.get(key)}
    return {**block, **{key: max(1, round(value * factor / step)) * step for key, value in widths.items()}}


def _least(value: int, most: int | None) -> int:
    return value if most is None else min(value, most)
