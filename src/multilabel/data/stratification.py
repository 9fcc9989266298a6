"""Iterative stratification: parts of given shares in which every label has its share too (Sechidis 2011).

The same parts as those of the package iterative-stratification, which counts all labels of all units anew for each label:
at 100,000 units and a thousand strata that takes minutes and half a gigabyte, and these sparse counts seconds.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Floats = NDArray[np.floating]


def stratified(strata: csr_array, shares: Floats, seed: int) -> NDArray[np.int_]:
    """(N,) the part 0..K-1 of each unit; `strata` (N, S) holds ones where a unit belongs to a stratum, `shares` is (K,).

    The rarest stratum is shared out first, each of its units to the part that lacks most of it.
    """
    random = np.random.RandomState(seed)
    order = np.arange(strata.shape[0])
    random.shuffle(order)
    rows = strata[order]
    wanted = shares * len(order)
    wanted_of = np.outer(shares, rows.sum(axis=0))  # (K, S)
    parts = np.empty(len(order), dtype=int)
    for unit, stratum in _rarest_first(rows, random):
        lacking = wanted if stratum is None else wanted_of[:, stratum]
        part = _most_lacking(lacking, wanted, random)
        wanted[part] -= 1
        wanted_of[part, _own(rows, unit)] -= 1
        parts[order[unit]] = part
    return parts


def _rarest_first(rows: csr_array, random: np.random.RandomState) -> Iterator[tuple[int, int | None]]:
    """Each unit with the stratum it is shared out for; at the end those of no stratum."""
    columns = rows.tocsc()
    columns.sort_indices()
    left = rows.sum(axis=0)
    waiting = np.ones(rows.shape[0], dtype=bool)
    while left.any():
        stratum = _any_of(np.flatnonzero(left == left[left > 0].min()), random)
        members = columns.indices[columns.indptr[stratum] : columns.indptr[stratum + 1]]
        for unit in members[waiting[members]]:
            yield unit, stratum
            waiting[unit] = False
            left[_own(rows, unit)] -= 1
    for unit in np.flatnonzero(waiting):
        yield unit, None


def _most_lacking(of_stratum: Floats, of_all: Floats, random: np.random.RandomState) -> int:
    """The part that lacks most of a stratum, among equals most of all."""
    best = np.flatnonzero(of_stratum == of_stratum.max())
    if len(best) > 1:
        best = best[of_all[best] == of_all[best].max()]
    return _any_of(best, random)


def _any_of(equals: NDArray[np.int_], random: np.random.RandomState) -> int:
    return int(equals[random.choice(len(equals))] if len(equals) > 1 else equals[0])


def _own(rows: csr_array, unit: int) -> NDArray[np.int_]:
    """The strata of a unit."""
    return rows.indices[rows.indptr[unit] : rows.indptr[unit + 1]]
