"""A project whose stages have all run, without training anything: what a model says is made up."""

import runpy
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT, image
from matplotlib.figure import Figure
from PIL import Image

from multilabel.core.files import write_json
from multilabel.core.paths import (
    EXPLAINED,
    EXPLANATIONS,
    METRICS,
    decoding_file,
    decodings_file,
    labels_file,
    predictions_file,
    records_file,
)
from multilabel.data.labels import Labels
from multilabel.data.records import Record, write_records
from multilabel.metrics.pointing import pointing_game
from multilabel.metrics.predictions import prediction_table

SCORED = {
    "dataset": "d", "modality": "text", "valid_f1_samples": 0.5, "f1_samples": 0.5, "f1_samples_ci_low": 0.4,
    "f1_samples_ci_high": 0.6, "f1_micro": 0.5, "f1_macro": 0.5, "f1_weighted": 0.5, "map": 0.5, "exact_match": 0.5,
    "hamming": 0.1, "parameters": 10, "size_mb": 0.1, "size_fp32_mb": 0.1, "train_seconds": 1.0, "predict_seconds": 0.1,
    "within_limits": "yes", "coco_exposed": "no", "records": 1, "emptied_texts": 0, "decoding": "fixed", "seed": 1,
    "device": "cpu x1",
}  # fmt: skip

NOTHING_HIDDEN = {
    "deletion_records": 0, "deletion_left_out": 0, "deletion": None, "deletion_by_other_map": None, "deletion_difference": None,
    "deletion_difference_ci_low": None, "deletion_difference_ci_high": None,
}  # fmt: skip

PARAMS = {
    "seed": 1, "datasets": {}, "eda": {"top_words": 3, "max_sample_images": 4}, "architectures": {}, "ablations": None,
    "evaluate": {"n_resamples": 100}, "explanations": {}, "limits": None, "submission": {}, "report": {"sample_predictions": 2},
}  # fmt: skip
HALVES = {"rule": "fixed", "fallback": True, "slope": 1.0, "shifts": None}  # and a threshold of 0.5 for each label


HOSTILE = [
    "a|b", "<script>alert(1)</script>", "![x](a.png)", "![x](/etc/hostname)", "![x](http://example.org/pixel.png)",
    "[x](http://example.org)", "a $50% off$ tag", "$", "\\", "**b**", "a\nb", "# h", "`c`", "中文", "😀", "nan", "1", "01",
    "x" * 3000, "_net", "{{ 7 * 7 }}", "<http://example.org>",
]  # fmt: skip


def records(number: int = 8, images: bool = False, labels: tuple[str, ...] = ("cat", "dog")) -> list[Record]:
    """Each with one of the labels."""
    return [
        Record(
            f"{n}.jpg", f"text {n} of words and words", [labels[n % len(labels)]], image(["1"], n) if images else None
        )
        for n in range(number)
    ]


def right(number: int, target: np.ndarray) -> np.ndarray:
    return target


def wrong(number: int, target: np.ndarray) -> np.ndarray:
    return 1 - target


def nothing(number: int, target: np.ndarray) -> np.ndarray:
    """As a decoding without its fallback may."""
    return 0 * target


def mixed(number: int, target: np.ndarray) -> np.ndarray:
    return target if number % 2 else 1 - target


def blank(figure: Figure, path: Path, **options: Any) -> None:
    """In place of a figure."""
    Image.new("1", (1, 1)).save(path, "PNG")


@dataclass
class Project:
    """What stands in the current folder; `report()` returns report.md, report.html and what was printed."""

    capture: pytest.CaptureFixture[str]
    params: dict[str, Any] = field(default_factory=lambda: deepcopy(PARAMS))

    def data(self, records: Sequence[Record], dataset: str = "d") -> Labels:
        """Ingested, described, split and encoded."""
        self.params["datasets"][dataset] = {"format": "table", "source": "x"}
        self.write_params()
        write_records(records_file(dataset), records)
        names = sorted({label for record in records for label in record.labels or []})
        labels = Labels(names, names)
        labels.save(labels_file(dataset))
        counts = {"repaired": 0, "rejected": 1}
        reasons = {"repaired": {}, "rejected": {"<b>no|label</b>": 1}}
        write_json(
            METRICS / "ingest" / f"{dataset}.json", {"source": "<i>x|y</i>.csv", "findings": counts, "reasons": reasons}
        )
        split = {"records": len(records), "share_difference_max": None}
        write_json(METRICS / "split" / f"{dataset}.json", {"train": split, "valid": split, "test": split})
        runpy.run_path(str(ROOT / "src" / "eda.py"))["eda"](dataset)
        return labels

    def model(
        self,
        name: str,
        records: Sequence[Record],
        labels: Labels,
        said: Callable[[int, np.ndarray], np.ndarray],
        sure: Callable[[np.ndarray], np.ndarray] = np.float32,
        **scored: Any,
    ) -> None:
        """Trained and scored: for a record's number and target it said `said(number, target)`, with the probabilities `sure(all)`."""
        dataset = scored.get("dataset", "d")
        self.params["architectures"][name] = {
            "dataset": dataset,
            **({"baseline": "x"} if scored.pop("baseline", False) else {}),
        }
        targets = labels.multi_hot(record.labels for record in records)
        predicted = np.array([said(number, target) for number, target in enumerate(targets)], np.uint8)
        table = prediction_table([r.id for r in records], targets, predicted, sure(predicted), labels)
        predictions_file(name).parent.mkdir(parents=True)
        table.to_parquet(predictions_file(name), index=False)
        pd.DataFrame({"decoding": ["fixed", "per_label"], "f1_samples": [0.5, None]}).to_csv(
            decodings_file(name), index=False
        )
        write_json(decoding_file(name), HALVES | {"thresholds": [0.5] * len(labels.ids)})
        write_json(METRICS / "evaluate" / f"{name}.json", SCORED | scored)

    def explanation(self, name: str, of: str, reasons: Mapping[str, Any]) -> None:
        """Why `of` gives the labels of some records, by their ids."""
        self.params["explanations"][name] = {"of": of, "dataset": "d"}
        write_json(EXPLANATIONS / name / EXPLAINED, reasons)
        nothing = pointing_game(np.empty((0, 2)), np.empty((0, 4)))
        write_json(METRICS / "explain" / f"{name}.json", nothing | NOTHING_HIDDEN)

    def curve(self, name: str, values: Sequence[float]) -> None:
        """Of the scores on valid."""
        path = METRICS / "train" / name / "plots" / "metrics" / "valid" / "f1_samples.tsv"
        path.parent.mkdir(parents=True)
        pd.DataFrame({"step": range(len(values)), "f1_samples": values}).to_csv(path, sep="\t", index=False)

    def write_params(self) -> None:
        """To params.yaml."""
        Path("params.yaml").write_text(yaml.safe_dump(self.params, sort_keys=False))

    def report(self, draw: bool = False) -> tuple[str, str, str]:
        """The stage, run in this process; its figures are blank unless `draw`, which takes most of the time."""
        self.write_params()
        self.capture.readouterr()
        stage = runpy.run_path(str(ROOT / "src" / "report.py"))["report"]
        with nullcontext() if draw else patch.object(Figure, "savefig", blank):
            stage()
        reports = Path("reports")
        return (reports / "report.md").read_text(), (reports / "report.html").read_text(), self.capture.readouterr().out
