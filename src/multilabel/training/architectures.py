"""A block of `architectures:` -> all of its settings, checked. What a block leaves out says what the network reads."""

from collections.abc import Mapping
from typing import Any

from multilabel.core.errors import UserError
from multilabel.core.registry import choose, choose_each
from multilabel.core.settings import check_name, checked, checked_parts, named, resolve_named, without
from multilabel.inputs.cleaning import CLEANINGS
from multilabel.inputs.tokenization import TOKENIZERS, HubTextInput, TextInput, Tokenization
from multilabel.inputs.word_vectors import WORD_VECTORS
from multilabel.metrics.decoding import DECODINGS
from multilabel.models.baselines import BASELINES
from multilabel.models.ensembles import WEIGHTINGS, EnsembleSettings
from multilabel.models.fusions import FUSIONS, FusionInput
from multilabel.models.heads import HEADS
from multilabel.models.hub_encoder import HUB, read_config
from multilabel.models.image_encoders import image_family
from multilabel.models.image_input import ImageInput
from multilabel.models.text_encoders import choose_text_encoder
from multilabel.models.tuning import Tuning
from multilabel.training.settings import resolve_training

PARTS = ("dataset", "image", "text", "fusion", "head", "train", "baseline", "ensemble")
DEFAULT_FUSION, DEFAULT_HEAD = "concat", "linear"
Blocks = Mapping[str, Mapping[str, Any]]


def resolve(name: str, blocks: Blocks, train: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """All settings of the block called `name`, defaults filled in, as one JSON object; `UserError` for any mistake.

    `blocks` are all architectures: an ensemble names its members among them.
    """
    block, where = blocks[name], f"architectures.{check_name(name, 'architectures')}"
    for part in block:
        choose("part", dict.fromkeys(PARTS), part, where)
    if not isinstance(block.get("dataset"), str):
        raise UserError(f"{where}: 'dataset' is missing; name one of the blocks of datasets:")
    if block.get("ensemble") is not None:
        return _resolve_ensemble(name, blocks, train, seed)
    head = {"name": name, "dataset": block["dataset"], "seed": seed, "modality": _modality(block, where)}
    if block.get("baseline") is not None:
        baseline = resolve_named("baseline", BASELINES, block["baseline"], f"{where}.baseline")
        return {**head, "baseline": baseline, "decoding": resolve_training(train, {}, where)["decoding"]}
    both = block.get("image") is not None and block.get("text") is not None
    return {
        **head,
        "image": _resolve_image(block["image"], f"{where}.image") if block.get("image") is not None else None,
        "text": _resolve_text(block["text"], f"{where}.text") if block.get("text") is not None else None,
        "fusion": _resolve_fusion(block.get("fusion") or DEFAULT_FUSION, f"{where}.fusion") if both else None,
        "head": resolve_named("head", HEADS, block.get("head") or DEFAULT_HEAD, f"{where}.head"),
        "train": resolve_training(train, block.get("train") or {}, f"{where}.train"),
    }


def _modality(block: Mapping[str, Any], where: str) -> str:
    parts = [part for part in ("image", "text") if block.get(part) is not None]
    if block.get("baseline") is not None:
        if parts or block.get("train"):
            raise UserError(
                f"{where}: a baseline reads the text alone and has no `{[*parts, 'train'][0]}:`; take it out"
            )
        return "text"
    if not parts:
        raise UserError(
            f"{where}: reads nothing; give it an `image:` or a `text:` block, a `baseline:`, or an `ensemble:`"
        )
    return "+".join(parts)


def _resolve_ensemble(name: str, blocks: Blocks, train: Mapping[str, Any], seed: int) -> dict[str, Any]:
    where = f"architectures.{name}"
    for part in without(blocks[name], "ensemble", "dataset"):
        raise UserError(f"{where}: an ensemble takes everything from its members and has no `{part}:`; take it out")
    options = checked(EnsembleSettings, blocks[name]["ensemble"], f"{where}.ensemble")
    choose("weighting", WEIGHTINGS, options["weights"], f"{where}.ensemble.weights")
    options["decoding"] = resolve_named("decoding", DECODINGS, options["decoding"], f"{where}.ensemble.decoding")
    members = {}
    for member in options["members"]:
        choose("architecture", blocks, member, f"{where}.ensemble.members")
        if blocks[member].get("ensemble") is not None:
            raise UserError(f"{where}.ensemble.members: {member!r} is an ensemble itself; name its members instead")
        members[member] = resolve(member, blocks, train, seed)
    for member, settings in members.items():
        if settings["dataset"] != blocks[name]["dataset"]:
            raise UserError(f"{where}.ensemble.members: {member!r} reads the dataset {settings['dataset']!r}, "
                            f"not {blocks[name]['dataset']!r}; leave it out")  # fmt: skip
    read = {part for settings in members.values() for part in settings["modality"].split("+")}
    head = {"name": name, "dataset": blocks[name]["dataset"], "seed": seed, "modality": "+".join(sorted(read))}
    return {**head, "ensemble": {**options, "members": members}}


def _resolve_image(block: Any, where: str) -> dict[str, Any]:
    encoder, rest = named(block, "encoder", where)
    family, network = image_family(encoder, f"{where}.encoder")
    parts = checked_parts([ImageInput, Tuning, family], rest, where)
    merged = {"encoder": encoder, **parts[0], **parts[1], **parts[2]}
    if merged["weights"] is not None:  # weights bring their own input; what the block says goes before
        merged |= {key: value for key, value in family.published_input(network).items() if key not in rest}
    if (merged["resize"] or merged["size"]) < merged["size"]:
        raise UserError(
            f"{where}.resize: {merged['resize']} px is less than size, {merged['size']} px; crops only shrink"
        )
    return merged


def _resolve_text(block: Any, where: str) -> dict[str, Any]:
    encoder, rest = named(block, "encoder", where)
    network = choose_text_encoder(encoder, f"{where}.encoder")
    hub = str(encoder).startswith(HUB)
    owners: list[Any] = [HubTextInput, Tuning, network] if hub else [TextInput, Tokenization, Tuning, network]
    merged = {"encoder": encoder}
    for part in checked_parts(owners, rest, where):
        merged |= part
    choose_each("cleaning step", CLEANINGS, merged["clean"], f"{where}.clean")
    if hub:
        return merged | {"config": {**read_config(encoder.removeprefix(HUB)), **(merged["config"] or {})}}
    choose("tokenizer", TOKENIZERS, merged["tokenizer"], f"{where}.tokenizer")
    if merged.get("word_vectors"):
        if merged["tokenizer"] != "words":
            raise UserError(f"{where}.word_vectors: vectors are for whole words; write `tokenizer: words` there")
        merged["word_vectors"] = resolve_named(
            "word vectors", WORD_VECTORS, merged["word_vectors"], f"{where}.word_vectors"
        )
    return merged


def _resolve_fusion(block: Any, where: str) -> dict[str, Any]:
    name, options = named({"name": block} if isinstance(block, str) else block, "name", where)
    own = checked_parts([choose("fusion", FUSIONS, name, where), FusionInput], options, where)
    return {"name": name, **own[0], **own[1]}
