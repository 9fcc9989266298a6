"""A block of a study's `runs:` -> what its report says (declared), and what is trained at the scale of today."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from multilabel.core.errors import UserError
from multilabel.core.registry import choose
from multilabel.core.settings import without
from multilabel.models.hub_encoder import HUB
from multilabel.studies.evidence import AS_PUBLISHED
from multilabel.studies.scales import Scale, StudySettings, scaled
from multilabel.training.architectures import resolve

OWN = ("study", "group", "row", "variant", "seeds", "pretrained")  # keys of a run that no architecture has
Blocks = Mapping[str, Mapping[str, Any]]


def declared(name: str, params: Mapping[str, Any], dataset: str, study: StudySettings) -> dict[str, Any]:
    """Everything about one run at full scale; raises `UserError` for a mistake in its block.

    Keys: `run`, `group`, `row`, `variant`, `weights`, `from_scratch`, `seeds`, and the resolved `settings` of its architecture.
    """
    block = inherited(name, params["runs"])
    for key in ("study", "group"):
        if not isinstance(block.get(key), str):
            raise UserError(f"runs.{name}: {key!r} is missing; add it there")
    architecture: dict[str, Any] = {"dataset": dataset, **without(block, *OWN)}
    weights, stand_in = "random", None
    if study.weights == "pretrained" and "baseline" not in block:
        architecture, stand_in = _with_weights(architecture, block.get("pretrained") or {}, study.stand_ins)
        weights = "pretrained"
    # A baseline gets the rule that suits it: a report's threshold is for its networks.
    train = {**params["train"], **({"decoding": "expected_f1"} if "baseline" in block else {})}
    try:
        settings = resolve(name, {name: architecture}, train, params["seed"])
    except UserError as error:
        raise UserError(str(error).replace("architectures.", "runs.")) from None
    variant = block.get("variant", AS_PUBLISHED)
    return {
        "run": name,
        "group": block["group"],
        "row": block.get("row"),
        "variant": f"{variant}, {stand_in}" if stand_in else variant,
        "weights": "none" if "baseline" in block else weights,
        "from_scratch": not block.get("image") and not block.get("pretrained"),  # in the report
        "seeds": [params["seed"] + number for number in range(block.get("seeds") or 1)],
        "settings": settings,
    }


def at_scale(run: Mapping[str, Any], name: str, scale: Scale) -> dict[str, Any]:
    """A declared run as it is trained at the scale called `name`."""
    settings = scaled(run["settings"], scale)
    return {**run, "scale": name, "seeds": run["seeds"][: scale.seeds], "settings": settings}


def inherited(name: str, runs: Blocks, below: tuple[str, ...] = ()) -> dict[str, Any]:
    """A block with what the block that it is `like` says: mappings are merged, null removes; never its place in tables."""
    choose("run", runs, name, "runs" if not below else f"runs.{below[-1]}.like")
    if name in below:
        raise UserError(f"runs.{name}.like: runs are like each other in a circle; give one of them all its settings")
    block = dict(runs[name] or {})
    if "like" not in block:
        return block
    base = inherited(block.pop("like"), runs, (*below, name))
    merged = without(base, "study", "group", "row", "variant", "seeds")
    for key, change in block.items():
        merged[key] = _merged(merged.get(key), change)
    return {key: value for key, value in merged.items() if value is not None}


def _merged(old: Any, change: Any) -> Any:
    if not (isinstance(old, Mapping) and isinstance(change, Mapping)):
        return change
    if "name" in change and change["name"] != old.get("name"):
        return change  # another choice has other options
    both = {**old, **{key: _merged(old.get(key), value) for key, value in change.items()}}
    return {key: value for key, value in both.items() if value is not None or key in ("weights", "resize")}


def _with_weights(
    architecture: Mapping[str, Any], pretrained: Mapping[str, Any], stand_ins: Mapping[str, str]
) -> tuple[dict[str, Any], str | None]:
    """The architecture with published weights, and a word on what stands in for them."""
    changed = {**architecture, **{part: block for part, block in pretrained.items() if part in architecture}}
    if changed.get("image"):
        changed["image"] = {**changed["image"], "weights": "pretrained"}
    encoder = (changed.get("text") or {}).get("encoder", "")
    published = encoder.removeprefix(HUB)
    if not encoder.startswith(HUB) or published not in stand_ins:
        return changed, None
    changed["text"] = {**changed["text"], "encoder": HUB + stand_ins[published]}
    folder = Path(stand_ins[published])
    shown = folder.parent.name if folder.name == "model" else folder.name
    return changed, f"{shown} in place of {published}"
