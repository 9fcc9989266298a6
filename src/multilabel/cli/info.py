"""`multilabel info`: what a model is, how well it does, and its card."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multilabel.cli.subcommand import Subcommand

if TYPE_CHECKING:
    from multilabel.models.folder import Description
    from multilabel.reporting.facts import Facts


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("model", type=Path, help="a model folder, such as models/captions/resnet18_bigru")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--card", action="store_true", help="print the whole model card, as Markdown")
    form.add_argument("--json", action="store_true", help="print all that is known, as JSON")


def run(given: Namespace) -> None:
    """Print it."""
    from multilabel.models.folder import Description, reading, size_mb
    from multilabel.reporting.card import card
    from multilabel.reporting.facts import facts

    with reading(given.model):
        model = Description.load(given.model)
        known, size = facts(given.model, model.settings), size_mb(given.model)
    if given.card:
        print(card(model, known, size), end="")
    elif given.json:
        print(json.dumps(_everything(model, known, size), indent=2, ensure_ascii=False))
    else:
        print("\n".join(_lines(model, known, size)))


def _everything(model: "Description", known: "Facts", size: float) -> dict[str, Any]:
    from multilabel.core.settings import to_json

    return {
        "settings": to_json(model.settings),
        "labels": {"ids": model.labels.ids, "names": model.labels.names},
        "decoding": model.decoding.as_json(),
        "training": to_json(model.training),
        "size_mb": round(size, 3),
        "data": dict(known.data),
        "split": dict(known.split),
        "scores": dict(known.scores),
        "labels_on_test": [dict(row) for row in known.labels],
    }


def _lines(model: "Description", known: "Facts", size: float) -> list[str]:
    from multilabel.data.label_cells import joined
    from multilabel.metrics.scores import as_text
    from multilabel.models.pretrained import coco_exposed

    settings, scores = model.settings, known.scores
    valid = scores.get("valid_f1_samples", model.training.valid.get("f1_samples"))  # over all seeds, as those of test
    lines = [
        f"{settings.name}: {settings.kind} that reads {settings.modality}, dataset {settings.dataset}, seed {settings.seed}",
        f"labels      {len(model.labels.names)}: {joined(model.labels.names)}",
        f"valid       samples-F1 {as_text(valid, '.3f')}",
    ]
    if scores:
        first, low, high = (
            as_text(scores[key], ".3f") for key in ("f1_samples", "f1_samples_ci_low", "f1_samples_ci_high")
        )
        others = ", ".join(f"{key} {as_text(scores[key], '.3f')}" for key in ("f1_macro", "map", "exact_match"))
        lines.append(f"test        samples-F1 {first} ({low} to {high}), {others}, on {scores['records']} records")
    else:
        lines.append("test        not scored here; `dvc repro evaluate` does")
    return [
        *lines,
        f"decoding    {model.decoding.rule}",
        f"size        {size:.1f} MB" + (f", {scores['parameters']:,} parameters" if scores else ""),
        f"coco        exposed: {coco_exposed(settings)}",
        "more        --card prints the whole card, --json all settings",
    ]


INFO = Subcommand(
    name="info",
    help="show what a model is and how well it does",
    description="Show what a model reads, its labels, its scores with their interval, its size and its settings. The scores on "
    "test are those that `evaluate` has written in the project that the folder lies in, or those that were handed on with it.",
    configure=configure,
    run=run,
)
