"""Put the best model of a dataset, on valid and within the limits, where `dvc artifacts get` and `dvc get` find it."""

import shutil

from multilabel.core.errors import run_stage
from multilabel.core.files import replacing_folder
from multilabel.core.paths import BEST, model_folder
from multilabel.core.settings import parsed, read_section
from multilabel.metrics.scores import as_text
from multilabel.models.folder import SEEDS
from multilabel.models.limits import Limits
from multilabel.models.selection import select

METRIC = "f1_samples"


def release(dataset: str) -> None:
    """Write models/best/<dataset>/, a copy of the model's folder; an empty one where no architecture reads the dataset."""
    candidates = [name for name, block in read_section("architectures").items() if block["dataset"] == dataset]
    limits = parsed(Limits, read_section("limits"), "limits")
    chosen = select(dataset, candidates, METRIC, limits, f"release of {dataset}") if candidates else None
    with replacing_folder(BEST / dataset) as folder:
        if chosen:
            source = model_folder(dataset, chosen.best)
            shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(SEEDS))
            print(
                f"{dataset}: {chosen.best} ({METRIC} {as_text(chosen.on_valid[chosen.best])} on valid) is in {BEST / dataset}"
            )


if __name__ == "__main__":
    run_stage(release, "dataset")
