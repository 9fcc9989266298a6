"""What is trained, and how: a block of `architectures:` with `train:` below it, as typed settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from annotated_types import Ge, Le
from pydantic import Field

from multilabel.core.ranges import BatchSize, Epochs, Part, Positive, Rate, Seeds, Share
from multilabel.core.settings import Choice, Resolved, checked_parts, chosen_from
from multilabel.metrics.decoding import DECODINGS
from multilabel.metrics.scores import METRICS
from multilabel.models.settings import BaselineSettings, EnsembleSettings, NetworkSettings, PredictionSettings
from multilabel.training.augmentation import Augmentation, resolve_augmentation
from multilabel.training.losses import LOSSES
from multilabel.training.optimizers import OPTIMIZERS
from multilabel.training.samplers import SAMPLERS
from multilabel.training.schedules import SCHEDULES


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How one network is trained; a key of an architecture's block replaces the default whole."""

    epochs: Epochs
    batch_size: BatchSize  # records per update, over all devices
    accumulate: BatchSize = 1  # parts that a batch is computed in: less memory, the same update
    sampler: Annotated[Choice, chosen_from("sampler", SAMPLERS)] = Choice("uniform")
    loss: Annotated[Choice, chosen_from("loss", LOSSES)] = Choice("bce")
    label_smoothing: Share = 0.0  # how far targets move from 0 and 1 towards 1/2
    optimizer: Annotated[Choice, chosen_from("optimizer", OPTIMIZERS)] = Choice("adamw")
    lr: Rate  # peak learning rate
    weight_decay: Annotated[float, Ge(0), Le(10)] = 0.01
    schedule: Annotated[Choice, chosen_from("schedule", SCHEDULES)] = Choice("cosine")
    warmup: Share = 0.05  # share of all steps
    clip: Positive | None = 1.0  # largest norm of the gradient
    ema: Part | None = None  # decay of the average of weights that is validated and kept
    monitor: Literal[tuple(METRICS)] = "f1_samples"  # type: ignore[valid-type]  # the validation score that chooses the epoch
    patience: Epochs | None = None  # epochs without a better score before training stops
    compile: bool = False  # torch.compile: minutes at the start, faster steps after
    cuda_graphs: bool = False  # record the image encoder's kernels once: faster steps of small networks on a GPU
    augment: Annotated[Augmentation, Resolved(resolve_augmentation)] = Augmentation()
    token_dropout: Share = 0.0  # share of the words that training reads as unknown
    decoding: Annotated[Choice, chosen_from("decoding", DECODINGS)] = Choice("expected_f1")  # of other models too


@dataclass(frozen=True, kw_only=True)
class NetworkArchitecture:
    """A network and its training."""

    kind: Literal["network"] = "network"
    model: NetworkSettings
    train: TrainingSettings
    seeds: Seeds = 1  # trainings that its scores are of; the first is kept to predict with

    @property
    def decoding(self) -> Choice:
        """How probabilities become label sets; fitted on valid."""
        return self.train.decoding


@dataclass(frozen=True, kw_only=True)
class BaselineArchitecture:
    """A baseline, decoded as networks are by default."""

    kind: Literal["baseline"] = "baseline"
    model: BaselineSettings
    decoding: Choice


Member: TypeAlias = Annotated[NetworkArchitecture | BaselineArchitecture, Field(discriminator="kind")]


@dataclass(frozen=True, kw_only=True)
class EnsembleArchitecture:
    """Members that are trained once, or once for each fold of train and valid together."""

    kind: Literal["ensemble"] = "ensemble"
    name: str
    dataset: str
    seed: int
    members: Mapping[str, Member]
    folds: int | None
    weights: Choice
    decoding: Choice
    seeds: Seeds = 1  # as of a network

    @property
    def model(self) -> EnsembleSettings:
        """What the trained ensemble is made of."""
        members = {name: member.model for name, member in self.members.items()}
        return EnsembleSettings(name=self.name, dataset=self.dataset, seed=self.seed, members=members)


Architecture: TypeAlias = Annotated[
    NetworkArchitecture | BaselineArchitecture | EnsembleArchitecture, Field(discriminator="kind")
]


def resolve_training(
    defaults: Mapping[str, Any], own: Mapping[str, Any], where: str
) -> tuple[TrainingSettings, PredictionSettings]:
    """The defaults with a block's own keys; raises `UserError` for an unknown name, key, type or value."""
    owners = [TrainingSettings, PredictionSettings]
    checked_parts(owners, defaults, "train")
    training, prediction = checked_parts(owners, {**defaults, **own}, where)
    return TrainingSettings(**training), PredictionSettings(**prediction)
