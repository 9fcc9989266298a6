"""What was measured is told in pages as it was measured, and what was not as well."""

from pathlib import Path
from typing import Any

import measured_in_pages
import pytest
from conftest import ROOT
from measured_in_pages import (
    BENCH,
    STAGES,
    exported,
    faults,
    scale_archive,
    scale_processes,
    scale_reading,
    scale_stages,
    speed_cpu,
    speed_gpu,
    speed_stages,
    ways,
)

from multilabel.core.files import read_json, write_json


def rates(**ratios: float) -> dict[str, Any]:
    """A race in which ours made 100 records a second."""
    per_second = {name: {"median": 100 / ratio} for name, ratio in {"ours": 1.0, **ratios}.items()}
    spreads = {
        name: {"median": ratio, "least": ratio - 0.05, "greatest": ratio + 0.05} for name, ratio in ratios.items()
    }
    return {"precision": "bf16", "per_second": per_second, "ours_to": spreads}


def test_what_was_measured_is_told_and_what_was_not_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured_in_pages, "BENCH", tmp_path)
    assert speed_cpu() == "Not measured yet: `make bench`."
    assert speed_gpu() == "Not measured yet: `make bench-gpu`."
    about = {"command": "python -m bench.cpu", "date": "2026-01-02", "seed": 1, "processor": "A", "cores": 2, "python": "3.11.1",
             "versions": dict.fromkeys(("torch", "timm", "transformers"), "1.0")}  # fmt: skip
    write_json(tmp_path / "cpu.json", {"about": about, "training": {"image": rates(bare=0.9, everybody=2.0)}})
    assert "2026-01-02, seed 1: A, 2 cores" in speed_cpu()
    assert "| `image` | bf16 | 100 | 0.90 (0.85 to 0.95) | 2.00 (1.95 to 2.05) |  |" in speed_cpu()
    assert "![]" not in speed_cpu()
    assert "Prediction" not in speed_cpu()
    assert faults() == "Not measured yet: `make faults`."
    case = {
        "kind": "SIGKILL",
        "done": "dvc after 3.5 s",
        "seconds": 30.0,
        "same": True,
        "orphans": 0,
        "left_over": [],
        "remedy": "",
    }
    lock = case | {"kind": "lock", "done": "cut", "remedy": "rm dvc.lock", "left_over": ["a"]}
    full = case | {"kind": "disk full", "done": ".cache on a disk of 9 kB; went through"}
    cases = [case, case | {"same": False, "orphans": 2, "seconds": 6.2}, lock, full, full | {"done": "No space left"}]
    write_json(tmp_path / "faults.json", {"about": about, "undisturbed": {"seconds": 61.2}, "cases": cases})
    assert "| SIGKILL | 2 | 1 | 1 | 1 | 0 |  |" in faults()  # the second came when nothing was left to do
    assert "| lock | 1 | 1 | 1 | 0 | 1 | rm dvc.lock |" in faults()
    assert "| disk full | 2 | 1 | 2 | 0 | 0 |  |" in faults()
    killed = {
        "steps_before_the_kill": 11,
        "steps": 16,
        "largest_difference": 0.5,
        "largest_difference_of_two_undisturbed": 0.25,
    }
    precision = {"network": "n", "batch_size": 8, "records": 2560, "precision": "tf32", "seconds_per_epoch": {"median": 1.234},
                 "peak_memory_gb": 5.55, "valid_f1_samples": 0.75, "train_loss": [0.5, 0.25]}  # fmt: skip
    write_json(
        tmp_path / "gpu.json",
        {"about": about | {"gpu": "G"}, "precisions": [precision], "prediction": {"n": rates(bare=0.99)},
         "resume": {"as_trained": killed | {"equal": False}, "deterministic": killed | {"equal": True}}},
    )  # fmt: skip
    (tmp_path / "gpu.png").touch()
    said = speed_gpu()
    assert "seed 1: G;" in said
    assert "![](../metrics/bench/gpu.png)" in said
    assert "| tf32 | 1.23 | 5.5 | 0.750 | 0.2500 |" in said
    assert "(as trained): weights that differ by 0.5 at most; two undisturbed runs differ by 0.25." in said
    assert "(deterministic): the same weights, bit for bit;" in said


ABOUT = {"command": "python -m bench.scale", "date": "2026-01-02", "processor": "A", "cores": 2}


