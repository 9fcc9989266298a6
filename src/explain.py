"""Show for some test records why a network gives its labels, and measure over all whether it looks where they are."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from multilabel.core.errors import UserError, run_stage
from multilabel.core.files import replacing_folder, write_json
from multilabel.core.paths import EXPLAINED, EXPLANATIONS, METRICS, MODELS, boxes_file
from multilabel.core.settings import read_block, read_section
from multilabel.data.boxes import read_boxes
from multilabel.data.dataset import Split, load_split, subset
from multilabel.data.records import read_images
from multilabel.inputs.examples import Batch
from multilabel.metrics.scores import as_text
from multilabel.models.classifiers import NetworkClassifier
from multilabel.models.model import Model
from multilabel.models.prediction import ImagePreparation
from multilabel.models.settings import ImageSettings
from multilabel.reporting import explanations, image_plots
from multilabel.reporting.deletion import score_deletion
from multilabel.reporting.explained import Explained, explained
from multilabel.reporting.pointing import score_pointing
from multilabel.reporting.reasons import reasons
from multilabel.reporting.settings import ExplanationSettings
from multilabel.reporting.thumbnails import small, webp
from multilabel.training.architectures import read_architecture
from multilabel.training.augmentation import augment
from multilabel.training.settings import Architecture, NetworkArchitecture

SHOWN = 4  # records in figures
SIDE = 192  # pixels of the longer side of a picture with heat in the explorer
LABELS = 2  # most probable labels of each
DEPTHS, CHANNELS, AUGMENTED = 5, 8, 7


def explain(name: str) -> None:
    """Write data/explanations/<name>/: grad_cam, feature_maps, augmentation and words, as far as it reads such input.

    There also explained.json, which the report's explorer shows.

    And metrics/explain/<name>.json: the pointing game, where the dataset has boxes, and deletion.
    """
    block = read_block("explanations", name)
    model = Model.load(MODELS / block.get("dataset", block.get("group")) / block["of"])
    classifier = model.classifier
    if not isinstance(classifier, NetworkClassifier):
        raise UserError(
            f"explanations.{name}.of: {block['of']!r} is no single network, and only those are explained; name one"
        )
    net, settings = classifier.net.eval(), classifier.settings
    split = load_split(settings.dataset, "test")
    # Records with two labels show best whether labels are told apart: more crowd the image.
    number = block.get("records", ExplanationSettings.records)
    rows = np.argsort(abs(split.targets.sum(axis=1, dtype=int) - LABELS), kind="stable")[:number]
    parts = [rows[first : first + SHOWN] for first in range(0, len(rows), SHOWN)]
    every = [one for part in parts for one in _explained(classifier, subset(split, part))]
    shown, found = subset(split, rows[:SHOWN]), every[:SHOWN]
    batch = classifier.examples(shown.inputs).batch(np.arange(len(found)))
    names = model.labels.names

    scored = split
    with replacing_folder(EXPLANATIONS / name) as folder:
        if batch.images is not None and settings.image is not None:
            seen = np.stack([one.seen for one in found if one.seen is not None])
            _augmentation(
                batch, seen[0], settings.image.size, read_architecture(block["of"]), folder / "augmentation.png"
            )
            heat = [one.heat for one in found if one.heat is not None]
            if heat:
                titles = [
                    [
                        f"{names[label]} {probability:.2f}"
                        for label, probability in zip(one.labels, one.probabilities, strict=True)
                    ]
                    for one in found
                ]
                image_plots.overlays(seen, np.stack(heat), titles, folder / "grad_cam.png")
                prepared = ImagePreparation(settings.image, torch.device("cpu"))(batch.images)
                maps = explanations.feature_maps(net, prepared, DEPTHS, CHANNELS)  # type: ignore[arg-type]
                image_plots.maps(seen[0], [part.numpy() for part in maps], folder / "feature_maps.png")
            else:
                print(f"note: {name}: {found[0].note}")
                scored = subset(split, rows[:0])  # without maps nothing points, and nothing is hidden
        words, weights = [one.words or [] for one in found], [one.weights for one in found if one.weights is not None]
        if weights:
            image_plots.word_weights(
                words, weights, [[names[i] for i in one.labels] for one in found], folder / "words.png"
            )
        write_json(folder / EXPLAINED, _as_data(every, subset(split, rows), settings.image, names))
    pointing = score_pointing(classifier, scored, model.labels, read_boxes(boxes_file(settings.dataset)))
    deletion = score_deletion(classifier, scored, read_section("seed"))
    write_json(METRICS / "explain" / f"{name}.json", pointing | deletion)
    said = f", pointing {as_text(pointing['pointing'])} on {pointing['records']}" if pointing["records"] else ""
    if deletion["deletion_records"]:
        said += f", deletion {as_text(deletion['deletion'])} on {deletion['deletion_records']}"
    print(f"{name}: {len(every)} records explained{said}")


def _explained(classifier: NetworkClassifier, shown: Split) -> list[Explained]:
    tokenizer = classifier.tokenizer_for(shown.inputs.texts)
    return explained(classifier, classifier.examples(shown.inputs).batch(np.arange(len(shown.ids))), tokenizer, LABELS)


def _as_data(
    found: list[Explained], shown: Split, settings: ImageSettings | None, names: list[str]
) -> dict[str, list[dict[str, Any]]]:
    """Id of a record -> why it has its labels."""
    contents = read_images(shown.inputs.records, shown.inputs.rows.tolist())
    pictures = [None if content is None else small(content, SIDE) for content in contents]
    return {
        id: [label.as_json(webp) for label in reasons(one, names, picture, settings)]
        for id, one, picture in zip(shown.ids, found, pictures, strict=True)
    }


def _augmentation(batch: Batch, seen: NDArray[np.float32], size: int, architecture: Architecture, path: Path) -> None:
    """One image and what training makes of it."""
    assert batch.images is not None
    assert isinstance(architecture, NetworkArchitecture)
    torch.manual_seed(read_section("seed"))
    several = batch.images[:1].float().div(255).repeat(AUGMENTED, 1, 1, 1)
    changed = augment(several, size, architecture.train.augment).permute(0, 2, 3, 1).clamp(0, 1)
    image_plots.gallery([seen, *changed.numpy()], ["as it is", *[""] * AUGMENTED], path)


if __name__ == "__main__":
    run_stage(explain, "name")
