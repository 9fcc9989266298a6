"""The measurement of a CPU, small: every modality, every contender, and the same precision from the first round to the last."""

import json
import sys
from pathlib import Path

import pytest
from conftest import ROOT, run


@pytest.mark.slow
def test_every_part_is_measured(tmp_path: Path) -> None:
    output = run([sys.executable, "-m", "bench.cpu", "--tiny", "--out", str(tmp_path)], ROOT)
    found = json.loads((tmp_path / "cpu.json").read_text())
    assert not [part for part in found if part.endswith("_error")], output
    assert set(found["training"]) == set(found["prediction"]) == {"image", "text", "fusion"}
    for race in found["training"].values():
        assert set(race["ours_to"]) == {"bare", "everybody", "trainer"}
        assert race["gave_up"] == {}
        assert race["precision"] == race["precision_at_the_end"]
    assert found["decoding"]["ours_to"]["bare"]["median"] > 0
    assert found["ingesting"]["ours_to"]["bare"]["median"] > 0
    assert found["about"]["versions"]["torch"]
