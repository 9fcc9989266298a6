"""Fit one architecture; its epoch and its decoding are chosen on valid. Runs under `accelerate launch` as well."""

from multilabel.core.parent import end_with_parent

if __name__ == "__main__":
    end_with_parent()  # before the imports that take seconds: an orphan of that time would train, and write, for nobody

from multilabel.core.errors import run_stage
from multilabel.core.paths import METRICS, model_folder
from multilabel.metrics.scores import as_text
from multilabel.models.devices import is_main_process
from multilabel.models.pretrained import coco_exposed
from multilabel.training.architectures import read_architecture
from multilabel.training.fitting import fit


def train(name: str) -> None:
    """Write models/<dataset>/<architecture>/ and the curves metrics/train/<architecture>/."""
    architecture = read_architecture(name)
    training = fit(architecture, model_folder(architecture.model.dataset, name), METRICS / "train" / name)
    if is_main_process():
        print(f"{name}: f1_samples {as_text(training.valid['f1_samples'])} on valid after epoch {training.best_epoch}, "
              f"coco_exposed: {coco_exposed(architecture.model)}")  # fmt: skip


if __name__ == "__main__":
    run_stage(train, "name")
