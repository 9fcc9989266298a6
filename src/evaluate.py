"""Score one trained architecture on test, once, and keep what it predicted."""

from multilabel.core.errors import run_stage
from multilabel.core.files import write_json
from multilabel.core.paths import METRICS, decoding_file, model_folder, predictions_folder
from multilabel.core.settings import parsed, read_block, read_section
from multilabel.metrics.scores import as_text
from multilabel.models.evaluation import EvaluationSettings
from multilabel.models.evaluation import evaluate as evaluate_model
from multilabel.models.limits import Limits


def evaluate(name: str) -> None:
    """Write metrics/evaluate/<architecture>.json and data/predictions/<architecture>/."""
    settings = parsed(EvaluationSettings, read_section("evaluate"), "evaluate")
    limits = parsed(Limits, read_section("limits"), "limits")
    folder = model_folder(read_block("architectures", name)["dataset"], name)

    evaluation = evaluate_model(folder, settings, limits)
    row = evaluation.row
    evaluation.save(predictions_folder(name))
    write_json(decoding_file(name), evaluation.model.decoding.as_json())
    write_json(METRICS / "evaluate" / f"{name}.json", row)
    score, low, high = (as_text(row[key]) for key in ("f1_samples", "f1_samples_ci_low", "f1_samples_ci_high"))
    print(f"{name}: f1_samples {score} [{low}, {high}] on {row['records']} test records")


if __name__ == "__main__":
    run_stage(evaluate, "name")
