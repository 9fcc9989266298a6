"""Losses at the edges of their options: every exponent, every logit, weights for each label."""

import pytest
import torch

from multilabel.core.errors import UserError
from multilabel.training.losses import LOSSES

EXPONENTS = [0.0, 0.01, 0.3, 0.5, 0.99, 1.0, 1.5, 2.0, 4.0, 10.0]
OPTIONS = [
    *(("focal", {"gamma": gamma}) for gamma in EXPONENTS),
    *(("focal", {"gamma": gamma, "alpha": 0.25}) for gamma in EXPONENTS),
    *(("asymmetric", {"gamma_positive": gamma, "clip": clip}) for gamma in EXPONENTS for clip in (0.0, 0.05)),
    *(("asymmetric", {"gamma_negative": gamma, "clip": clip}) for gamma in EXPONENTS for clip in (0.0, 0.05, 0.5)),
]
LOGITS = torch.cat([torch.arange(-120.0, 121), torch.logit(torch.tensor([0.05, 0.5, 0.95])), torch.tensor([1e4, -1e4])])


@pytest.mark.parametrize(("name", "options"), OPTIONS)
@pytest.mark.parametrize("target", [0.0, 0.05, 1.0])
def test_gradients_are_finite_and_point_at_the_target(name: str, options: dict[str, float], target: float) -> None:
    logits = LOGITS.clone().requires_grad_()
    value = LOSSES[name](torch.tensor([0.5]), **options)(logits, torch.full_like(LOGITS, target))
    assert torch.isfinite(value)
    assert value >= 0
    value.backward()
    assert torch.isfinite(logits.grad).all()
    if target == 1.0:
        assert (logits.grad <= 0).all()


@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_gradients_are_those_of_float64_where_it_matters(name: str, options: dict[str, float]) -> None:
    near = torch.linspace(-6, 6, 25)
    targets = (torch.arange(25) % 2).float()
    gradients = []
    for kind in (torch.float32, torch.float64):
        logits = near.to(kind, copy=True).requires_grad_()
        LOSSES[name](torch.tensor([0.5]), **options)(logits, targets.to(kind)).backward()
        gradients.append(logits.grad.double())
    torch.testing.assert_close(*gradients, atol=1e-7, rtol=1e-4)


def test_weights_for_another_number_of_labels_are_one_line() -> None:
    with pytest.raises(UserError, match=r"train.loss.pos_weight: 2 weights for 3 labels; give one each, or one number"):
        LOSSES["bce"](torch.full((3,), 0.5), pos_weight=[1.0, 2.0])


def test_a_label_of_every_record_is_learned_as_well() -> None:
    """It has no negatives per positive, and a weight of 0 would leave its output where it began."""
    loss = LOSSES["bce"](torch.tensor([1.0, 0.5, 0.0]), pos_weight="auto")
    logits = torch.zeros(4, 3, requires_grad=True)
    loss(logits, torch.tensor([[1.0, 1.0, 0.0]] * 4)).backward()
    assert logits.grad is not None
    assert (logits.grad.abs() > 0).all()
