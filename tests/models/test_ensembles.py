"""Combining members: what each weighting finds, what its combination says, and that held-out records have no say in it."""

import json
from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from multilabel.core.errors import UserError
from multilabel.core.settings import Choice, from_json, parsed, to_json
from multilabel.models.ensembles import WEIGHTINGS, Combination, EnsembleBlock, cross_fitted, greedy, mean, stacking

Floats = NDArray[np.float32]
TARGETS = (np.random.default_rng(0).random((400, 4)) < 0.4).astype(np.uint8)


def sure(targets: NDArray[np.uint8], seed: int, strength: float) -> Floats:
    """Probabilities that tell true from false the better, the greater `strength` is; of none, noise."""
    logits = strength * (2.0 * targets - 1) + np.random.default_rng(seed).normal(size=targets.shape)
    return (1 / (1 + np.exp(-logits))).astype(np.float32)


def members() -> dict[str, Floats]:
    return {"bad": sure(TARGETS, 1, 0), "good": sure(TARGETS, 2, 1), "fair": sure(TARGETS, 3, 0.5)}


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_a_combination_comes_back_exactly_and_says_the_same(weighting: str) -> None:
    found = WEIGHTINGS[weighting](members(), TARGETS)
    again = from_json(Combination, json.loads(json.dumps(to_json(found))))
    assert again == found
    said = found.probabilities(members())
    np.testing.assert_array_equal(again.probabilities(members()), said)
    assert said.dtype == np.float32
    assert said.shape == TARGETS.shape
    assert ((said >= 0) & (said <= 1)).all()
    assert roc_auc_score(TARGETS, said) > 0.7


def test_mean_and_greedy_weigh_members_alike_for_all_labels() -> None:
    assert mean(members(), TARGETS).mean_weights() == pytest.approx({"bad": 1 / 3, "good": 1 / 3, "fair": 1 / 3})
    expected = np.mean(list(members().values()), axis=0)
    np.testing.assert_allclose(mean(members(), TARGETS).probabilities(members()), expected, rtol=1e-6)
    found = greedy(members(), TARGETS)
    assert all(len(set(weights)) == 1 for weights in found.weights.values())
    assert sum(found.mean_weights().values()) == pytest.approx(1)
    assert found.mean_weights()["good"] > 0.5
    assert greedy({"bad": members()["bad"], "truth": TARGETS.astype(np.float32)}, TARGETS).used().weights.keys() == {
        "truth"
    }


def test_stacking_finds_which_member_knows_which_label() -> None:
    """Where each member knows two labels, no weighting of all labels alike does as well."""
    first, second = sure(TARGETS, 1, 2), sure(TARGETS, 2, 2)
    first[:, 2:], second[:, :2] = sure(TARGETS, 3, 0)[:, 2:], sure(TARGETS, 4, 0)[:, :2]
    said = {"first": first, "second": second}
    found = stacking(said, TARGETS)
    weights = np.array(list(found.weights.values()))
    assert (weights[0, :2] > 3 * abs(weights[1, :2])).all()
    assert (weights[1, 2:] > 3 * abs(weights[0, 2:])).all()
    parts = np.arange(len(TARGETS)) % 5
    auc = {name: roc_auc_score(TARGETS, cross_fitted(Choice(name), said, TARGETS, parts)) for name in WEIGHTINGS}
    assert auc["stacking"] > max(auc["mean"], auc["greedy"]) + 0.02


def test_stacking_learns_the_shape_of_probabilities_too() -> None:
    """A member that ranks rightly but is far too low: its logits are shifted and stretched to what is true."""
    honest = sure(TARGETS, 1, 1)
    low = {"low": honest**4 / 10}
    said = stacking(low, TARGETS).probabilities(low)
    np.testing.assert_allclose(said.mean(axis=0), TARGETS.mean(axis=0), atol=0.01)
    with_one = stacking({"sure": np.round(honest)}, TARGETS)  # probabilities of 0 and 1 have no logit
    assert np.isfinite(with_one.probabilities({"sure": np.round(honest)})).all()


