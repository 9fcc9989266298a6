"""The measurement of scale: archives that are sound, memory that is the child's own, and parts that are stored as they come."""

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT, run

from bench import scale as scales
from bench.catalogues import MOST_LABELS, Catalogue
from bench.reading import ORDERS, rates, write_pixels
from bench.scale import SCALES, OutOfTime, Project, Scale
from multilabel.data.archives import open_source
from multilabel.data.readers import Competition
from multilabel.data.records import Findings

SMALL = Scale((20, 40), (5, 9), 40, 0.001, 0.001, 1, 20, 1)


def test_an_archive_is_read_whole_and_no_two_images_are_equal(tmp_path: Path) -> None:
    Catalogue(60, 40, side=16).write(tmp_path / "source.zip")
    findings = Findings("error")
    records = list(Competition().read(open_source(tmp_path / "source.zip", 1), findings, 1))
    assert findings.items == []
    assert [record.id for record in records] == [f"{number}.jpg" for number in range(60)]
    assert {label for record in records for label in record.labels or []} == {str(i + 1) for i in range(40)}
    assert max(len(record.labels or []) for record in records) <= MOST_LABELS
    assert len({hashlib.sha256(record.image or b"").digest() for record in records}) == 60
    packed = zipfile.ZipFile(tmp_path / "source.zip").read("train.csv")
    assert (tmp_path / "source.csv").read_bytes() == packed


def test_the_same_catalogue_is_the_same_file_but_for_its_times(tmp_path: Path) -> None:
    for name in "ab":
        Catalogue(30, 5, side=8, seed=3).write(tmp_path / f"{name}.zip")
    one, other = (zipfile.ZipFile(tmp_path / f"{name}.zip") for name in "ab")
    assert one.namelist() == other.namelist()
    assert all(one.read(name) == other.read(name) for name in one.namelist())


def test_memory_is_that_of_the_command_and_not_of_who_measures() -> None:
    mine = np.ones(400_000_000, np.uint8)  # of this process, whose memory Linux would count
    found = usage("x = bytearray(60_000_000)")
    assert 60 < found["peak_mb"] < 200 < mine.nbytes / 1e6
    assert found["status"] == 0
    assert usage("raise SystemExit(3)")["status"] == 3


def usage(program: str) -> dict[str, Any]:
    command = [sys.executable, str(ROOT / "bench" / "usage.py"), sys.executable, "-c", program]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])


def test_what_time_may_not_suffice_for_comes_last() -> None:
    cases = scales._cases(SCALES[""])
    assert cases == [
        (10_000, 18),
        (10_000, 80),
        (10_000, 500),
        (100_000, 18),
        (100_000, 80),
        (100_000, 500),
        (1_000_000, 18),
    ]


def test_what_was_measured_before_time_was_over_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def measured(self: Project, script: str, *_: str) -> dict[str, float]:
        done.append(script)
        if done.count("split") == 3:
            raise OutOfTime
        (self.folder / "models" / "made" / "tiny").mkdir(parents=True, exist_ok=True)
        return {"seconds": 1.0, "peak_mb": 10.0}

    monkeypatch.setattr(Project, "run", measured)
    monkeypatch.setattr(Project, "predict", lambda *_: {"seconds": 2.0, "peak_mb": 20.0})
    told: list[Any] = []
    with pytest.raises(OutOfTime):
        scales.stages(SMALL, tmp_path, 0, lambda found: told.append(json.loads(json.dumps(found))), lambda _: None)
    first, second, third = told[-1]
    assert (first["records"], first["labels"], second["labels"]) == (20, 5, 9)
    assert list(first) == [
        "records",
        "labels",
        "source_mb",
        "ingest",
        "eda",
        "split",
        "encode_labels",
        "train",
        "predict",
    ]
    assert list(third) == ["records", "labels", "source_mb", "ingest", "eda"]


def test_a_stage_without_time_is_stopped(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", ends=0.0)
    project.begin(Catalogue(12, 3, side=8))
    with pytest.raises(OutOfTime, match="the minutes are over"):
        project.run("ingest", "made")


@pytest.mark.parametrize("name", ORDERS)
def test_every_order_reads_each_record_once(name: str) -> None:
    order = ORDERS[name](1_000, 64, np.random.default_rng(0))
    assert sorted(order.tolist()) == list(range(1_000))


def test_readings_of_a_cache_are_rates(tmp_path: Path) -> None:
    number = write_pixels(tmp_path / "pixels.npy", 0.002, 16, 0)
    assert np.load(tmp_path / "pixels.npy", mmap_mode="r").shape == (number, 16, 16, 3)
    found = rates(tmp_path / "pixels.npy", 200, 1, 0)
    assert set(found["per_second"]) == {f"{name}, {state}" for name in ORDERS for state in ("cold", "warm")}
    assert all(part["median"] > 0 for part in found["per_second"].values())


@pytest.mark.slow
def test_every_part_is_measured(tmp_path: Path) -> None:
    output = run([sys.executable, "-m", "bench.scale", "--quick", "--out", str(tmp_path)], ROOT)
    found = {part: json.loads((tmp_path / f"scale_{part}.json").read_text()) for part in scales.PARTS}
    assert not [part for part, content in found.items() if f"{part}_error" in content], output
    assert [case["records"] for case in found["stages"]["stages"]] == [300, 300, 600, 600]
    assert all(case["predict"]["peak_mb"] > case["split"]["peak_mb"] > 50 for case in found["stages"]["stages"])
    ways = found["processes"]["processes"]["ways"].values()
    scores = [round(score["f1_samples"], 2) for way in ways for score in way]
    assert len(set(scores)) == 1, scores
