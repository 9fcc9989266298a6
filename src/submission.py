"""Predict the unlabelled records with what is best on valid within the limits, in the words of the source."""

from multilabel.core.errors import UserError, run_stage
from multilabel.core.files import write_json
from multilabel.core.paths import METRICS, SUBMISSION, model_folder
from multilabel.core.settings import parsed, read_block, read_section
from multilabel.data.dataset import load_unlabelled
from multilabel.data.sources import parse_dataset
from multilabel.data.submission import SubmissionSettings, write_submission
from multilabel.metrics.scores import as_text
from multilabel.models.limits import Limits
from multilabel.models.model import Model
from multilabel.models.selection import select


def submission(dataset: str) -> None:
    """Write data/submission/<dataset>.csv and metrics/submission/<dataset>.json."""
    settings = parsed(SubmissionSettings, read_block("submission", dataset), f"submission.{dataset}")
    candidates = [name for name, block in read_section("architectures").items() if block["dataset"] == dataset]
    limits = parsed(Limits, read_section("limits"), "limits")
    chosen = select(dataset, candidates, settings.select_by, limits, f"submission.{dataset}.select_by")
    ids, inputs = load_unlabelled(dataset)
    if not ids:
        raise UserError(
            f"dataset {dataset!r} has no unlabelled records to submit; take it out of submission: in params.yaml"
        )

    model = Model.load(model_folder(dataset, chosen.best))
    predicted = model.labels.label_sets(model.decoding.decode(model.classifier.probabilities(inputs)))

    form = parse_dataset(dataset, read_block("datasets", dataset)).reader.submission
    write_submission(SUBMISSION / f"{dataset}.csv", ids, predicted, model.labels, form)
    labels_per_record = sum(map(len, predicted)) / len(predicted)
    summary = {"architecture": chosen.best, "rows": len(ids), "labels_per_row": round(labels_per_record, 4)}
    scores = {name: None if score is None else round(score, 6) for name, score in chosen.on_valid.items()}
    write_json(METRICS / "submission" / f"{dataset}.json", {**summary, f"valid_{settings.select_by}": scores})
    if chosen.excluded:
        print(f"{dataset}: over the limits, not considered: {chosen.excluded_in_words()}")
    score = as_text(chosen.on_valid[chosen.best])
    print(f"{dataset}: {len(ids)} rows by {chosen.best} ({settings.select_by} {score} on valid)")


if __name__ == "__main__":
    run_stage(submission, "dataset")
