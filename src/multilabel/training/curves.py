"""Training curves through dvclive: one folder per run, one row per epoch, small enough for git."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dvclive import Live

from multilabel.core.files import write_text
from multilabel.metrics.scores import METRICS
from multilabel.models.devices import is_main_process
from multilabel.training.telemetry import Sample

Watch = Callable[[Mapping[str, float | None]], None]
NAMES = {"train_loss": "train/loss", "valid_loss": "valid/loss"}


class Curves:
    """`with Curves(folder) as log: log.epoch(row)`, writing `plots/metrics/**.tsv` and `metrics.json`."""

    def __init__(self, folder: Path, watch: Watch | None = None) -> None:
        """Empties `folder`: a resumed run logs its earlier epochs again. Of several processes only the main one writes.

        `watch` sees every row after it is written, and may end the training by raising.
        """
        self.watch = watch
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
        if self.watch:
            self.watch(row)

    def over_time(self, samples: Sequence[Sample]) -> None:
        """What a GPU did, a curve for each quantity, whose steps are seconds: dvclive's own files count epochs."""
        if self.live:
            for name in samples[0] if samples else ():
                if name != "seconds":
                    rows = [f"{sample['seconds']:.1f}\t{sample[name]:g}" for sample in samples if name in sample]
                    path = Path(self.live.dir) / "plots" / "metrics" / "gpu" / f"{name}.tsv"
                    write_text(path, "\n".join([f"step\t{name}", *rows, ""]))


def curve_name(key: str) -> str:
    """`f1_samples` -> `valid/f1_samples`, `train_loss` -> `train/loss`; the rest as it is."""
    return f"valid/{key}" if key in METRICS else NAMES.get(key, key)
