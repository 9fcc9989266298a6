"""Train and score one ablation, and show what its change is worth: the paired difference to its base on test."""

from multilabel.core.parent import end_with_parent

if __name__ == "__main__":
    end_with_parent()  # before the imports that take seconds: an orphan of that time would train, and write, for nobody

from multilabel.core.errors import run_stage
from multilabel.core.files import write_json
from multilabel.core.paths import ABLATIONS, METRICS, predictions_file, predictions_folder
from multilabel.core.settings import parsed, read_block, read_section
from multilabel.metrics.predictions import paired_difference
from multilabel.metrics.scores import as_text
from multilabel.models.devices import is_main_process
from multilabel.models.evaluation import EvaluationSettings
from multilabel.models.limits import Limits
from multilabel.training.architectures import read_architecture
from multilabel.training.fitting import fit_and_evaluate


def ablate(name: str) -> None:
    """Write models/ablations/<ablation>/, its curves, data/predictions/<ablation>/ and metrics/ablate/<ablation>.json."""
    base = read_block("ablations", name)["base"]
    settings = parsed(EvaluationSettings, read_section("evaluate"), "evaluate")
    limits = parsed(Limits, read_section("limits"), "limits")
    architecture = read_architecture(name)

    evaluation = fit_and_evaluate(architecture, ABLATIONS / name, METRICS / "train" / name, settings, limits)
    if is_main_process():
        row = evaluation.row
        evaluation.save(predictions_folder(name))
        change = paired_difference(
            predictions_file(name), predictions_file(base), settings.n_resamples, architecture.model.seed
        )
        write_json(METRICS / "ablate" / f"{name}.json", {"base": base, **change, **row})
        value, low, high = (as_text(change[key], "+.4f") for key in change)
        print(f"{name}: f1_samples {as_text(row['f1_samples'])}, {value} [{low}, {high}] against {base}")


if __name__ == "__main__":
    run_stage(ablate, "name")
