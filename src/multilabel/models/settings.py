"""The settings of a model, whatever trained it: what it reads, what it is made of, how it predicts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from annotated_types import Ge, Gt, Le
from pydantic import Field

from multilabel.core.ranges import Share
from multilabel.core.settings import Choice, Option
from multilabel.inputs.image_input import ImageInput
from multilabel.inputs.tokenization import TextInput, Tokenization


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """Settings of an `image:` or `text:` block about what of it is trained, and how fast."""

    frozen: bool = False  # keep the encoder as it is; its features are then computed once, where nothing augments them
    frozen_stages: Annotated[int, Ge(0), Le(100)] = 0  # stages, from the input upwards, that stay as they are
    lr_factor: Annotated[float, Gt(0), Le(10)] = 1.0  # learning rate of the encoder, as a factor of train.lr
    layer_decay: Annotated[float, Gt(0), Le(1)] = 1.0  # each layer's rate relative to the layer above it


@dataclass(frozen=True, kw_only=True)
class FusionInput:
    """Settings of a `fusion:` block that do not belong to the fusion itself."""

    modality_dropout: Share = 0.0  # share of training records that lose their image or, as often, their text


@dataclass(frozen=True, kw_only=True)
class PredictionSettings:
    """Settings of a `train:` block that prediction depends on as well."""

    precision: Literal["auto", "fp32", "tf32", "bf16", "fp16"] = "auto"
    flip_average: bool = False  # predict from an image and its mirror image
    store: Literal["fp32", "fp16"] = "fp32"  # how weights are kept


@dataclass(frozen=True, kw_only=True)
class EncoderSettings(Tuning):
    """An encoder by name, with its own options."""

    encoder: str
    options: Mapping[str, Option]

    @property
    def weights(self) -> str | None:
        """`pretrained`, a file, or None for random ones."""
        found = self.options.get("weights")
        return None if found is None else str(found)


@dataclass(frozen=True, kw_only=True)
class ImageSettings(EncoderSettings, ImageInput):
    """An `image:` block."""


@dataclass(frozen=True, kw_only=True)
class TextSettings(EncoderSettings, TextInput):
    """A `text:` block; an encoder that brings its own tokenizer has no `tokenization`."""

    tokenization: Tokenization | None

    @property
    def word_vectors(self) -> Choice | None:
        """What the embedding starts from, if not at random."""
        found = self.options.get("word_vectors")
        return Choice(**found) if isinstance(found, dict) else None


@dataclass(frozen=True, kw_only=True)
class FusionSettings(FusionInput):
    """A `fusion:` block."""

    choice: Choice


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """What every model has."""

    name: str
    dataset: str
    seed: int

    @property
    def where(self) -> str:
        """The block of params.yaml that messages point at."""
        return f"architectures.{self.name}"


@dataclass(frozen=True, kw_only=True)
class NetworkSettings(ModelSettings):
    """A network: one or two encoders, a fusion where there are two, a head."""

    kind: Literal["network"] = "network"
    image: ImageSettings | None
    text: TextSettings | None
    fusion: FusionSettings | None
    head: Choice
    prediction: PredictionSettings

    @property
    def modality(self) -> str:
        """`image`, `text` or `image+text`."""
        return "+".join(part for part in ("image", "text") if getattr(self, part) is not None)

    @property
    def frozen(self) -> bool:
        """Whether any encoder is kept as it is."""
        return any(encoder.frozen for encoder in self.encoders)

    @property
    def encoders(self) -> list[EncoderSettings]:
        """One or two."""
        return [part for part in (self.image, self.text) if part is not None]


@dataclass(frozen=True, kw_only=True)
class BaselineSettings(ModelSettings):
    """A model without a network."""

    kind: Literal["baseline"] = "baseline"
    baseline: Choice
    modality: Literal["text", "nothing"] = "text"


MemberSettings: TypeAlias = Annotated[NetworkSettings | BaselineSettings, Field(discriminator="kind")]


@dataclass(frozen=True, kw_only=True)
class EnsembleSettings(ModelSettings):
    """Several models as one."""

    kind: Literal["ensemble"] = "ensemble"
    members: Mapping[str, MemberSettings]

    @property
    def modality(self) -> str:
        """What any member reads."""
        parts = {part for member in self.members.values() for part in member.modality.split("+")} - {"nothing"}
        return "+".join(sorted(parts)) or "nothing"


AnySettings: TypeAlias = Annotated[NetworkSettings | BaselineSettings | EnsembleSettings, Field(discriminator="kind")]


def networks(settings: AnySettings) -> Iterator[NetworkSettings]:
    """The networks that a model consists of."""
    for part in settings.members.values() if isinstance(settings, EnsembleSettings) else [settings]:
        if isinstance(part, NetworkSettings):
            yield part