def test_a_smaller_c_keeps_weights_nearer_to_zero() -> None:
    strict, free = (np.array(list(stacking(members(), TARGETS, C=c).weights.values())) for c in (0.001, 10.0))
    assert (abs(strict[1]) < 0.5 * abs(free[1])).all()


@pytest.mark.parametrize("constant", [0, 1])
def test_a_label_of_one_class_gets_the_mean_of_the_logits(constant: int) -> None:
    targets = TARGETS.copy()
    targets[:, 1] = constant
    found = stacking(members(), targets)
    assert found.unlearned == (1,)
    assert found.bias[1] == 0
    assert [weights[1] for weights in found.weights.values()] == [1 / 3] * 3
    one = {name: np.float32([[0.5, 0.5, 0.5, 0.5]]) for name in members()} | {
        "good": np.float32([[0.5, 0.8, 0.5, 0.5]])
    }
    odds = 4 ** (1 / 3)
    assert found.probabilities(one)[0, 1] == pytest.approx(odds / (1 + odds))


def test_a_member_that_no_label_uses_is_left_out() -> None:
    found = Combination(adds="logits", weights={"a": (0.0, 0.0), "b": (0.0, 2.0)}, bias=(0.5, 0.0))
    assert found.used().weights == {"b": (0.0, 2.0)}
    said = {name: np.float32([[0.3, 0.9]]) for name in "ab"}
    np.testing.assert_array_equal(found.used().probabilities({"b": said["b"]}), found.probabilities(said))
    assert found.probabilities(said)[0] == pytest.approx([1 / (1 + np.exp(-0.5)), 81 / 82])
    nothing = Combination(adds="logits", weights={"a": (0.0, 0.0)}, bias=(0.0, 0.0))
    assert nothing.used() == nothing


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_what_is_said_of_a_record_owes_nothing_to_its_own_labels(weighting: str) -> None:
    parts = np.arange(len(TARGETS)) % 5
    before = cross_fitted(Choice(weighting), members(), TARGETS, parts)
    turned = TARGETS.copy()
    turned[parts == 2] = 1 - turned[parts == 2]
    after = cross_fitted(Choice(weighting), members(), turned, parts)
    np.testing.assert_array_equal(after[parts == 2], before[parts == 2])


def test_of_noise_nothing_is_learned_but_in_sample_it_seems_so() -> None:
    random = np.random.default_rng(5)
    targets = (random.random((150, 6)) < 0.5).astype(np.uint8)
    noise: Mapping[str, Floats] = {f"noise_{i}": random.random(targets.shape).astype(np.float32) for i in range(30)}
    in_sample = stacking(noise, targets).probabilities(noise)
    crossed = cross_fitted(Choice("stacking"), noise, targets, np.arange(len(targets)) % 5)
    assert roc_auc_score(targets, in_sample) > 0.7
    assert roc_auc_score(targets, crossed) < 0.53


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_a_single_part_has_no_others_to_learn_from(weighting: str) -> None:
    said = cross_fitted(Choice(weighting), members(), TARGETS, np.zeros(len(TARGETS), int))
    assert ((said > 0) & (said < 1)).all()


def test_a_weighting_is_a_name_or_a_block_with_its_options() -> None:
    assert parsed(EnsembleBlock, {"members": ["a"]}, "x").weights == Choice("mean")
    assert parsed(EnsembleBlock, {"members": ["a"], "weights": "stacking"}, "x").weights == Choice(
        "stacking", {"C": 0.1}
    )
    block = {"members": ["a"], "weights": {"name": "stacking", "C": 1.0}}
    assert parsed(EnsembleBlock, block, "x").weights == Choice("stacking", {"C": 1.0})
    for weights, message in (
        (
            "stackin",
            r"unknown weighting 'stackin' in x.weights; did you mean 'stacking'\? choose one of: greedy, mean, stacking",
        ),
        ({"name": "greedy", "C": 1.0}, r"x.weights: unknown key 'C'"),
        ({"name": "stacking", "C": 0.0}, r"x.weights.C: input should be greater than 0, got 0.0"),
    ):
        with pytest.raises(UserError, match=message):
            parsed(EnsembleBlock, {"members": ["a"], "weights": weights}, "x")
