"""Resolved settings -> a network. The only place where a missing modality is understood."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from multilabel.core.errors import UserError
from multilabel.core.settings import call_named, known, without
from multilabel.inputs.tokenization import TextInput, Tokenization
from multilabel.models.features import Features
from multilabel.models.fusions import FUSIONS, FusionInput, drop_modalities
from multilabel.models.heads import HEADS
from multilabel.models.image_encoders import image_family
from multilabel.models.image_input import ImageInput
from multilabel.models.text_encoders import choose_text_encoder
from multilabel.models.tuning import Tuning


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
        self.frozen: list[nn.Module] = []  # set by `freeze`

    def forward(self, images: Tensor | None, tokens: Tensor | None, mask: Tensor | None) -> Tensor:
        """(B, 3, H, W) normalised, (B, T) ids, (B, T) true on tokens -> (B, L); what is not read may be None."""
        features = self.features(images, tokens, mask)
        if len(self.heads) > 1:
            return self.fusion(*(head(part) for head, part in zip(self.heads, features, strict=True)))  # type: ignore[misc]
        return self.heads[0](features[0])

    def features(self, images: Tensor | None, tokens: Tensor | None, mask: Tensor | None) -> list[Features]:
        """What each head reads, for the same inputs."""
        found = []
        if self.image is not None:
            found.append(self.image(images))
        if self.text is not None:
            found.append(self.text(tokens, mask))
        if self.training and self.modality_dropout > 0:
            found = list(drop_modalities(found[0], found[1], self.modality_dropout))
        return [self.fusion(*found)] if self.fusion is not None and len(self.heads) == 1 else found

    def freeze(self, part: nn.Module) -> None:
        """Keep an encoder as it is: no gradients, no dropout, no new statistics in its norms."""
        part.requires_grad_(False)
        self.frozen.append(part)

    def train(self, mode: bool = True) -> "Network":
        """As usual, frozen encoders aside."""
        super().train(mode)
        for part in self.frozen:
            part.eval()
        return self


def build(settings: Mapping[str, Any], vocabulary: int, labels: int, fresh: bool = False) -> Network:
    """The network of resolved settings, with random weights from torch's global generator.

    A `fresh` one starts from the pretrained weights that its settings ask for; others are built to be filled or checked.
    """
    where = f"architectures.{settings['name']}"
    image = _image_encoder(settings["image"], fresh)
    text = _text_encoder(settings["text"], vocabulary, fresh)
    fusion, read = None, [encoder for encoder in (image, text) if encoder is not None]
    if image is not None and text is not None:
        options = without(settings["fusion"], *known(FusionInput))
        _check_read(FUSIONS[options["name"]], read, f"{where}.fusion: {options['name']}")
        fusion = call_named(FUSIONS, options, image.widths, text.widths)
        read = [fusion] if fusion.joins == "features" else read
    _check_read(HEADS[settings["head"]["name"]], read, f"{where}.head: {settings['head']['name']}")
    heads = [call_named(HEADS, settings["head"], part.widths, labels) for part in read]
    net = Network(image, text, fusion, heads, settings["fusion"]["modality_dropout"] if fusion is not None else 0.0)
    for part, encoder in (("image", image), ("text", text)):
        if encoder is not None and settings[part]["lr_factor"] == 0:
            net.freeze(encoder)
    return net


def _image_encoder(block: Mapping[str, Any] | None, fresh: bool) -> nn.Module | None:
    if not block:
        return None
    family, network = image_family(block["encoder"], "image.encoder")
    options = without(block, "encoder", *known(ImageInput), *known(Tuning))
    return family(network, **(options if fresh else {**options, "weights": None}))


def _text_encoder(block: Mapping[str, Any] | None, vocabulary: int, fresh: bool) -> nn.Module | None:
    if not block:
        return None
    options = without(block, "encoder", *known(TextInput), *known(Tokenization), *known(Tuning))
    if "weights" in options and not fresh:
        options["weights"] = None
    return choose_text_encoder(block["encoder"], "text.encoder")(vocabulary, **options)


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
