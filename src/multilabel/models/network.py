"""Resolved settings -> a network. The only place where a missing modality is understood."""

from collections.abc import Mapping
from typing import Any

import torch
from accelerate import init_empty_weights
from torch import Tensor, nn

from multilabel.core.errors import UserError
from multilabel.core.settings import call_named
from multilabel.inputs.features import Features, Lengths
from multilabel.models.fusions import FUSIONS, drop_modalities
from multilabel.models.heads import HEADS
from multilabel.models.image_encoders import image_family
from multilabel.models.settings import ImageSettings, NetworkSettings, TextSettings
from multilabel.models.text_encoders import choose_text_encoder
from multilabel.models.tuning import freeze


class Network(nn.Module):
    """Encoders, a fusion where there are two, and a head: inputs -> logits (B, L)."""

    def __init__(
        self,
        image: nn.Module | None,
        text: nn.Module | None,
        fusion: nn.Module | None,
        heads: list[nn.Module],
        modality_dropout: float = 0.0,
    ) -> None:
        """At least one encoder; `fusion` if and only if there are two; a head for each input of a late fusion."""
        super().__init__()
        self.image, self.text, self.fusion, self.heads = image, text, fusion, nn.ModuleList(heads)
        self.modality_dropout = modality_dropout
        self.frozen: list[nn.Module] = []  # modules that stay in evaluation mode

    def forward(
        self,
        images: Tensor | Features | None,
        tokens: Tensor | Features | None,
        mask: Tensor | None,
        lengths: Lengths = None,
    ) -> Tensor:
        """(B, 3, H, W) normalised, (B, T) ids, (B, T) true on tokens -> (B, L); what is not read may be None.

        Features stand for what an encoder would say. `lengths` are the sums over the mask where the host has them.
        """
        features = self.features(images, tokens, mask, lengths)
        if len(self.heads) > 1:
            return self.fusion(*(head(part) for head, part in zip(self.heads, features, strict=True)))  # type: ignore[misc]
        return self.heads[0](features[0])

    def features(
        self,
        images: Tensor | Features | None,
        tokens: Tensor | Features | None,
        mask: Tensor | None,
        lengths: Lengths = None,
    ) -> list[Features]:
        """What each head reads, for the same inputs."""
        found = []
        if self.image is not None:
            found.append(images if isinstance(images, Features) else self.image(images))
        if self.text is not None:
            found.append(tokens if isinstance(tokens, Features) else self.text(tokens, mask, lengths))
        if self.training and self.modality_dropout > 0:
            found = list(drop_modalities(found[0], found[1], self.modality_dropout))
        return [self.fusion(*found)] if self.fusion is not None and len(self.heads) == 1 else found

    def train(self, mode: bool = True) -> "Network":
        """As usual, frozen parts aside."""
        super().train(mode)
        for part in self.frozen:
            part.eval()
        return self


def build(settings: NetworkSettings, vocabulary: int, labels: int, fresh: bool = False) -> Network:
    """The network of resolved settings, with random weights from torch's global generator.

    A `fresh` one starts from the pretrained weights that its settings ask for; others are built to be filled or checked.
    """
    where, head = settings.where, settings.head
    _check_heads(settings)
    image = _image_encoder(settings.image, fresh)
    text = _text_encoder(settings.text, vocabulary, fresh)
    _check_length(settings.text, text, where)
    fusion, read = None, [encoder for encoder in (image, text) if encoder is not None]
    if image is not None and text is not None and settings.fusion is not None:
        choice = settings.fusion.choice
        _check_read(FUSIONS[choice.name], read, f"{where}.fusion: {choice.name}")
        fusion = call_named(FUSIONS, choice, image.widths, text.widths)
        read = [fusion] if fusion.joins == "features" else read
    _check_read(HEADS[head.name], read, f"{where}.head: {head.name}")
    heads = [call_named(HEADS, head, part.widths, labels) for part in read]
    net = Network(image, text, fusion, heads, settings.fusion.modality_dropout if settings.fusion else 0.0)
    for part, encoder, block in (("image", image, settings.image), ("text", text, settings.text)):
        if encoder is not None and block is not None:
            net.frozen += freeze(encoder, block, f"{where}.{part}")
    return net


def filled(settings: NetworkSettings, vocabulary: int, labels: int, state: Mapping[str, Tensor]) -> Network:
    """The network of resolved settings with stored weights, in fp32; none are drawn that would be replaced at once."""
    with init_empty_weights():
        net = build(settings, vocabulary, labels)
    # Copies: a file is mapped to addresses of its own alignment, on which the last bits of a product may depend.
    own = {k: v.to(torch.float32 if v.is_floating_point() else v.dtype, copy=True) for k, v in state.items()}
    net.load_state_dict(own, assign=True)
    return net


def _image_encoder(block: ImageSettings | None, fresh: bool) -> nn.Module | None:
    if not block:
        return None
    family, network = image_family(block.encoder, "image.encoder")
    return family(network, **(block.options if fresh else {**block.options, "weights": None}))


def _text_encoder(block: TextSettings | None, vocabulary: int, fresh: bool) -> nn.Module | None:
    if not block:
        return None
    options = dict(block.options)
    if "weights" in options and not fresh:
        options["weights"] = None
    return choose_text_encoder(block.encoder, "text.encoder")(vocabulary, **options)


def _check_heads(settings: NetworkSettings) -> None:
    """Refuse heads of attention that do not share out the width evenly."""
    parts = {"head": settings.head.options}
    if settings.text:
        parts["text"] = settings.text.options
    if settings.fusion:
        parts["fusion"] = settings.fusion.choice.options
    for name, options in parts.items():
        width, heads = options.get("hidden", options.get("width")), options.get("heads")
        if isinstance(width, int) and isinstance(heads, int) and width % heads:
            raise UserError(f"{settings.where}.{name}.heads: {heads} heads cannot share a width of {width} evenly; "
                            f"choose a divisor of it")  # fmt: skip


def _check_length(block: TextSettings | None, encoder: nn.Module | None, where: str) -> None:
    """Refuse texts longer than the positions that an encoder knows."""
    longest = getattr(encoder, "positions", None)
    if block is not None and longest is not None and block.max_length > longest:
        raise UserError(f"{where}.text.max_length: {block.encoder} reads {longest} tokens at most, not {block.max_length}; "
                        f"lower it")  # fmt: skip


def _check_read(reader: Any, parts: list[nn.Module], where: str) -> None:
    """Refuse a fusion or a head that reads what its inputs do not have, or that leaves what was asked for unread."""
    for part in parts:
        kind = type(part).__name__
        if getattr(part.widths, reader.reads) is None:
            raise UserError(f"{where} reads a state per word and place, but {kind} gives one vector per record; "
                            f"choose another")  # fmt: skip
        pooling = getattr(part, "pooling", None)
        if reader.reads == "states" and pooling is not None and any(True for _ in pooling.parameters()):
            raise UserError(
                f"{where} reads the states of all words and pools them itself; take `pooling:` out of `text:`"
            )
