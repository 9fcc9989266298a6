"""Predict the unlabelled records with what is best on valid within the limits, in the words of the source."""

from pathlib import Path

from multilabel.core.errors import UserError, run_stage
from multilabel.core.files import write_json
from multilabel.core.paths import METRICS as REPORTED
from multilabel.core.paths import SUBMISSION, model_folder
from multilabel.core.settings import parsed, read_block, read_section
from multilabel.data.dataset import load_unlabelled
from multilabel.data.sources import parse_dataset
from multilabel.data.submission import SubmissionSettings, write_submission
from multilabel.metrics.scores import METRICS, as_text
from multilabel.models.folder import read_training, size_mb
from multilabel.models.limits import Limits, broken
from multilabel.models.model import Model


def submission(dataset: str) -> None:
    """Write data/submission/<dataset>.csv and metrics/submission/<dataset>.json."""
    settings = parsed(SubmissionSettings, read_block("submission", dataset), f"submission.{dataset}")
    candidates = [name for name, block in read_section("architectures").items() if block["dataset"] == dataset]
    trained = [name for name in candidates if model_folder(dataset, name).exists()]
    if not trained:
        raise UserError(f"models/ has no trained architecture for dataset {dataset!r}; run `dvc repro train` first")
    limits = parsed(Limits, read_section("limits"), "limits")
    excluded = {name: found for name in trained if (found := _broken(model_folder(dataset, name), limits))}
    on_valid = {
        name: _valid_score(model_folder(dataset, name), settings.select_by) for name in trained if name not in excluded
    }
    if not on_valid:
        raise UserError(f"limits: no architecture for {dataset!r} keeps them ({_in_words(excluded)}); raise limits:")
    if all(score is None for score in on_valid.values()):
        raise UserError(f"submission.{dataset}.select_by: {settings.select_by} cannot be computed of the records of valid; "
                        f"choose another, or a larger share for split.valid")  # fmt: skip
    ids, inputs = load_unlabelled(dataset)
    if not ids:
        raise UserError(
            f"dataset {dataset!r} has no unlabelled records to submit; take it out of submission: in params.yaml"
        )

    best = max(on_valid, key=lambda name: METRICS[settings.select_by].better(on_valid[name]))
    model = Model.load(model_folder(dataset, best))
    predicted = model.labels.label_sets(model.decoding.decode(model.classifier.probabilities(inputs)))

    form = parse_dataset(dataset, read_block("datasets", dataset)).reader.submission
    write_submission(SUBMISSION / f"{dataset}.csv", ids, predicted, model.labels, form)
    labels_per_record = sum(map(len, predicted)) / len(predicted)
    summary = {"architecture": best, "rows": len(ids), "labels_per_row": round(labels_per_record, 4)}
    scores = {name: None if score is None else round(score, 6) for name, score in on_valid.items()}
    write_json(REPORTED / "submission" / f"{dataset}.json", {**summary, f"valid_{settings.select_by}": scores})
    if excluded:
        print(f"{dataset}: over the limits, not considered: {_in_words(excluded)}")
    print(f"{dataset}: {len(ids)} rows by {best} ({settings.select_by} {as_text(on_valid[best])} on valid)")


def _valid_score(folder: Path, name: str) -> float | None:
    return read_training(folder).valid[name]


def _broken(folder: Path, limits: Limits) -> list[str]:
    return broken(limits, size_mb(folder), read_training(folder).seconds)


def _in_words(excluded: dict[str, list[str]]) -> str:
    return "; ".join(f"{name} takes {', '.join(found)}" for name, found in excluded.items())


if __name__ == "__main__":
    run_stage(submission, "dataset")
