"""Whatever metric is watched: the best epoch is the best in its direction."""

import pytest
import torch
from conftest import TRAIN
from torch import nn

from multilabel.metrics.scores import METRICS
from multilabel.training.architectures import resolve
from multilabel.training.loop import Progress, _out_of_patience, _record


def after(monitor: str, scores: list[float | None]) -> Progress:
    """Where training stands after epochs with these scores; the weights of epoch i are i."""
    progress, net = Progress(), nn.Linear(1, 1)
    for number, score in enumerate(scores, start=1):
        nn.init.constant_(net.weight, number)
        _record(progress, {monitor: score}, monitor, net)
    return progress


@pytest.mark.parametrize("monitor", METRICS)
def test_the_best_epoch_is_that_of_the_best_score(monitor: str) -> None:
    values = [0.5, 0.2, 0.8, 0.8, None]
    progress = after(monitor, values)
    assert progress.best_epoch == (3 if METRICS[monitor].higher_is_better else 2)
    assert progress.best_weights["weight"] == torch.tensor(float(progress.best_epoch))
    assert _out_of_patience(progress, 5 - progress.best_epoch)
    assert not _out_of_patience(progress, 6 - progress.best_epoch)
    blocks = {"gru": {"dataset": "captions", "text": {"encoder": "gru"}, "train": {"monitor": monitor}}}
    assert resolve("gru", blocks, TRAIN, seed=0).train.monitor == monitor


@pytest.mark.parametrize("monitor", ["map", "hamming"])
def test_a_score_that_valid_never_allows_keeps_the_first_epoch(monitor: str) -> None:
    progress = after(monitor, [None, None])
    assert progress.best_epoch == 1
    assert progress.best_weights["weight"] == torch.tensor(1.0)
    assert after(monitor, [None, 0.1]).best_epoch == 2
