"""Results in README.md and docs/ are the committed ones."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import results_in_pages
from conftest import ROOT
from results_in_pages import MADE, PAGES, faults, filled, names, speed_cpu, speed_gpu

from multilabel.core.files import write_json
from multilabel.reporting.markdown import escape
from multilabel.studies.lines import JUDGED
from multilabel.studies.rendering import departures


@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_results_stands_in_one_page(page: str) -> None:
    text = (ROOT / page).read_text()
    assert len(names(text)) == text.count("<!-- results:") == text.count("<!-- end of results -->")
    everywhere = [name for other in PAGES for name in names((ROOT / other).read_text())]
    assert sorted(everywhere) == sorted(MADE)


@pytest.mark.parametrize("name", MADE)
def test_results_in_pages_are_the_committed_ones(name: str) -> None:
    (page,) = [page for page in PAGES if name in names((ROOT / page).read_text())]
    text = (ROOT / page).read_text()
    assert filled(text, name) == text, "run `python tests/docs/results_in_pages.py`"


def test_making_a_block_anew_leaves_the_rest_of_a_page_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MADE, "books", lambda: r"new \1 rows")
    empty = "before\n<!-- results: books -->\n<!-- end of results -->\n<!-- results: studies -->\nx\n<!-- end of results -->\n"
    page = filled(empty, "books")
    assert page == empty.replace("books -->\n", "books -->\n\nnew \\1 rows\n\n", 1)
    assert filled(page, "books") == page


def test_readme_says_of_the_reports_what_the_verdicts_say() -> None:
    """The block is that of the page, and the page that of verdicts.json: nothing is claimed by hand."""
    found = json.loads((ROOT / "reports/studies/verdicts.json").read_text())
    said = MADE["studies"]()
    for verdict in JUDGED:
        number = sum(claim["verdict"] == verdict for claim in found["claims"])
        assert sum(int(n) for n in re.findall(rf"(\d+) \*\*{re.escape(verdict)}\*\*", said)) == number
    for claim in found["claims"]:
        assert [part for part in departures(claim["variant"]) if escape(part) not in said] == []
    for name, covered in found["coverage"].items():
        assert f"| {covered['rows_with_evidence']} of {covered['rows']} |" in said
        assert re.search(rf"{name}\.md#[^:]*: {covered['claims_judged']} of {covered['claims']} claims", said)


def rates(**ratios: float) -> dict[str, Any]:
    """A race in which ours made 100 records a second."""
    per_second = {name: {"median": 100 / ratio} for name, ratio in {"ours": 1.0, **ratios}.items()}
    spreads = {
        name: {"median": ratio, "least": ratio - 0.05, "greatest": ratio + 0.05} for name, ratio in ratios.items()
    }
    return {"precision": "bf16", "per_second": per_second, "ours_to": spreads}


def test_what_was_measured_is_told_and_what_was_not_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results_in_pages, "BENCH", tmp_path)
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
    case = {"kind": "SIGKILL", "same": True, "orphans": 0, "left_over": [], "remedy": ""}
    lock = case | {"kind": "lock", "remedy": "rm dvc.lock", "left_over": ["a"]}
    cases = [case, case | {"same": False, "orphans": 2}, lock]
    write_json(tmp_path / "faults.json", {"about": about, "undisturbed": {"seconds": 61.2}, "cases": cases})
    assert "| SIGKILL | 2 | 1 | 1 | 0 |  |" in faults()
    assert "| lock | 1 | 1 | 0 | 1 | rm dvc.lock |" in faults()
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
