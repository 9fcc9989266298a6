"""What is wrong or unwise about an architecture, found out before it trains."""

import hashlib
import json
from collections.abc import Iterator

import torch
from accelerate import init_empty_weights

from multilabel.core.errors import UserError
from multilabel.core.files import write_text
from multilabel.core.paths import CACHE
from multilabel.core.settings import to_json
from multilabel.core.versions import versions
from multilabel.models.network import build
from multilabel.models.settings import NetworkSettings, networks
from multilabel.training.augmentation import only_flips
from multilabel.training.settings import Architecture, NetworkArchitecture

BUILT = CACHE / "built"  # a mark for each network that was built once; safe to delete


def check(architecture: Architecture) -> None:
    """Build each of its networks without memory for the weights, once; `UserError` for one that cannot be."""
    for settings in networks(architecture.model):
        key = json.dumps(
            [versions("torch", "torchvision", "timm"), {**to_json(settings), "name": "", "seed": 0}], sort_keys=True
        )
        mark = BUILT / hashlib.sha256(key.encode()).hexdigest()[:16]
        if not mark.exists():
            _build(settings)
            write_text(mark, settings.name)


def advice(architecture: Architecture) -> Iterator[str]:
    """What is allowed and measured to be bad.

    Expected F1 believes probabilities, which some losses distort; what is frozen is cheap only if its features can be kept.
    """
    believes = architecture.decoding.name == "expected_f1" and not architecture.decoding.options.get("calibrate")
    if isinstance(architecture, NetworkArchitecture) and believes:
        loss = architecture.train.loss
        if loss.name in ("focal", "asymmetric") or loss.options.get("pos_weight") is not None:
            yield (
                "this loss distorts probabilities, which `decoding: expected_f1` believes; take `decoding: global`, "
                "per_label or {name: expected_f1, calibrate: true}"
            )
    if isinstance(architecture, NetworkArchitecture):
        yield from _unkept(architecture)
        if architecture.train.cuda_graphs and (reason := _unrecorded(architecture)):
            yield f"cuda_graphs: {reason}, so nothing is recorded; take it out"
        for part, encoder in (("image", architecture.model.image), ("text", architecture.model.text)):
            if (
                encoder
                and encoder.frozen
                and (encoder.frozen_stages or encoder.lr_factor != 1 or encoder.layer_decay != 1)
            ):
                yield f"{part}.frozen: of an encoder that stays as it is, frozen_stages, lr_factor and layer_decay say nothing"


def _unrecorded(architecture: NetworkArchitecture) -> str | None:
    """Why nothing of a step can be recorded on any device; a text network may have the option from the defaults."""
    image, train = architecture.model.image, architecture.train
    if image is None:
        return None
    if image.frozen:
        return "the image encoder does not learn"
    if train.accumulate > 1:
        return "`accumulate` computes a batch in parts"
    return "`compile` comes first" if train.compile else None


def _unkept(architecture: NetworkArchitecture) -> Iterator[str]:
    """Frozen encoders that read every record in every epoch, since training changes what they see."""
    model, train = architecture.model, architecture.train
    if model.image and model.image.frozen and (model.image.resize or not only_flips(train.augment)):
        yield (
            "image.frozen: its features cannot be kept, since training sees other crops or colours in each epoch; "
            "write `augment: {flip: 0.5}`, and no `resize`, to train in seconds"
        )
    if model.text and model.text.frozen and train.token_dropout:
        yield (
            "text.frozen: its features cannot be kept, since training hides other words in each epoch; "
            "write `token_dropout: 0` to train in seconds"
        )


def _build(settings: NetworkSettings) -> None:
    """Build it, and show it images of the size it will get."""
    text, image = settings.text, settings.image
    vocabulary = text.tokenization.vocabulary if text and text.tokenization else 0
    with init_empty_weights():  # not torch.device("meta"): RegNet computes its widths with tensors
        net = build(settings, vocabulary, labels=1)
    if image:
        net.to("meta")  # the buffers as well
        try:
            net.image(torch.zeros(2, 3, image.size, image.size, device="meta"))  # type: ignore[misc]
        except Exception as error:  # noqa: BLE001 (each network has its own way to refuse a size)
            reason = str(error).split("\n")[0][:120]
            raise UserError(f"{settings.where}.image.size: {image.encoder} cannot read images of "
                            f"{image.size} px ({reason}); choose another size") from None  # fmt: skip
