"""Train, valid and test with the label frequencies of the whole, duplicates kept together."""

import math
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from multilabel.core.errors import UserError
from multilabel.core.ranges import Part, Seed
from multilabel.data.stratification import stratified

SPLITS = ("train", "valid", "test")
FREQUENT = 20  # units with the same label set; fewer cannot be shared out evenly
LEAST = 10  # units of which three splits can be made
TOLERANCE = 0.02  # by how much of itself a part may miss the records asked of it


@dataclass(frozen=True, kw_only=True)
class SplitSettings:
    """Shares of the labelled records; the rest is train. The seed decides which records, and nothing else."""

    valid: Part
    test: Part
    seed: Seed = 42

    def __post_init__(self) -> None:
        """Raises `UserError` where train gets nothing."""
        if self.valid + self.test >= 1:
            raise UserError("split: valid and test together leave nothing for train; their sum must be below 1")


def split(targets: NDArray[np.uint8], groups: NDArray[np.int_], settings: SplitSettings) -> NDArray[np.str_]:
    """(N,) `train`, `valid` or `test` per record; records of one group get the same.

    Iterative stratification (Sechidis 2011) over groups, each with the labels that any of its records has. A group that
    is more than all that is asked of a part stands in train.
    """
    if not targets.any():
        raise UserError("split: no record has a label, so there is nothing to learn; at least one label is needed")
    units, sizes = _units(targets, groups)
    if len(sizes) < LEAST:
        raise UserError(
            f"split: only {len(sizes)} different labelled records; at least {LEAST} are needed for three splits"
        )
    strata = _strata(units)
    pool = _shared_out(sizes, settings)
    total, share_left = sizes[pool].sum(), 1.0
    assigned = np.full(len(sizes), "train", dtype="<U5")
    for name, share, others in (("test", settings.test, 2), ("valid", settings.valid, 1)):
        left = pool[assigned[pool] == "train"]
        free = left[sizes[left] <= max(share * total, sizes[left].min())]
        ratio = share / share_left * (sizes[left].sum() / sizes[free].sum())
        keep = max(0, others - (len(left) - len(free)))
        part = _part(strata[free], ratio, keep, settings.seed)
        part = _resized(part, strata[free], sizes[free], share * total, keep, settings.seed)
        assigned[free[part]] = name
        share_left -= share
    return assigned[groups]


def folds(targets: NDArray[np.uint8], groups: NDArray[np.int_], number: int, seed: int) -> NDArray[np.int_]:
    """(N,) the fold 0..number-1 of each record, stratified as splits are; records of one group share a fold."""
    units, sizes = _units(targets, groups)
    if len(sizes) < number:
        raise UserError(f"ensemble.folds: {number} folds of only {len(sizes)} different records; ask for fewer")
    strata = _strata(units)
    assigned = stratified(strata, np.full(number, 1 / number), seed)

    largest_first = np.argsort(-np.bincount(assigned, sizes, minlength=number), kind="stable")
    pool: NDArray[np.int_] = np.arange(len(sizes))
    for place, (fold, following) in enumerate(pairwise(largest_first), start=1):
        before = assigned[pool] == fold
        largest = sizes[pool[before]].max(initial=0)  # has to be somewhere
        asked = max(sizes[pool].sum() / (number - place + 1), largest)
        after = _resized(before, strata[pool], sizes[pool], asked, number - place, seed)
        assigned[pool[before & ~after]] = following
        assigned[pool[after]] = fold
        pool = pool[~after]
    return assigned[groups]


def balance(targets: NDArray[np.uint8], assigned: NDArray[np.str_]) -> dict[str, dict[str, float]]:
    """Per split: records, labels per record, and how far label shares stray from the whole, at worst and on average."""
    overall = targets.mean(axis=0)
    report = {}
    for name in SPLITS:
        own = targets[assigned == name]
        stray = np.abs(own.mean(axis=0) - overall)
        report[name] = {
            "records": len(own),
            "labels_per_record": float(own.sum(axis=1).mean()),
            "share_difference_max": float(stray.max()),
            "share_difference_mean": float(stray.mean()),
        }
    return report


