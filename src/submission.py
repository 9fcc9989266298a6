"""Predict the unlabelled records with what is best on valid within the limits, in the competition's own format."""

from dataclasses import dataclass
from typing import Literal

from multilabel.core.errors import UserError, run_stage
from multilabel.core.files import write_json
from multilabel.core.paths import METRICS, MODELS, SUBMISSION
from multilabel.core.settings import parsed, read_block, read_section
from multilabel.data.dataset import load_unlabelled
from multilabel.data.submission import write_submission
from multilabel.models.limits import Limits, broken
from multilabel.models.model import Model, read_training, size_mb


@dataclass(frozen=True, kw_only=True)
class SubmissionSettings:
    """Which validation score chooses the architecture."""

    select_by: Literal["f1_samples", "f1_micro", "f1_macro", "f1_weighted", "map"]


def submission(dataset: str) -> None:
    """Write data/submission/<dataset>.csv and metrics/submission/<dataset>.json."""
    settings = parsed(SubmissionSettings, read_block("submission", dataset), f"submission.{dataset}")
    candidates = [name for name, block in read_section("architectures").items() if block["dataset"] == dataset]
    trained = [name for name in candidates if (MODELS / name).exists()]
    if not trained:
        raise UserError(f"models/ has no trained architecture for dataset {dataset!r}; run `dvc repro train` first")
    limits = parsed(Limits, read_section("limits"), "limits")
    excluded = {name: found for name in trained if (found := _broken(name, limits))}
    on_valid = {name: _valid_score(name, settings.select_by) for name in trained if name not in excluded}
    if not on_valid:
        raise UserError(f"limits: no architecture for {dataset!r} keeps them ({_in_words(excluded)}); raise limits:")
    ids, inputs = load_unlabelled(dataset)
    if not ids:
        raise UserError(
            f"dataset {dataset!r} has no unlabelled records to submit; take it out of submission: in params.yaml"
        )

    best = max(on_valid, key=lambda name: on_valid[name])
    model = Model.load(MODELS / best)
    predicted = model.labels.label_sets(model.decoding.decode(model.classifier.probabilities(inputs)))

    write_submission(SUBMISSION / f"{dataset}.csv", ids, predicted, model.labels)
    labels_per_record = sum(map(len, predicted)) / len(predicted)
    summary = {"architecture": best, "rows": len(ids), "labels_per_row": round(labels_per_record, 4)}
    scores = {name: round(score, 6) for name, score in on_valid.items()}
    write_json(METRICS / "submission" / f"{dataset}.json", {**summary, f"valid_{settings.select_by}": scores})
    if excluded:
        print(f"{dataset}: over the limits, not considered: {_in_words(excluded)}")
    print(f"{dataset}: {len(ids)} rows by {best} ({settings.select_by} {on_valid[best]:.4f} on valid)")


def _valid_score(architecture: str, name: str) -> float:
    return float(read_training(MODELS / architecture)["valid"][name])


def _broken(architecture: str, limits: Limits) -> list[str]:
    folder = MODELS / architecture
    return broken(limits, size_mb(folder), read_training(folder)["seconds"])


def _in_words(excluded: dict[str, list[str]]) -> str:
    return "; ".join(f"{name} takes {', '.join(found)}" for name, found in excluded.items())


if __name__ == "__main__":
    run_stage(submission, "dataset")
