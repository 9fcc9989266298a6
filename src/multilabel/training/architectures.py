"""A block of `architectures:` -> all of its settings, checked. What a block leaves out says what the network reads."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from multilabel.core.errors import UserError, noting
from multilabel.core.files import read_json
from multilabel.core.paths import RESOLVED
from multilabel.core.ranges import Seeds
from multilabel.core.registry import choose, choose_each, shown
from multilabel.core.settings import (
    Choice,
    as_block,
    check_name,
    checked_parts,
    from_json,
    named,
    parsed,
    resolve_named,
    says,
    to_json,
    typed,
    without,
)
from multilabel.inputs.cleaning import CLEANINGS
from multilabel.inputs.image_input import ImageInput
from multilabel.inputs.tokenization import TOKENIZERS, HubTextInput, TextInput, Tokenization
from multilabel.inputs.word_vectors import WORD_VECTORS
from multilabel.metrics.decoding import DECODINGS
from multilabel.models.baselines import BASELINES
from multilabel.models.ensembles import EnsembleBlock
from multilabel.models.fusions import FUSIONS
from multilabel.models.heads import HEADS
from multilabel.models.hub_encoder import HUB, read_config
from multilabel.models.image_encoders import image_family
from multilabel.models.packages import PACKAGE, package, package_path
from multilabel.models.settings import (
    BaselineSettings,
    FusionInput,
    FusionSettings,
    ImageSettings,
    NetworkSettings,
    TextSettings,
    Tuning,
)
from multilabel.models.text_encoders import choose_text_encoder
from multilabel.models.weights import PRETRAINED, weights_file
from multilabel.training.settings import (
    Architecture,
    BaselineArchitecture,
    EnsembleArchitecture,
    Member,
    NetworkArchitecture,
    resolve_training,
)

PARTS = ("dataset", "image", "text", "fusion", "head", "train", "baseline", "ensemble", "seeds")
DEFAULT_FUSION, DEFAULT_HEAD = "concat", "linear"
Blocks = Mapping[str, Mapping[str, Any]]


def resolve(
    name: str, blocks: Blocks, train: Mapping[str, Any], seed: int, section: str = "architectures"
) -> Architecture:
    """All settings of the block called `name`, defaults filled in; raises `UserError` with all of its mistakes.

    `blocks` are all architectures: an ensemble names its members among them. Messages say that the block is in `section`.
    """
    block, where = blocks[name], f"{section}.{check_name(name, section)}"
    _check_parts(block, where)
    if block.get("ensemble") is not None:
        return _resolve_ensemble(name, blocks, train, seed, where)
    if block.get("baseline") is not None:
        baseline = resolve_named("baseline", BASELINES, block["baseline"], f"{where}.baseline")
        reads = BASELINES[baseline.name].reads
        model = BaselineSettings(name=name, dataset=block["dataset"], seed=seed, baseline=baseline, modality=reads)
        return BaselineArchitecture(model=model, decoding=_shared_decoding(train, where))
    mistakes: list[str] = []
    image = text = fusion = None
    with noting(mistakes):
        own = as_block(block.get("train"), f"{where}.train")
        training, prediction = resolve_training(train, own, f"{where}.train")
    if block.get("image") is not None:
        with noting(mistakes):
            image = _resolve_image(block["image"], f"{where}.image")
    if block.get("text") is not None:
        with noting(mistakes):
            text = _resolve_text(block["text"], f"{where}.text")
    if block.get("image") is not None and block.get("text") is not None:
        with noting(mistakes):
            fusion = _resolve_fusion(_given(block, "fusion", DEFAULT_FUSION), f"{where}.fusion")
    with noting(mistakes):
        head = resolve_named("head", HEADS, _given(block, "head", DEFAULT_HEAD), f"{where}.head")
    if mistakes:
        raise UserError(*mistakes)
    network = NetworkSettings(
        name=name, dataset=block["dataset"], seed=seed, image=image, text=text, fusion=fusion, head=head,
        prediction=prediction,
    )  # fmt: skip
    return NetworkArchitecture(model=network, train=training, seeds=_seeds(block, where))


def read_architecture(name: str) -> Architecture:
    """What the stage `resolve` wrote of an architecture, an ablation or a study's run."""
    architecture: Architecture = from_json(Architecture, read_json(RESOLVED / f"{name}.json"))
    return architecture


def renamed(architecture: Member, name: str) -> Member:
    """The same under another name, as the member of an ensemble."""
    return replace(architecture, model=replace(architecture.model, name=name))  # type: ignore[arg-type]


def seeded(architecture: Architecture, seed: int) -> Architecture:
    """The same with another seed of its training."""
    if isinstance(architecture, EnsembleArchitecture):
        members = {name: seeded(member, seed) for name, member in architecture.members.items()}
        return replace(architecture, seed=seed, members=members)  # type: ignore[arg-type]
    return replace(architecture, model=replace(architecture.model, seed=seed))  # type: ignore[arg-type]


def by_seed(architecture: Architecture) -> dict[int, Architecture]:
    """Each of its trainings by its seed, the one to predict with first."""
    if isinstance(architecture, BaselineArchitecture):
        return {architecture.model.seed: architecture}
    first = architecture.model.seed
    alone = replace(architecture, seeds=1)
    return {seed: seeded(alone, seed) for seed in range(first, first + architecture.seeds)}


def _given(block: Mapping[str, Any], part: str, default: str) -> Any:
    return default if block.get(part) is None else block[part]


