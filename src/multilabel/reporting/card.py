"""The model card: what a model is, how well it does, what it is for and what not, in Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from multilabel.inference.examples import needed
from multilabel.metrics.decoding import Decoding
from multilabel.metrics.scores import METRICS, as_text
from multilabel.models.folder import Description
from multilabel.models.packages import PACKAGE, package
from multilabel.models.pretrained import coco_exposed, verdict
from multilabel.models.settings import AnySettings, EncoderSettings, networks
from multilabel.reporting.facts import Facts
from multilabel.reporting.markdown import Markdown, code, render, table

FEW = 20  # test records with a label, below which its scores are guesses
WEAK = 0.5  # F1 of a label that is missed or wrongly given more often than not
UNKNOWN = "not known here; ask its publisher"


def card(model: Description, facts: Facts, size_mb: float, exported: Mapping[str, Any] | None = None) -> Markdown:
    """Of a model and what is known of it; what is not known is said to be so.

    `exported` says how the graphs of an exported folder were made.
    """
    settings = model.settings
    return render(
        "card.md.j2",
        settings=settings,
        kind=settings.kind,
        labels=model.labels.names,
        scores=facts.scores,
        score_table=_scores(model, facts.scores),
        label_table=_labels(model, facts.labels),
        weak=[row["name"] for row in facts.labels if row["support"] and row["f1"] < WEAK],
        few=[row["name"] for row in facts.labels if row["support"] < FEW],
        few_records=FEW,
        data=facts.data,
        split=facts.split,
        parts=_parts(settings),
        needs=sorted(needed(settings)),
        decoding=_in_words(model.decoding),
        coco=coco_exposed(settings),
        size_mb=size_mb,
        training=model.training,
        exported=exported,
    )


def _scores(model: Description, scores: Mapping[str, Any]) -> Markdown:
    """A row for each metric: on valid, which chose the epoch and the decoding, and on test.

    Of several trainings `evaluate` gives the means; on valid it has that of samples-F1 alone.
    """
    several = scores.get("seeds")
    rows = []
    for name, metric in METRICS.items():
        test = as_text(scores.get(name), ".3f") if scores else "not scored"
        if scores and name == "f1_samples" and scores.get("f1_samples_ci_low") is not None:
            test += f" ({scores['f1_samples_ci_low']:.3f} to {scores['f1_samples_ci_high']:.3f})"
        on_valid = [as_text(model.training.valid.get(name), ".3f")]
        if several:
            mean = f"valid_{name}"
            on_valid.insert(0, as_text(scores[mean], ".3f") if mean in scores else "not kept")
        rows.append([metric.heading, test, *on_valid])
    if several:
        mean_of = f"mean of {several} trainings"
        return table(["score", f"test, {mean_of} (95 % interval)", f"valid, {mean_of}", "valid, first of them"], rows)
    return table(["score", "test (95 % interval)", "valid"], rows)


def _labels(model: Description, labels: Sequence[Mapping[str, Any]]) -> Markdown:
    thresholds = model.decoding.thresholds
    if not labels:
        return table(["label"], [[name] for name in model.labels.names])
    heads = ["label", "F1", "precision", "recall", "AP", "test records", *(["threshold"] if thresholds else [])]
    rows: list[list[object]] = []
    for place, row in enumerate(labels):
        values = [as_text(row[key], ".3f") for key in ("f1", "precision", "recall", "ap")]
        rows.append([row["name"], *values, row["support"], *([f"{thresholds[place]:g}"] if thresholds else [])])
    return table(heads, rows)


def _in_words(decoding: Decoding) -> str:
    if decoding.thresholds is None:
        calibrated = ", by probabilities that are calibrated on held-out records" if decoding.shifts is not None else ""
        return f"the set of labels with the highest expected F1{calibrated}, never an empty one"
    none = "; a record none of whose labels passes gets its most probable one" if decoding.fallback else ""
    if decoding.rule == "fixed":
        return f"each label whose probability reaches {decoding.thresholds[0]:g}{none}"
    return (
        f"each label whose probability reaches its threshold (rule {decoding.rule}, fitted on held-out records){none}"
    )


def _parts(settings: AnySettings) -> Markdown:
    """The encoders, what their weights started from, and under which licence those are."""
    rows: list[list[object]] = []
    for network in networks(settings):
        rows += [[network.name, code(part.encoder), *_origin(part)] for part in network.encoders]
    return (
        table(["network", "encoder", "weights start from", "have seen COCO", "licence of these"], rows)
        if rows
        else Markdown()
    )


def _origin(part: EncoderSettings) -> list[object]:
    if part.weights is None:
        return ["random numbers", "no", "none applies"]
    for name in (part.weights, part.encoder.removeprefix("hf/")):
        if name.startswith(PACKAGE):
            known = package(name, "weights")
            return [f"{name} ({known.trained_on})", known.coco_exposed, known.licence]
    return [part.weights, verdict(part.encoder, part.weights), UNKNOWN]
