"""Probabilities (N, L) -> the label set of each record with the highest expected F1, if labels are independent.

Among sets of k labels the k most probable ones are best (Lewis 1995), so at most L sets compete. With i of the chosen k
labels and j of the others true, F1 is 2i / (k + i + j); both counts are sums of independent coins.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Bits = NDArray[np.uint8]
Integers = NDArray[np.int64]
MEMORY = 64 * 2**20  # bytes that may be taken at once
UNHEARD_OF = 1e-18  # the chance of so many true labels that they are not counted
ROUNDING = 1e-9  # by which a bound may be off


def expected_f1_sets(probabilities: Floats) -> Bits:
    """(N, L): the best non-empty set of each record, whatever other records there are."""
    chosen = np.zeros(probabilities.shape, np.uint8)
    for rows in _parts(np.arange(len(probabilities)), 128 * probabilities.shape[1]):
        order = np.argsort(-probabilities[rows], axis=1, kind="stable")
        ranked = np.take_along_axis(probabilities[rows], order, axis=1).astype(np.float64)
        best = np.arange(ranked.shape[1]) < _sizes(ranked)[:, None]
        found = np.zeros(ranked.shape, np.uint8)
        np.put_along_axis(found, order, best.astype(np.uint8), axis=1)
        chosen[rows] = found
    return chosen


def _parts(rows: Integers, each: int) -> Iterator[Integers]:
    """Of so few records that memory suffices, at `each` bytes of a record."""
    at_once = max(1, MEMORY // each)
    return (rows[start : start + at_once] for start in range(0, len(rows), at_once))


def _sizes(ranked: Floats) -> Integers:
    """(N,): how many of the first labels are best.

    Records are taken together by powers of two, so that arithmetic on one depends on itself alone.
    """
    largest = _largest(ranked)
    counted = _counted(ranked, largest)
    size = np.zeros(len(ranked), np.int64)
    for inside, outside in np.unique(np.stack([largest, counted], axis=1), axis=0):
        alike = np.flatnonzero((largest == inside) & (counted == outside))
        for rows in _parts(alike, 6 * (inside + 2) ** 2 + 32 * outside + 8 * ranked.shape[1]):
            size[rows] = 1 + _expected(ranked[rows], inside, outside).argmax(axis=1)
    return size


def _largest(ranked: Floats) -> Integers:
    """(N,): beyond this size no set can be the best.

    By Jensen's inequality a set with s true labels on average has 2s / (k + s) at most, and with m others at least
    2s / (2k + m).
    """
    labels = ranked.shape[1]
    k, true = np.arange(1, labels + 1), ranked.cumsum(axis=1)
    least = (2 * true / (2 * k + true[:, -1:] - true)).max(axis=1, keepdims=True)
    possible = 2 * true / (k + true) > least * (1 - ROUNDING)
    possible[:, 0] = True
    return np.minimum(labels, _power_of_two(labels - possible[:, ::-1].argmax(axis=1)))


def _counted(ranked: Floats, largest: Integers) -> Integers:
    """(N,): of the labels beyond the largest set, fewer than this are true at once (Chernoff 1952)."""
    beyond = np.arange(ranked.shape[1]) >= largest[:, None]
    mean = np.where(beyond, ranked, 0).sum(axis=1)
    found = 1 + beyond.sum(axis=1)
    for count in 2 ** np.arange(int(found.max(initial=1)).bit_length())[::-1]:
        with np.errstate(divide="ignore"):
            chance = np.where(mean < count, count - mean - count * np.log(count / mean), 0)
        found = np.where(chance < np.log(UNHEARD_OF), np.minimum(found, count), found)
    return found


def _power_of_two(numbers: Integers) -> Integers:
    """The next one that is not less."""
    return 2 ** np.ceil(np.log2(numbers)).astype(np.int64)


def _expected(ranked: Floats, largest: int, counted: int) -> Floats:
    """(N, `largest`): the expectation of F1 for each size, from the largest set down.

    E[1 / (a + j)] is carried for every a that is still wanted (Ye, Chai, Lee and Chieu 2012).
    """
    true_inside = _counts(ranked[:, :largest])
    inverse = _inverse(_few(ranked[:, largest:], counted), 2 * largest)  # column a - 1
    expected = np.empty((len(ranked), largest))
    for k in range(largest, 0, -1):
        true, p = true_inside.pop(), ranked[:, k - 1 : k]
        expected[:, k - 1] = np.einsum("ni,i,ni->n", true[:, 1:], 2.0 * np.arange(1, k + 1), inverse[:, k : 2 * k])
        inverse = (1 - p) * inverse[:, : 2 * k - 2] + p * inverse[:, 1 : 2 * k - 1]
    return expected


def _counts(ranked: Floats) -> list[Floats]:
    """For k = 1, 2, ... the distribution (N, k + 1) of how many of the first k labels are true."""
    current: Floats = np.ones((len(ranked), 1))
    distributions: list[Floats] = []
    for p in ranked.T[:, :, None]:
        following = np.zeros((len(ranked), current.shape[1] + 1))
        following[:, :-1] = current * (1 - p)
        following[:, 1:] += current * p
        distributions.append(following)
        current = following
    return distributions


def _few(probabilities: Floats, counted: int) -> Floats:
    """(N, `counted`): the chances that 0, 1, ... of the labels are true."""
    chances = np.zeros((len(probabilities), counted))
    chances[:, 0] = 1
    for p in probabilities.T[:, :, None]:
        one_more = chances * p
        chances -= one_more
        chances[:, 1:] += one_more[:, :-1]
    return chances


def _inverse(chances: Floats, number: int) -> Floats:
    """(N, `number`): E[1 / (a + j)] for a = 1, 2, ..., if j has these chances."""
    a = np.arange(1, number + 1)
    found: Floats = np.zeros((len(chances), number))
    for j, chance in enumerate(chances.T[:, :, None]):
        found += chance / (a + j)
    return found
