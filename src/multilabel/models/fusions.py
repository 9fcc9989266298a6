"""Features of the image and of the text -> features of both."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from multilabel.core.ranges import Depth, Share, Width
from multilabel.core.registry import Registry
from multilabel.inputs.features import Features, Reads, Widths
from multilabel.models.poolings import mean_state


class JointFusion(nn.Module, ABC):
    """Both projected to `width`, joined element by element."""

    reads: ClassVar[Reads] = "pooled"
    joins: ClassVar[Literal["features", "logits"]] = "features"

    def __init__(
        self, image: Widths, text: Widths, *, width: Width = 256, batch_norm: bool = True, dropout: Share = 0.2
    ) -> None:
        """`image` and `text` are the widths of the two inputs."""
        super().__init__()
        self.image, self.text = _projection(image, width, batch_norm), _projection(text, width, batch_norm)
        self.mix = nn.Sequential(nn.ReLU(), nn.Dropout(dropout))
        self.widths = Widths(width)

    def forward(self, image: Features, text: Features) -> Features:
        """Pooled features of both -> (B, width)."""
        return Features(self.mix(self.join(self.image(image.pooled), self.text(text.pooled))))

    @abstractmethod
    def join(self, image: Tensor, text: Tensor) -> Tensor:
        """(B, width) twice -> what `mix` reads."""


class SumFusion(JointFusion):
    """The sum of both projections."""

    def join(self, image: Tensor, text: Tensor) -> Tensor:
        """Added."""
        return image + text


class AverageFusion(JointFusion):
    """The mean of both projections."""

    def join(self, image: Tensor, text: Tensor) -> Tensor:
        """Halfway between both."""
        return (image + text) / 2


class ProductFusion(JointFusion):
    """The product of both projections: a feature counts where both inputs have it."""

    def join(self, image: Tensor, text: Tensor) -> Tensor:
        """Multiplied."""
        return image * text


class GatedFusion(JointFusion):
    """A learned gate decides per feature how much of each projection counts (Arevalo 2017, arXiv 1702.01992)."""

    def __init__(
        self, image: Widths, text: Widths, *, width: Width = 256, batch_norm: bool = True, dropout: Share = 0.2
    ) -> None:
        """The gate reads both projections."""
        super().__init__(image, text, width=width, batch_norm=batch_norm, dropout=dropout)
        self.gate = nn.Linear(2 * width, width)

    def join(self, image: Tensor, text: Tensor) -> Tensor:
        """Between image (gate 1) and text (gate 0)."""
        gate = torch.sigmoid(self.gate(torch.cat([image, text], dim=1)))
        return gate * image + (1 - gate) * text


class ConcatFusion(JointFusion):
    """Both side by side: projected and mixed by one more layer, or as they are where `width` is null."""

    def __init__(
        self,
        image: Widths,
        text: Widths,
        *,
        width: Width | None = 256,
        project: bool = True,
        batch_norm: bool = True,
        dropout: Share = 0.2,
    ) -> None:
        """`width: null` is plain concatenation, ReLU and dropout, without a layer before the head.

        `project: false` mixes both as they are, without a layer and batch norm of each before.
        """
        nn.Module.__init__(self)
        if width is None:
            self.image, self.text = nn.Identity(), nn.Identity()
            self.mix = nn.Sequential(nn.ReLU(), nn.Dropout(dropout))
            self.widths = Widths(image.pooled + text.pooled)  # type: ignore[operator]
        elif not project:
            self.image, self.text = nn.Identity(), nn.Identity()
            both: int = image.pooled + text.pooled  # type: ignore[operator]
            self.mix = nn.Sequential(nn.Linear(both, width), nn.ReLU(), nn.Dropout(dropout))
            self.widths = Widths(width)
        else:
            self.image, self.text = _projection(image, width, batch_norm), _projection(text, width, batch_norm)
            self.mix = nn.Sequential(nn.ReLU(), nn.Dropout(dropout), nn.Linear(2 * width, width), nn.ReLU())
            self.widths = Widths(width)

    def join(self, image: Tensor, text: Tensor) -> Tensor:
        """(B, image + text)."""
        return torch.cat([image, text], dim=1)


class CrossAttentionFusion(nn.Module):
    """Words look at places of the image and places at words; what both found is averaged and put side by side."""

    reads: ClassVar[Reads] = "states"
    joins: ClassVar[Literal["features", "logits"]] = "features"

    def __init__(
        self, image: Widths, text: Widths, *, width: Width = 256, heads: Depth = 4, dropout: Share = 0.1
    ) -> None:
        """`width` must be a multiple of `heads`."""
        super().__init__()
        self.image, self.text = nn.Linear(image.states, width), nn.Linear(text.states, width)  # type: ignore[arg-type]
        self.at_image = nn.MultiheadAttention(width, heads, dropout, batch_first=True)
        self.at_text = nn.MultiheadAttention(width, heads, dropout, batch_first=True)
        self.image_norm, self.text_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.widths = Widths(2 * width, width)

    def forward(self, image: Features, text: Features) -> Features:
        """States of both -> both pooled (B, 2 x width) and all states (B, places + words, width)."""
        places, words = self.image(image.states), self.text(text.states)
        found_in_image, _ = self.at_image(words, places, places, need_weights=False)
        found_in_text, _ = self.at_text(places, words, words, key_padding_mask=~text.mask, need_weights=False)  # type: ignore[operator]
        words, places = self.text_norm(words + found_in_image), self.image_norm(places + found_in_text)
        pooled = torch.cat([places.mean(dim=1), mean_state(words, text.mask)], dim=1)  # type: ignore[arg-type]
        everywhere = torch.ones(places.shape[:2], dtype=torch.bool, device=places.device)
        mask = torch.cat([everywhere, text.mask], dim=1)  # type: ignore[list-item]
        return Features(pooled, torch.cat([places, words], dim=1), mask)


class LateFusion(nn.Module):
    """Each input has a head of its own; their probabilities are averaged."""

    reads: ClassVar[Reads] = "pooled"
    joins: ClassVar[Literal["features", "logits"]] = "logits"

    def __init__(self, image: Widths, text: Widths) -> None:
        """Has neither weights nor settings."""
        super().__init__()

    def forward(self, image: Tensor, text: Tensor) -> Tensor:
        """Logits (B, L) twice -> the logits of the mean probabilities, exact also where these round to 0 or 1."""
        yes = torch.logaddexp(logsigmoid(image), logsigmoid(text))
        no = torch.logaddexp(logsigmoid(-image), logsigmoid(-text))
        return yes - no


FUSIONS: Registry[Callable[..., nn.Module]] = Registry(
    {
        "concat": ConcatFusion,
        "sum": SumFusion,
        "average": AverageFusion,
        "product": ProductFusion,
        "gated": GatedFusion,
        "cross_attention": CrossAttentionFusion,
        "late": LateFusion,
    }
)


def drop_modalities(image: Features, text: Features, share: float) -> tuple[Features, Features]:
    """In `share` of the records either the image's features or the text's become 0, never both."""
    reference = image.pooled if image.pooled is not None else image.states
    draws = torch.rand(len(reference), device=reference.device)  # type: ignore[arg-type,union-attr]
    return _without(image, draws < share / 2), _without(text, draws > 1 - share / 2)


def _without(features: Features, dropped: Tensor) -> Features:
    def cleared(part: Tensor | None) -> Tensor | None:
        return None if part is None else part.masked_fill(dropped.view(-1, *[1] * (part.ndim - 1)), 0)

    return Features(cleared(features.pooled), cleared(features.states), features.mask)


def _projection(inputs: Widths, width: int, batch_norm: bool) -> nn.Module:
    linear = nn.Linear(inputs.pooled, width)  # type: ignore[arg-type]
    return nn.Sequential(linear, nn.BatchNorm1d(width) if batch_norm else nn.Identity())
