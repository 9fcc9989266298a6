"""Curves lie where plots look for them."""

import json
from pathlib import Path

import pytest

from multilabel.metrics.scores import METRICS
from multilabel.training.curves import Curves, curve_name


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_a_curve_of_valid(name: str) -> None:
    assert curve_name(name) == f"valid/{name}"


def test_what_is_no_metric_has_its_own_folder() -> None:
    names = ("train_loss", "valid_loss", "gpu_memory_gb", "lr", "seconds")
    assert [curve_name(name) for name in names] == ["train/loss", "valid/loss", "gpu/memory_gb", "lr", "seconds"]


def test_a_score_that_cannot_be_computed_is_no_point(tmp_path: Path) -> None:
    with Curves(tmp_path) as log:
        log.epoch({"map": None, "hamming": 0.5})
        log.epoch({"map": 0.25, "hamming": 0.5})
    assert (tmp_path / "plots/metrics/valid/map.tsv").read_text().split() == ["step", "map", "1", "0.25"]
    assert json.loads((tmp_path / "metrics.json").read_text())["valid"] == {"hamming": 0.5, "map": 0.25}
