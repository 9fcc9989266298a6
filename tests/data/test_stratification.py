import numpy as np
import pytest
from iterstrat.ml_stratifiers import MultilabelStratifiedKFold, MultilabelStratifiedShuffleSplit
from scipy.sparse import csr_array

from multilabel.data.stratification import stratified


@pytest.mark.parametrize("seed", range(12))
def test_parts_are_those_of_the_reference(seed: int) -> None:
    random = np.random.default_rng(seed)
    number = int(random.integers(20, 300))
    strata = (random.random((number, int(random.integers(2, 30)))) < random.random() * 0.5).astype(np.uint8)
    sparse = csr_array(strata)

    shuffle = MultilabelStratifiedShuffleSplit(n_splits=1, test_size=number // 5, random_state=seed)
    second = next(shuffle.split(strata, strata))[1]
    shares = np.array([number - number // 5, number // 5]) / number
    assert np.flatnonzero(stratified(sparse, shares, seed)).tolist() == second.tolist()

    folds = MultilabelStratifiedKFold(n_splits=4, shuffle=True, random_state=seed)
    own = stratified(sparse, np.full(4, 0.25), seed)
    for fold, (_, held_out) in enumerate(folds.split(strata, strata)):
        assert np.flatnonzero(own == fold).tolist() == held_out.tolist()


def test_units_of_no_stratum_are_shared_out_too() -> None:
    parts = stratified(csr_array((100, 3), dtype=np.int64), np.array([0.7, 0.3]), 0)
    assert np.bincount(parts).tolist() == [70, 30]
