"""Label sets with the published frequencies, set sizes and co-occurrence, at once.

The distribution of maximum entropy over all sets of 1 to 7 labels whose marginals are the published ones: a log-linear
model with one weight per label, per pair and per set size, fitted by minimising its convex dual.
"""

from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp

from multilabel.basics.params import read_yaml

PUBLISHED = Path(__file__).with_name("published.yaml")
SMOOTHING = 1e-7  # keeps the weights of pairs that were seen once or twice finite


@cache
def label_ids() -> list[str]:
    """The labels in published order."""
    return [str(label) for label in read_yaml(PUBLISHED)["label_counts"]]


@cache
def distribution() -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """All possible sets as rows of 0/1 over `label_ids()`, and the probability of each; takes some seconds."""
    published = read_yaml(PUBLISHED)
    pairs = np.array(published["pair_counts"])
    members = _possible_sets(pairs, list(published["labels_per_record"]))
    first, second = np.nonzero(np.triu(pairs))
    sizes = np.array(list(published["labels_per_record"]))
    features = np.hstack(
        [members, members[:, first] & members[:, second], members.sum(axis=1, keepdims=True) == sizes]
    ).astype(np.float32)
    per_size = np.array(list(published["labels_per_record"].values())) / 30_000
    targets = np.concatenate(
        [np.array(list(published["label_counts"].values())) / 30_000, pairs[first, second] / 29_996, per_size]
    )

    def dual(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = features @ weights.astype(np.float32)
        normaliser = logsumexp(scores.astype(np.float64))
        expected = np.exp(scores - normaliser).astype(np.float32) @ features
        value = normaliser - weights @ targets + SMOOTHING * weights @ weights
        return float(value), expected - targets + 2 * SMOOTHING * weights

    weights = minimize(dual, np.zeros(len(targets)), jac=True, method="L-BFGS-B", options={"maxiter": 400}).x
    scores = (features @ weights.astype(np.float32)).astype(np.float64)
    return members, np.exp(scores - logsumexp(scores))


def sample(number: int, random: np.random.Generator) -> list[list[int]]:
    """Indices into `label_ids()` for `number` records, each set in random order."""
    members, probabilities = distribution()
    rows = random.choice(len(members), size=number, p=probabilities / probabilities.sum())
    return [random.permutation(np.flatnonzero(members[row])).tolist() for row in rows]


def _possible_sets(pairs: NDArray[np.int_], sizes: list[int]) -> NDArray[np.bool_]:
    """Every set of a published size without a pair that was never seen together."""
    never = {(a, b) for a, b in combinations(range(len(pairs)), 2) if pairs[a, b] == 0}
    sets = [s for size in sizes for s in combinations(range(len(pairs)), size) if never.isdisjoint(combinations(s, 2))]
    members = np.zeros((len(sets), len(pairs)), dtype=bool)
    for row, labels in enumerate(sets):
        members[row, labels] = True
    return members
