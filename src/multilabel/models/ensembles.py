"""Several models as one: whose word counts how much, for all labels alike or label by label."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Le, Len
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from multilabel.core.ranges import Positive
from multilabel.core.registry import Registry
from multilabel.core.settings import Choice, call_named, chosen_from
from multilabel.metrics.decoding import fixed
from multilabel.metrics.statistics import f1_per_record

Floats = NDArray[np.floating]
Bits = NDArray[np.uint8]
Said = Mapping[str, Floats]  # the probabilities (N, L) of each member
ROUNDS = 25  # of greedy selection
LEAST = 1e-5  # the least probability, and 1 - LEAST the greatest, of which a logit is taken
ITERATIONS = 1000  # of a logistic regression at most; some tens are usual


@dataclass(frozen=True, kw_only=True)
class Combination:
    """For each label a weighted sum over members, of their probabilities or of their logits, plus a bias."""

    adds: Literal["probabilities", "logits"]
    weights: Mapping[str, tuple[float, ...]]  # of each member, per label
    bias: tuple[float, ...]  # per label
    unlearned: tuple[int, ...] = ()  # labels of which the held-out records show one class only: members count alike

    def probabilities(self, said: Said) -> NDArray[np.float32]:
        """(N, L); of every member with a weight, `said` has its (N, L)."""
        read = _logits if self.adds == "logits" else np.asarray
        total = np.array(self.bias) + sum(
            np.array(weights) * read(said[name]) for name, weights in self.weights.items()
        )
        return np.asarray(expit(total) if self.adds == "logits" else total, np.float32)

    def used(self) -> "Combination":
        """The same without members that have no weight for any label; where none has one, all stay."""
        used = {name: weights for name, weights in self.weights.items() if any(weights)}
        return replace(self, weights=used or self.weights)

    def mean_weights(self) -> dict[str, float]:
        """The weight of each member, averaged over labels. Only weights of probabilities are shares of one."""
        return {name: fmean(weights) for name, weights in self.weights.items()}


def mean(said: Said, targets: Bits) -> Combination:
    """All members alike."""
    return _shares(dict.fromkeys(said, 1 / len(said)), targets)


def greedy(said: Said, targets: Bits) -> Combination:
    """Again and again the member that helps the mean most, in samples-F1 (Caruana 2004, ensemble selection).

    `said` is about records that no member was trained on. A member may be chosen repeatedly.
    """
    if not len(targets):  # nothing to choose by
        return mean(said, targets)
    members = list(said.values())
    counts = np.zeros(len(members))
    total = np.zeros(targets.shape)
    best_score, best_counts = -1.0, counts
    for chosen in range(ROUNDS):
        tried = [_score((total + member) / (chosen + 1), targets) for member in members]
        winner = int(np.argmax(tried))
        counts, total = counts + np.eye(len(counts))[winner], total + members[winner]
        if tried[winner] > best_score:
            best_score, best_counts = tried[winner], counts
    return _shares(dict(zip(said, (best_counts / best_counts.sum()).tolist(), strict=True)), targets)


def stacking(said: Said, targets: Bits, *, C: Positive = 0.1) -> Combination:
    """For each label a logistic regression on what the members say of it, as logits (Wolpert 1992, stacked generalization).

    `said` is about records that no member was trained on; `C` is scikit-learn's, the smaller, the nearer all weights are to
    0. Logits share a scale, log-odds, and are not standardised.
    """
    logits = np.stack([_logits(member) for member in said.values()], axis=2)
    labels, members = logits.shape[1:]
    weights, bias = np.full((members, labels), 1 / members), np.zeros(labels)
    unlearned = tuple(label for label, target in enumerate(targets.T) if len(np.unique(target)) < 2)
    for label in set(range(labels)) - set(unlearned):
        regression = LogisticRegression(C=C, max_iter=ITERATIONS).fit(logits[:, label], targets[:, label])
        weights[:, label], bias[label] = regression.coef_[0], regression.intercept_[0]
    rows = {name: tuple(row) for name, row in zip(said, weights.tolist(), strict=True)}
    return Combination(adds="logits", weights=rows, bias=tuple(bias.tolist()), unlearned=unlearned)


WEIGHTINGS: Registry[Callable[..., Combination]] = Registry({"mean": mean, "greedy": greedy, "stacking": stacking})


@dataclass(frozen=True, kw_only=True)
class EnsembleBlock:
    """An `ensemble:` block: each member is trained once, or once for each fold of train and valid together."""

    members: Annotated[list[str], Len(1, 100)]  # architectures; one of them with `folds` is cross-validation
    folds: Annotated[int, Ge(2), Le(50)] | None = None
    weights: Annotated[Choice, chosen_from("weighting", WEIGHTINGS)] = Choice("mean")
    decoding: str | dict[str, Any] | None = None  # None is that of `train:`, as of baselines


def cross_fitted(weighting: Choice, said: Said, targets: Bits, parts: NDArray[np.int_]) -> NDArray[np.float32]:
    """(N, L) what is said of each part of the records by the combination that is fitted on all other parts.

    So it can be scored, and thresholds fitted on it. `parts` (N,) is the part of each record.
    """
    result = np.zeros(targets.shape, np.float32)
    for part in np.unique(parts):
        own, others = ({name: member[rows] for name, member in said.items()} for rows in (parts == part, parts != part))
        result[parts == part] = call_named(WEIGHTINGS, weighting, others, targets[parts != part]).probabilities(own)
    return result


def _shares(weights: Mapping[str, float], targets: Bits) -> Combination:
    """One weight per member for all labels."""
    labels = targets.shape[1]
    rows = {name: (weight,) * labels for name, weight in weights.items()}
    return Combination(adds="probabilities", weights=rows, bias=(0.0,) * labels)


def _logits(probabilities: Floats) -> NDArray[np.float64]:
    return logit(np.clip(probabilities.astype(np.float64), LEAST, 1 - LEAST))


def _score(probabilities: Floats, targets: Bits) -> float:
    return float(f1_per_record(targets, fixed(probabilities, targets).decode(probabilities)).mean())