def _units(targets: NDArray[np.uint8], groups: NDArray[np.int_]) -> tuple[csr_array, NDArray[np.int_]]:
    """What is assigned as one: per group the labels that any of its records has, and how many records it is."""
    member = csr_array((np.ones(len(groups), np.int64), (groups, np.arange(len(groups)))))
    units = (member @ csr_array(targets, dtype=np.int64)).sign()
    units.sort_indices()
    return units, np.bincount(groups)


def _strata(units: csr_array) -> csr_array:
    """Labels, and as further columns to be balanced: how many labels, and each frequent label set as a whole.

    Over labels alone the algorithm fills the small split last, with the records that are left: those of the most
    frequent label by itself. On the real captions valid got 49 % of them and test 46 %, which made valid 0.016
    samples-F1 easier for a rule that learns nothing.
    """
    sizes = np.diff(units.indptr)
    label_sets = [tuple(labels.tolist()) for labels in np.split(units.indices, units.indptr[1:-1])]
    frequent = [label_set for label_set, count in Counter(label_sets).items() if count >= FREQUENT]
    frequent.sort(key=lambda label_set: (*label_set, units.shape[1]), reverse=True)  # as zeros and ones are ordered
    place = {label_set: number for number, label_set in enumerate(frequent)}
    kinds = np.array([place.get(label_set, -1) for label_set in label_sets])
    columns = [units, _one_hot(np.unique(sizes, return_inverse=True)[1])]
    return csr_array(hstack([*columns, _one_hot(kinds)] if frequent else columns))


def _one_hot(kinds: NDArray[np.int_]) -> csr_array:
    """(N, K) a one in the column of each row's kind 0..K-1; none where it is negative."""
    rows = np.flatnonzero(kinds >= 0)
    return csr_array((np.ones(len(rows), np.int64), (rows, kinds[rows])), shape=(len(kinds), kinds.max() + 1))


def _shared_out(sizes: NDArray[np.int_], settings: SplitSettings) -> NDArray[np.int_]:
    """The units that valid and test are shares of: all, unless without those that fit into neither too few remain."""
    asked = sizes.sum() * np.array([settings.valid, settings.test])
    light = np.flatnonzero(sizes <= asked.max())
    return light if len(light) > 2 and sizes[light].sum() < asked.sum() else np.arange(len(sizes))


def _part(strata: csr_array, share: float, keep: int, seed: int) -> NDArray[np.bool_]:
    """Which units are drawn, about this share of them, but not the last `keep`."""
    number = strata.shape[0]
    drawn = min(max(1, math.ceil(share * number)), number - keep)
    return stratified(strata, np.array([number - drawn, drawn]) / number, seed) == 1


def _resized(
    chosen: NDArray[np.bool_], strata: csr_array, sizes: NDArray[np.int_], asked: float, keep: int, seed: int
) -> NDArray[np.bool_]:
    """`chosen` with as many records as asked, of at least one unit and not of the last `keep`.

    Iterative stratification gives a label of three records to the largest part, all three: of a thousand such labels
    little is left for the others. So units move, one at a time, as the balance of all strata gains most or loses least.
    """
    chosen = chosen.copy()
    if not chosen.any():
        chosen[sizes.argmin()] = True
    lightest_first = np.flatnonzero(chosen)[np.argsort(sizes[chosen], kind="stable")]
    chosen[lightest_first[: max(0, keep - np.count_nonzero(~chosen))]] = False
    gap = asked - sizes[chosen].sum()
    if abs(gap) <= TOLERANCE * asked:
        return chosen

    columns = strata.tocsc()
    totals = strata.sum(axis=0)
    weight = 1 / np.maximum(1, totals)  # of a unit in a stratum: the rarer, the more
    lacking = strata @ (weight * (asked / sizes.sum() * totals - strata[chosen].sum(axis=0)))
    own = strata @ weight + np.random.default_rng(seed).random(len(sizes)) * 1e-9  # equal ones not by their order
    while True:
        sign = 1 if gap > 0 else -1  # into the part or out of it
        last = np.count_nonzero(~chosen) <= keep if sign > 0 else np.count_nonzero(chosen) <= 1
        movable = (chosen != (sign > 0)) & (abs(gap - sign * sizes) < abs(gap))
        if last or not movable.any():
            return chosen
        unit = np.where(movable, 2 * sign * lacking - own, -np.inf).argmax()
        chosen[unit] = sign > 0
        gap -= sign * sizes[unit]
        shared = strata[[unit]].indices
        lacking -= sign * (columns[:, shared] @ weight[shared])
