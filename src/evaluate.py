"""Score one trained architecture on test, once, and keep what it predicted."""

from multilabel.core.errors import run_stage
from multilabel.core.files import replacing, replacing_folder, write_json
from multilabel.core.paths import METRICS, MODELS, REPORTS, predictions_file
from multilabel.core.settings import parsed, read_section
from multilabel.metrics.predictions import label_table
from multilabel.models.evaluation import EvaluationSettings, evaluate_model
from multilabel.models.limits import Limits
from multilabel.models.model import Model
from multilabel.reporting import plots


def evaluate(architecture: str) -> None:
    """Write metrics/evaluate/<architecture>.json, data/predictions/<architecture>.parquet and the tables per label."""
    settings = parsed(EvaluationSettings, read_section("evaluate"), "evaluate")
    limits = parsed(Limits, read_section("limits"), "limits")
    folder = MODELS / architecture

    model = Model.load(folder)
    evaluation = evaluate_model(model, folder, settings, limits)
    row, labels = evaluation.row, label_table(evaluation.predictions, model.labels)

    write_json(METRICS / "evaluate" / f"{architecture}.json", row)
    with replacing(predictions_file(architecture)) as partial:
        evaluation.predictions.to_parquet(partial, index=False)
    with replacing_folder(REPORTS / "evaluate" / architecture) as tables:
        labels.to_csv(tables / "per_label.csv", index=False, float_format="%.6f")
        evaluation.decodings.to_csv(tables / "decodings.csv", index=False, float_format="%.6f")
        plots.per_label(labels, tables / "per_label.png")
    low, high = row["f1_samples_ci_low"], row["f1_samples_ci_high"]
    print(
        f"{architecture}: f1_samples {row['f1_samples']:.4f} [{low:.4f}, {high:.4f}] on {row['records']} test records"
    )


if __name__ == "__main__":
    run_stage(evaluate, "architecture")