def _check_parts(block: Mapping[str, Any], where: str) -> None:
    """Which parts a block has; an ensemble, a baseline and a network each have others."""
    for part in block:
        choose("part", dict.fromkeys(PARTS), part, where)
    if not isinstance(block.get("dataset"), str):
        raise UserError(f"{where}: 'dataset' is missing; name one of the blocks of datasets:")
    if block.get("ensemble") is not None:
        return
    parts = [part for part in ("image", "text") if block.get(part) is not None]
    if block.get("baseline") is not None:
        if block.get("seeds", 1) != 1:
            raise UserError(
                f"{where}.seeds: a baseline leaves nothing to chance, and every seed gives the same; take it out"
            )
        for part in (part for part in ("image", "text", "fusion", "head", "train") if block.get(part) is not None):
            raise UserError(f"{where}: a baseline reads the text at most and has no `{part}:`; take it out")
    elif not parts:
        raise UserError(
            f"{where}: reads nothing; give it an `image:` or a `text:` block, a `baseline:`, or an `ensemble:`"
        )


def _resolve_ensemble(
    name: str, blocks: Blocks, train: Mapping[str, Any], seed: int, where: str
) -> EnsembleArchitecture:
    dataset = blocks[name]["dataset"]
    for part in without(blocks[name], "ensemble", "dataset", "seeds"):
        raise UserError(f"{where}: an ensemble takes everything from its members and has no `{part}:`; take it out")
    block = parsed(EnsembleBlock, blocks[name]["ensemble"], f"{where}.ensemble")
    members: dict[str, Member] = {}
    for member in block.members:
        choose("architecture", blocks, member, f"{where}.ensemble.members")
        if blocks[member].get("ensemble") is not None:
            raise UserError(f"{where}.ensemble.members: {member!r} is an ensemble itself; name its members instead")
        resolved = cast(Member, resolve(member, blocks, train, seed))
        if resolved.model.dataset != dataset:
            raise UserError(f"{where}.ensemble.members: {member!r} reads the dataset {shown(resolved.model.dataset)}, "
                            f"not {shown(dataset)}; leave it out")  # fmt: skip
        members[member] = resolved
    decoding = _shared_decoding(train, where)
    if block.decoding is not None:
        decoding = resolve_named("decoding", DECODINGS, block.decoding, f"{where}.ensemble.decoding")
    return EnsembleArchitecture(
        name=name, dataset=dataset, seed=seed, members=members, folds=block.folds, weights=block.weights,
        decoding=decoding, seeds=_seeds(blocks[name], where),
    )  # fmt: skip


def _shared_decoding(train: Mapping[str, Any], where: str) -> Choice:
    """That of `train:`, so that no row of a table leads by its decoding alone."""
    decoding: Choice = resolve_training(train, {}, where)[0].decoding
    return decoding


def _seeds(block: Mapping[str, Any], where: str) -> int:
    """How many trainings the block asks for."""
    number: int = typed(Seeds, block.get("seeds", 1), f"{where}.seeds")
    return number


def _resolve_image(block: Any, where: str) -> ImageSettings:
    encoder, rest = named(block, "encoder", where)
    family, network = image_family(encoder, f"{where}.encoder")
    image, tuning, options = checked_parts([ImageInput, Tuning, family], rest, where)
    if (weights := options["weights"]) is not None:  # weights bring their own input; what the block says goes before
        if weights != PRETRAINED:
            weights_file(str(weights), encoder, f"{where}.weights")
        packaged = str(weights).startswith(PACKAGE)
        own = package(weights, f"{where}.weights").input if packaged else family.published_input(network)
        image |= {key: value for key, value in own.items() if not says(rest, key)}
    if (image["resize"] or image["size"]) < image["size"]:
        raise UserError(
            f"{where}.resize: {image['resize']} px is less than size, {image['size']} px; crops only shrink"
        )
    return ImageSettings(encoder=encoder, options=options, **image, **tuning)


def _resolve_text(block: Any, where: str) -> TextSettings:
    encoder, rest = named(block, "encoder", where)
    network = choose_text_encoder(encoder, f"{where}.encoder")
    if str(encoder).startswith(HUB):
        if (name := str(encoder).removeprefix(HUB)).startswith(PACKAGE):
            package_path(name, f"{where}.encoder")
        text, tuning, options = checked_parts([HubTextInput, Tuning, network], rest, where)
        tokenization = None
        options["config"] = {**read_config(encoder.removeprefix(HUB)), **(options["config"] or {})}
    else:
        text, tuning, options, fitted = checked_parts([TextInput, Tuning, network, Tokenization], rest, where)
        tokenization = Tokenization(**fitted)
        choose("tokenizer", TOKENIZERS, tokenization.tokenizer, f"{where}.tokenizer")
        if options.get("word_vectors"):
            options["word_vectors"] = _resolve_vectors(options["word_vectors"], tokenization, where)
    choose_each("cleaning step", CLEANINGS, text["clean"], f"{where}.clean")
    return TextSettings(encoder=encoder, options=options, tokenization=tokenization, **text, **tuning)


def _resolve_vectors(block: Any, tokenization: Tokenization, where: str) -> dict[str, Any]:
    if tokenization.tokenizer != "words":
        raise UserError(f"{where}.word_vectors: vectors are for whole words; write `tokenizer: words` there")
    resolved: dict[str, Any] = to_json(resolve_named("word vectors", WORD_VECTORS, block, f"{where}.word_vectors"))
    return resolved


def _resolve_fusion(block: Any, where: str) -> FusionSettings:
    name, options = named({"name": block} if isinstance(block, str) else block, "name", where)
    joint, own = checked_parts([choose("fusion", FUSIONS, name, where), FusionInput], options, where)
    return FusionSettings(choice=Choice(name, joint), **own)
