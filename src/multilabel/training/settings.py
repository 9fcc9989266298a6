"""The settings of a training run: defaults in `train:`, overridden by the `train:` of an architecture's block."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Lt

from multilabel.core.ranges import Count, Share
from multilabel.core.settings import checked, resolve_named
from multilabel.metrics.decoding import DECODINGS
from multilabel.training.augmentation import resolve_augmentation
from multilabel.training.losses import LOSSES
from multilabel.training.optimizers import OPTIMIZERS
from multilabel.training.samplers import SAMPLERS
from multilabel.training.schedules import SCHEDULES

HIGHER_IS_BETTER = ("f1_samples", "f1_micro", "f1_macro", "f1_weighted", "map")
Choice = str | dict[str, Any]  # a name, or {name: .., option: ..}


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How one network is trained; a key of an architecture's block replaces the default whole."""

    epochs: Count
    batch_size: Count  # records per update, over all devices
    accumulate: Count = 1  # parts that a batch is computed in: less memory, the same update
    sampler: Choice = "uniform"
    loss: Choice = "bce"
    label_smoothing: Share = 0.0  # how far targets move from 0 and 1 towards 1/2
    optimizer: Choice = "adamw"
    lr: Annotated[float, Gt(0)]  # peak learning rate
    weight_decay: Annotated[float, Ge(0)] = 0.01
    schedule: Choice = "cosine"
    warmup: Share = 0.05  # share of all steps
    clip: Annotated[float, Gt(0)] | None = 1.0  # largest norm of the gradient
    ema: Annotated[float, Gt(0), Lt(1)] | None = None  # decay of the average of weights that is validated and kept
    monitor: Literal[HIGHER_IS_BETTER] = "f1_samples"  # type: ignore[valid-type]  # the validation score that chooses the epoch
    patience: Count | None = None  # epochs without a better score before training stops
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    compile: bool = False  # torch.compile: minutes at the start, faster steps after
    augment: Choice = "none"  # pictures
    token_dropout: Share = 0.0  # share of the words that training reads as unknown
    flip_average: bool = False  # predict from a picture and its mirror image
    decoding: Choice = "expected_f1"  # how probabilities become label sets, of baselines too; fitted on valid
    store: Literal["fp32", "fp16"] = "fp32"  # how weights are kept


def resolve_training(defaults: Mapping[str, Any], own: Mapping[str, Any], where: str) -> dict[str, Any]:
    """All training settings as one JSON object; raises `UserError` for an unknown name, key, type or value."""
    values = {**checked(TrainingSettings, defaults, "train"), **own}
    values = checked(TrainingSettings, values, where)
    tables: dict[str, Mapping[str, Any]] = {
        "sampler": SAMPLERS, "loss": LOSSES, "optimizer": OPTIMIZERS, "schedule": SCHEDULES, "decoding": DECODINGS,
    }  # fmt: skip
    named = {key: resolve_named(key, table, values[key], f"{where}.{key}") for key, table in tables.items()}
    return values | named | {"augment": resolve_augmentation(values["augment"], f"{where}.augment")}
