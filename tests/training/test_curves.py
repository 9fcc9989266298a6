"""Curves lie where plots look for them."""

import json
from pathlib import Path

import pytest

from multilabel.metrics.scores import METRICS
from multilabel.reporting.tables import read_curve
from multilabel.training.curves import Curves, curve_name


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_a_curve_of_valid(name: str) -> None:
    assert curve_name(name) == f"valid/{name}"


def test_what_is_no_metric_has_its_own_folder() -> None:
    names = ("train_loss", "valid_loss", "lr", "seconds")
    assert [curve_name(name) for name in names] == ["train/loss", "valid/loss", "lr", "seconds"]


def test_a_score_that_cannot_be_computed_is_no_point(tmp_path: Path) -> None:
    with Curves(tmp_path) as log:
        log.epoch({"map": None, "hamming": 0.5})
        log.epoch({"map": 0.25, "hamming": 0.5})
    assert (tmp_path / "plots/metrics/valid/map.tsv").read_text().split() == ["step", "map", "1", "0.25"]
    assert json.loads((tmp_path / "metrics.json").read_text())["valid"] == {"hamming": 0.5, "map": 0.25}


def test_what_a_gpu_does_is_a_curve_over_seconds(tmp_path: Path) -> None:
    samples = [{"seconds": 0.04, "utilisation": 7.0, "power_w": 80.5}, {"seconds": 1.0, "utilisation": 98.0}]
    with Curves(tmp_path) as log:
        log.epoch({"hamming": 0.5})
        log.over_time(samples)
    curve = read_curve(tmp_path, "gpu/utilisation")
    assert curve is not None
    assert curve.to_dict("list") == {"step": [0.0, 1.0], "value": [7, 98]}
    assert (tmp_path / "plots/metrics/gpu/power_w.tsv").read_text() == "step\tpower_w\n0.0\t80.5\n"
    with Curves(tmp_path) as log:
        log.over_time([])
    assert not (tmp_path / "plots/metrics/gpu").exists()
