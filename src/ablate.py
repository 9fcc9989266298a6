"""Train and score one ablation, and show what its change is worth: the paired difference to its base on test."""

from typing import Any

from multilabel.core.errors import run_stage
from multilabel.core.files import read_json, replacing, replacing_folder, write_json
from multilabel.core.paths import METRICS, MODELS, RESOLVED, predictions_file, vectors_file
from multilabel.core.settings import parsed, read_block, read_section
from multilabel.inputs.word_vectors import WordVectors
from multilabel.metrics.predictions import paired_difference
from multilabel.models.evaluation import EvaluationSettings, evaluate_model
from multilabel.models.limits import Limits
from multilabel.training.fitting import train_model
from multilabel.training.resumption import end_with_parent


def ablate(ablation: str) -> None:
    """Write models/<ablation>/, its curves, data/predictions/<ablation>.parquet and metrics/ablate/<ablation>.json."""
    end_with_parent()
    base = read_block("ablations", ablation)["base"]
    evaluation = parsed(EvaluationSettings, read_section("evaluate"), "evaluate")
    settings: dict[str, Any] = read_json(RESOLVED / f"{ablation}.json")

    model, states = train_model(settings, METRICS / "train" / ablation, WordVectors.load(vectors_file(ablation)))
    with replacing_folder(MODELS / ablation) as folder:
        model.save(folder)
    limits = parsed(Limits, read_section("limits"), "limits")
    scored = evaluate_model(model, MODELS / ablation, evaluation, limits)
    row = scored.row
    with replacing(predictions_file(ablation)) as partial:
        scored.predictions.to_parquet(partial, index=False)
    change = paired_difference(
        predictions_file(ablation), predictions_file(base), evaluation.bootstrap, settings["seed"]
    )

    write_json(METRICS / "ablate" / f"{ablation}.json", {"base": base, **change, **row})
    for state in states:
        state.discard()
    print(f"{ablation}: f1_samples {row['f1_samples']:.4f}, {change['difference']:+.4f} "
          f"[{change['difference_ci_low']:+.4f}, {change['difference_ci_high']:+.4f}] against {base}")  # fmt: skip


if __name__ == "__main__":
    run_stage(ablate, "ablation")
