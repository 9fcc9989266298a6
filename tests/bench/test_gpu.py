"""The measurement of a GPU, small and on the CPU: complete, and without what its machine may lack."""

import json
import sys
from pathlib import Path

from conftest import ROOT, run

ABSENT = ("dvc", "dvclive", "gensim", "captum", "iterstrat", "simplemma", "jinja2", "markdown_it")
START = f"""
import runpy, sys
for name in {ABSENT}: sys.modules[name] = None
sys.argv = ["bench.gpu", "--tiny", "--out", sys.argv[1]]
runpy.run_module("bench.gpu", run_name="__main__")
"""


def test_every_part_is_measured_without_dvc_or_network(tmp_path: Path) -> None:
    output = run([sys.executable, "-c", START, str(tmp_path)], ROOT)
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert not [part for part in found if part.endswith("_error")], output
    assert found["about"]["command"] == "python -m bench.gpu --tiny"
    (ratios,) = found["ratios"].values()
    assert set(ratios["ours_to"]) == {"bare", "everybody"}
    assert ratios["ours_to"]["bare"]["rounds"] == 2
    assert {row["precision"] for row in found["precisions"]} >= {"fp32", "bf16"}
    assert all(0 <= row["valid_f1_samples"] <= 1 for row in found["precisions"])
    (prediction,) = found["prediction"].values()
    assert set(prediction["ours_to"]) == {"bare"}
    assert found["resume"]["as_trained"]["equal"] is True
    assert [row["cuda_graphs"] for row in found["cuda_graphs"]] == [False, True]
    parts = ["ratios", "cuda_graphs", "precisions", "prediction", "resume"]
    assert [mark["part"] for mark in found["telemetry"]["marks"]] == parts