def test_scale_is_told_by_its_slopes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured_in_pages, "BENCH", tmp_path)
    assert scale_stages() == "Not measured yet: `python -m bench.scale --parts stages`."

    def case(records: int, labels: int, megabytes: float, seconds: float, *stages: str) -> dict:
        used = {"seconds": 2 * seconds, "cpu_seconds": seconds, "peak_mb": megabytes}
        return {"records": records, "labels": labels, **{stage: used for stage in stages or STAGES}}

    cases = [
        case(1_000, 18, 200, 1),
        case(1_000, 80, 210, 1),
        case(100_000, 18, 250, 10),
        case(1_000_000, 18, 700, 95, "ingest"),
    ]
    write_json(tmp_path / "scale_stages.json", {"about": ABOUT, "stages": cases})
    said = scale_stages()
    assert "| 1,000,000 | 18 | 190 (95) |  |  |  |  |" in said
    assert "| 1,000,000 | 18 | 700 |  |  |  |  |" in said
    assert "| `ingest` | 100,000 to 1,000,000 | 50 | 9.5 |" in said
    assert "| `split` | 1,000 to 100,000 | 51 | 10.0 |" in said


def test_the_other_parts_of_scale_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured_in_pages, "BENCH", tmp_path)
    for made in (scale_archive, scale_reading, scale_processes, speed_stages):
        assert made().startswith("Not measured yet: `python -m bench.")
    used = {"seconds": 20.0, "cpu_seconds": 10.0, "peak_mb": 300.0}
    write_json(tmp_path / "scale_archive.json", {"about": {**ABOUT, "note": "Other work ran."}, "archive": {
        "records": 2_000, "side": 10, "source_mb": 5_010.0, "ingest": used}})  # fmt: skip
    assert "A, 2 cores. Other work ran." in scale_archive()
    assert "5.0 GB, 2,000 images of 10 px: `ingest` took 20 s (10 processor seconds), 300 MB." in scale_archive()
    rate = {"median": 10.4, "least": 9.0, "greatest": 12.0}
    write_json(tmp_path / "scale_reading.json", {"about": ABOUT, "reading": {"64": {
        "read_over_needed": {"ours": rate}, "per_second": {"ours, cold": rate, "ours, warm": rate | {"median": 99.0}}}}})  # fmt: skip
    assert "| 64 | ours | 10 (9 to 12) | 10.4 | 99 |" in scale_reading()
    times = [{"epoch_seconds": seconds, "f1_samples": 0.5, "map": 0.25, "loss": 0.125} for seconds in (3.0, 1.0, 2.0)]
    write_json(tmp_path / "scale_processes.json", {"about": ABOUT, "processes": {"ways": {"1 process": times}}})
    assert "| 1 process | 2.00 (1.00 to 3.00) | 0.5000 | 0.2500 | 0.125000 |" in scale_processes()
    write_json(tmp_path / "repro.json", {"about": ABOUT, "stages": {"eda@a": used, "eda@b": used | {"cpu_seconds": 4.0}},
                                         "imports": {"eda": used | {"cpu_seconds": 1.5}, "train": used | {"cpu_seconds": 2.0}},
                                         "trainings": {"train@x": 7.0}})  # fmt: skip
    assert "| `eda` | 2 | 14 | 3 | eda@a 10.0 |" in speed_stages()
    assert "| `train` | 1 | 9 | 2 | 7 of training |" in speed_stages()


def test_ways_of_using_a_model_are_told_by_the_worst_of_all_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measured_in_pages, "BENCH", tmp_path)
    assert exported() == ways() == "Not measured yet: `python -m bench.agreement`."
    same = {"largest": 0.0, "other_label_sets": 0}
    eight = {
        "size_mb": 1.04,
        "fp32_size_mb": 4.0,
        "difference": 0.001,
        "difference_ci_low": -0.01,
        "difference_ci_high": 0.012,
    }
    models = {
        "words": {"records": 1_000, "ways": {"Python": same, "ONNX": same}},
        "net": {"records": 1_000, "ways": {"Python": same, "ONNX": {"largest": 0.0123, "other_label_sets": 7}},
                "to_the_network": 2e-7, "int8": eight},
        "big": {"records": 500, "ways": {"Python": same, "ONNX": same | {"largest": 0.001}}, "to_the_network": 0.0, "int8": None},
    }  # fmt: skip
    write_json(tmp_path / "agreement.json", {"about": ABOUT, "models": models})
    assert "| `net` | 2.0e-07 | 1.2e-02 | 993 of 1,000 | 1.0 of 4.0 | +0.0010 (-0.0100 to +0.0120) |" in exported()
    assert "| `big` | 0 | 1.0e-03 | 500 of 500 |  |  |" in exported()
    assert "words" not in exported()
    assert "| Python | none | 0 of 2,500 |" in ways()
    assert "| ONNX | 1.2e-02 (`net`); none for 1 of 3 models | 7 of 2,500 |" in ways()


def test_readme_says_how_often_an_exported_model_decides_otherwise() -> None:
    models = read_json(BENCH / "agreement.json")["models"].values()
    others = sum(model["ways"]["ONNX"]["other_label_sets"] for model in models)
    assert (
        f"ONNX ({others} of {sum(model['records'] for model in models):,} label sets)"
        in (ROOT / "README.md").read_text()
    )
    assert all(model["ways"][way]["other_label_sets"] == 0 for model in models for way in ("Python", "HTTP"))
