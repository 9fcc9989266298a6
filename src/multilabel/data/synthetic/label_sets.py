"""Label sets with the published frequencies, set sizes and co-occurrence, at once.

The distribution of maximum entropy over all sets of 1 to 7 labels whose marginals are the published ones: a log-linear
model with one weight per label, per pair and per set size, fitted by minimising its convex dual. The weights are stored
(`PYTHONPATH=src python -m multilabel.data.synthetic.label_sets` fits them again), because a fit ends in slightly other ones on
each kind of processor, and then the same seed would draw other data.
"""

from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp

from multilabel.core.files import read_json, write_json
from multilabel.core.yaml_files import read_yaml

PUBLISHED = Path(__file__).with_name("published.yaml")
WEIGHTS = Path(__file__).with_name("label_set_weights.json")
SMOOTHING = 1e-7  # keeps the weights of pairs that were seen once or twice finite


@cache
def label_ids() -> list[str]:
    """The labels in published order."""
    return [str(label) for label in read_yaml(PUBLISHED)["label_counts"]]


def possible_sets() -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64]]:
    """All possible sets as rows of 0/1 over `label_ids()`, what the model sees of each, and the published mean of that."""
    published = read_yaml(PUBLISHED)
    pairs = np.array(published["pair_counts"])
    sizes = published["labels_per_record"]
    members = _members(pairs, list(sizes))
    first, second = np.nonzero(np.triu(pairs))
    features = [members, members[:, first] & members[:, second], members.sum(axis=1, keepdims=True) == list(sizes)]
    labels, per_size = np.array(list(published["label_counts"].values())), np.array(list(sizes.values()))
    means = [labels / 30_000, pairs[first, second] / 29_996, per_size / 30_000]
    return members, np.hstack(features), np.concatenate(means)


@cache
def distribution() -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """All possible sets as rows of 0/1 over `label_ids()`, and the probability of each."""
    members, features, _ = possible_sets()
    scores = features @ np.array(read_json(WEIGHTS))
    return members, np.exp(scores - logsumexp(scores))


def sample(number: int, random: np.random.Generator) -> list[list[int]]:
    """Indices into `label_ids()` for `number` records, each set in random order."""
    members, probabilities = distribution()
    rows = random.choice(len(members), size=number, p=probabilities / probabilities.sum())
    return [random.permutation(np.flatnonzero(members[row])).tolist() for row in rows]


def fit() -> NDArray[np.float64]:
    """One weight per feature of a label set; takes some seconds."""
    _, features, means = possible_sets()
    seen = features.astype(np.float32)

    def dual(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = seen @ weights.astype(np.float32)
        normaliser = logsumexp(scores.astype(np.float64))
        expected = np.exp(scores - normaliser).astype(np.float32) @ seen
        value = normaliser - weights @ means + SMOOTHING * weights @ weights
        return float(value), expected - means + 2 * SMOOTHING * weights

    return minimize(dual, np.zeros(len(means)), jac=True, method="L-BFGS-B", options={"maxiter": 400}).x


def _members(pairs: NDArray[np.int_], sizes: list[int]) -> NDArray[np.bool_]:
    """Every set of a published size without a pair that was never seen together."""
    never = {(a, b) for a, b in combinations(range(len(pairs)), 2) if pairs[a, b] == 0}
    sets = [s for size in sizes for s in combinations(range(len(pairs)), size) if never.isdisjoint(combinations(s, 2))]
    members = np.zeros((len(sets), len(pairs)), dtype=bool)
    for row, labels in enumerate(sets):
        members[row, labels] = True
    return members


if __name__ == "__main__":
    write_json(WEIGHTS, [round(float(weight), 4) for weight in fit()])
