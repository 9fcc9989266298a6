"""What a `train:` block chooses by name: losses, samplers, optimizers, schedules, averaging, each against a reference."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from conftest import TRAIN
from numpy.typing import NDArray

from multilabel.core.settings import Choice, call_named, resolve_named
from multilabel.models.image_encoders import IMAGE_FAMILIES
from multilabel.training.architectures import resolve
from multilabel.training.averaging import Average
from multilabel.training.losses import LOSSES, smoothed
from multilabel.training.optimizers import OPTIMIZERS, weight_groups
from multilabel.training.samplers import SAMPLERS, inverse_frequency
from multilabel.training.schedules import SCHEDULES, Validated, rate_factor
from multilabel.training.token_dropout import drop_tokens

FREQUENCIES = torch.tensor([0.5, 0.25, 0.01], dtype=torch.float64)
RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(size=(8, 3)) * 4
TARGETS = (RANDOM.random((8, 3)) < 0.4).astype(np.float64)
P = 1 / (1 + np.exp(-LOGITS))
Floats = NDArray[np.float64]


def entropy(present: Floats | float = 1.0, absent: Floats | float = 1.0) -> float:
    """Cross-entropy in NumPy float64, its two sides weighted."""
    return float(-(present * TARGETS * np.log(P) + absent * (1 - TARGETS) * np.log(1 - P)).mean())


def asl(positive: float, negative: float, clip: float) -> float:
    shifted = np.maximum(P - clip, 0)
    absent = (1 - TARGETS) * shifted**negative * np.log(1 - shifted)
    return float(-(TARGETS * (1 - P) ** positive * np.log(P) + absent).mean())


FORMULAS: list[tuple[dict[str, Any], float]] = [
    ({"name": "bce"}, entropy()),
    ({"name": "bce", "pos_weight": 3.0}, entropy(present=3.0)),
    ({"name": "bce", "pos_weight": [1.0, 2.0, 5.0]}, entropy(present=np.array([1.0, 2, 5]))),
    ({"name": "bce", "pos_weight": "auto"}, entropy(present=np.array([1.0, 3, 10]))),  # 99 is capped
    ({"name": "bce", "pos_weight": "auto", "pos_weight_cap": 50.0}, entropy(present=np.array([1.0, 3, 50]))),
    ({"name": "soft_margin"}, entropy()),
    ({"name": "focal"}, entropy((1 - P) ** 2, P**2)),
    ({"name": "focal", "gamma": 1.0, "alpha": 0.25}, entropy(0.25 * (1 - P), 0.75 * P)),
    ({"name": "asymmetric"}, asl(0, 4, 0.05)),
    ({"name": "asymmetric", "gamma_positive": 1.0, "gamma_negative": 2.0, "clip": 0.0}, asl(1, 2, 0)),
    ({"name": "asymmetric", "gamma_positive": 0.0, "gamma_negative": 0.0, "clip": 0.0}, entropy()),
]


def value(block: dict[str, Any], logits: Any = LOGITS, targets: Any = TARGETS) -> torch.Tensor:
    return call_named(LOSSES, resolve_named("loss", LOSSES, block, "train.loss"), FREQUENCIES)(
        torch.as_tensor(logits), torch.as_tensor(targets)
    )


@pytest.mark.parametrize(("block", "expected"), FORMULAS)
def test_losses_against_their_formula(block: dict[str, Any], expected: float) -> None:
    assert float(value(block)) == pytest.approx(expected, rel=1e-9)


def test_every_loss_has_a_formula_here() -> None:
    assert {block["name"] for block, _ in FORMULAS} == set(LOSSES)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_stay_finite_with_gradients_at_extreme_logits(name: str) -> None:
    logits = torch.tensor([[-300.0, 300, 0], [300, -300, 0]], requires_grad=True)
    loss = value({"name": name}, logits, [[1.0, 0, 1], [1, 0, 0]])
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("name", LOSSES)
def test_losses_do_not_depend_on_the_size_of_the_batch(name: str) -> None:
    twice = value({"name": name}, np.tile(LOGITS, (2, 1)), np.tile(TARGETS, (2, 1)))
    assert float(twice) == pytest.approx(float(value({"name": name})))


def test_soft_margin_is_that_of_pytorch() -> None:
    expected = torch.nn.MultiLabelSoftMarginLoss()(torch.as_tensor(LOGITS), torch.as_tensor(TARGETS))
    assert float(value({"name": "soft_margin"})) == pytest.approx(float(expected))


def test_label_smoothing() -> None:
    targets = torch.tensor([[0.0, 1.0]])
    assert smoothed(targets, 0.0) is targets
    torch.testing.assert_close(smoothed(targets, 0.1), torch.tensor([[0.05, 0.95]]))


def test_inverse_frequency_weighs_records_by_their_labels() -> None:
    targets = np.array([[1, 0], [1, 0], [1, 0], [1, 1], [0, 1], [0, 0]], np.uint8)  # weights 6/4 and 6/2
    expected = {
        "mean": [1.5, 1.5, 1.5, 2.25, 3.0, 1.5],
        "rarest": [1.5, 1.5, 1.5, 3.0, 3.0, 1.5],
        "commonest": [1.5, 1.5, 1.5, 1.5, 3.0, 1.5],
    }
    for aggregate, weights in expected.items():
        found = inverse_frequency(targets, aggregate=aggregate)  # type: ignore[arg-type]
        np.testing.assert_allclose(found, np.array(weights) / sum(weights))


@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers_give_probabilities_or_every_record_once(name: str) -> None:
    draws = SAMPLERS[name]((RANDOM.random((50, 4)) < 0.3).astype(np.uint8))
    assert draws is None or (draws > 0).all()
    assert draws is None or draws.sum() == pytest.approx(1)


NETWORK = resolve("a", {"a": {"dataset": "captions", "text": {"encoder": "gru"}}}, TRAIN, 0).model


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers_go_downhill_and_spare_biases(optimizer: str) -> None:
    net = torch.nn.Linear(3, 2)
    groups = weight_groups(net, NETWORK, 0.1)
    assert [(group["weight_decay"], group["factor"]) for group in groups] == [(0.1, 1.0), (0.0, 1.0)]
    steps = OPTIMIZERS[optimizer](groups, 1.0 if optimizer == "adadelta" else 0.05)
    inputs, goal = torch.randn(32, 3), torch.randn(32, 2)
    losses = []
    for _ in range(60):
        loss = ((net(inputs) - goal) ** 2).mean()
        steps.zero_grad()
        loss.backward()
        steps.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedules_rise_to_one_and_stay_within(schedule: str) -> None:
    curve = call_named(SCHEDULES, Choice(schedule))
    values = [rate_factor(curve, step, 1000, warmup=0.1, validated=[]) for step in range(1000)]
    assert values[:100] == sorted(values[:100])
    assert values[0] < 0.02
    assert max(values) == pytest.approx(1, abs=0.01)
    assert all(0 <= value <= 1 for value in values)
    assert rate_factor(curve, 0, 1000, warmup=0, validated=[]) == pytest.approx(0.04 if schedule == "one_cycle" else 1)


def test_one_cycle_is_that_of_pytorch() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0, momentum=0.9)
    published = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=1000)
    curve = call_named(SCHEDULES, Choice("one_cycle"))
    for step in range(999):
        assert rate_factor(curve, step, 999, 0.0, []) == pytest.approx(published.get_last_lr()[0], abs=5e-3)
        optimizer.step()
        published.step()


def test_plateau_is_that_of_pytorch() -> None:
    scores = [0.1, 0.2, 0.2, 0.15, 0.2, 0.21, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2]
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    published = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode="max", factor=0.1, patience=2, threshold=0, threshold_mode="abs"
    )
    curve = call_named(SCHEDULES, Choice("plateau"))
    validated = [Validated(score, math.nan) for score in scores]
    for epoch, score in enumerate(scores):
        published.step(score)
        assert curve(0.5, validated[: epoch + 1]) == pytest.approx(optimizer.param_groups[0]["lr"])


def test_plateau_can_watch_the_loss_of_every_second_epoch() -> None:
    losses = [9.0, 1.0, 0.1, 0.9, 0.1, 0.95, 9.0, 0.92, 0.1, 0.91, 0.1, 0.8]
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    published = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=2, threshold=0)
    curve = call_named(SCHEDULES, Choice("plateau", {"watch": "loss", "every": 2}))
    validated = [Validated(0.5, loss) for loss in losses]
    for epoch, loss in enumerate(losses):
        if epoch % 2:
            published.step(loss)
        assert curve(0.5, validated[: epoch + 1]) == pytest.approx(optimizer.param_groups[0]["lr"])
    assert optimizer.param_groups[0]["lr"] < 1


def test_the_average_follows_closely_at_first_and_slowly_later() -> None:
    net = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(net.weight)
    average = Average(net, decay=0.9)
    average.update(net)  # the first call copies
    torch.nn.init.ones_(net.weight)
    expected = 0.0
    for updates in range(1, 200):
        average.update(net)
        keep = min(0.9, (1 + updates) / (10 + updates))
        expected = keep * expected + (1 - keep)
        assert average.module.weight.item() == pytest.approx(expected, abs=1e-5)


def test_the_average_of_an_image_network_keeps_its_own_feature_map() -> None:
    net = IMAGE_FAMILIES["torchvision"]("resnet18")
    copy = Average(net, decay=0.9).module
    found = copy(torch.rand(2, 3, 64, 64))
    assert found.states is not None
    assert net.maps == copy.maps == []


def test_the_average_takes_over_running_statistics() -> None:
    net = torch.nn.BatchNorm1d(2)
    average = Average(net, decay=0.9)
    for _ in range(3):
        net(torch.randn(8, 2))
        average.update(net)
    assert torch.equal(average.module.running_mean, net.running_mean)
    assert average.module.num_batches_tracked == 3


def test_token_dropout_spares_padding_and_marks() -> None:
    tokens = torch.tensor([[2, *range(10, 400), 3, 0, 0]])
    torch.manual_seed(0)
    dropped = drop_tokens(tokens, tokens > 0, 0.3, unknown=1, special=[0, 1, 2, 3])
    changed = dropped != tokens
    assert (dropped[changed] == 1).all()
    assert not changed[0, [0, -3, -2, -1]].any()
    assert changed.float().mean().item() == pytest.approx(0.3, abs=0.08)
