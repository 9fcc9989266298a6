"""Training curves through dvclive: one folder per run, one row per epoch, small enough for git."""

from collections.abc import Mapping
from pathlib import Path

from dvclive import Live

from multilabel.metrics.scores import METRICS
from multilabel.models.devices import is_main_process

NAMES = {"train_loss": "train/loss", "valid_loss": "valid/loss"}


class Curves:
    """`with Curves(folder) as log: log.epoch(row)`, writing `plots/metrics/**.tsv` and `metrics.json`."""

    def __init__(self, folder: Path) -> None:
        """Empties `folder`: a resumed run logs its earlier epochs again. Of several processes only the main one writes."""
        quiet = {"dvcyaml": None, "save_dvc_exp": False, "report": None, "monitor_system": False}
        self.live = Live(str(folder), **quiet) if is_main_process() else None

    def __enter__(self) -> "Curves":
        return self

    def __exit__(self, *error: object) -> None:
        if self.live:
            self.live.make_summary()

    def epoch(self, row: Mapping[str, float | None]) -> None:
        """One point on every curve; none where a score cannot be computed."""
        if self.live:
            for key, value in row.items():
                if value is not None:
                    self.live.log_metric(curve_name(key), float(value))
            self.live.next_step()


def curve_name(key: str) -> str:
    """`f1_samples` -> `valid/f1_samples`, `gpu_memory_gb` -> `gpu/memory_gb`; the rest as it is."""
    if key in METRICS:
        return f"valid/{key}"
    return NAMES.get(key) or key.replace("gpu_", "gpu/", 1)
