"""Show for some test records why a network gives its labels, and measure over all whether it looks where they are."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from multilabel.core.errors import UserError, run_stage
from multilabel.core.files import replacing_folder, write_json
from multilabel.core.paths import EXPLANATIONS, METRICS, MODELS, boxes_file
from multilabel.core.settings import read_block, read_section
from multilabel.data.boxes import read_boxes
from multilabel.data.dataset import load_split, subset
from multilabel.inputs.examples import Batch
from multilabel.metrics.scores import as_text
from multilabel.models.classifiers import NetworkClassifier
from multilabel.models.model import Model
from multilabel.models.prediction import ImagePreparation, centre_crop
from multilabel.reporting import explanations, image_plots
from multilabel.reporting.pointing import score_pointing
from multilabel.training.architectures import read_architecture
from multilabel.training.augmentation import augment
from multilabel.training.settings import Architecture, NetworkArchitecture

SHOWN = 4  # records
LABELS = 2  # most probable labels of each
DEPTHS, CHANNELS, AUGMENTED = 5, 8, 7


def explain(name: str) -> None:
    """Write data/explanations/<name>/: grad_cam, feature_maps, augmentation and words, as far as it reads such input.

    And metrics/explain/<name>.json: the pointing game, where the dataset has boxes.
    """
    block = read_block("explanations", name)
    model = Model.load(MODELS / block.get("dataset", "") / block["of"])
    classifier = model.classifier
    if not isinstance(classifier, NetworkClassifier):
        raise UserError(
            f"explanations.{name}.of: {block['of']!r} is no single network, and only those are explained; name one"
        )
    net, settings = classifier.net.eval(), classifier.settings
    split = load_split(settings.dataset, "test")
    # Records with two labels show best whether labels are told apart: more crowd the image.
    rows = np.argsort(abs(split.targets.sum(axis=1, dtype=int) - LABELS), kind="stable")[:SHOWN]
    shown = subset(split, rows)
    tokenizer = classifier.tokenizer_for(shown.inputs.texts)
    batch = classifier.examples(shown.inputs).batch(np.arange(len(rows)))
    images = ImagePreparation(settings.image, torch.device("cpu"))(batch.images)
    with torch.no_grad():
        probabilities = net(images, batch.tokens, batch.mask).sigmoid().numpy()
    labels = np.argsort(-probabilities, axis=1)[:, :LABELS]

    boxes = read_boxes(boxes_file(settings.dataset))
    with replacing_folder(EXPLANATIONS / name) as folder:
        if images is not None and settings.image is not None:
            seen = _seen(batch, settings.image.size)
            _augmentation(batch, settings.image.size, read_architecture(block["of"]), folder / "augmentation.png")
            titles = [
                [f"{model.labels.names[i]} {probabilities[row, i]:.2f}" for i in labels[row]]
                for row in range(len(rows))
            ]
            try:
                cams = _per_label(
                    labels, lambda label: explanations.grad_cam(net, images, batch.tokens, batch.mask, label)
                )
                maps = explanations.feature_maps(net, images, DEPTHS, CHANNELS)
                image_plots.overlays(seen, cams, titles, folder / "grad_cam.png")
                image_plots.maps(seen[0], [part.numpy() for part in maps], folder / "feature_maps.png")
            except UserError as reason:  # of an image without maps; its words are explained all the same
                print(f"note: {name}: {reason}")
                boxes = boxes[:0]  # without maps nothing points
        if batch.tokens is not None and batch.mask is not None and tokenizer is not None:
            tokens, mask = batch.tokens, batch.mask
            weights = _per_label(labels, lambda label: explanations.word_weights(net, images, tokens, mask, label))
            words = [[tokenizer.id_to_token(i) for i, m in zip(ids, keep, strict=True) if m]
                     for ids, keep in zip(tokens.tolist(), mask.tolist(), strict=True)]  # fmt: skip
            titles = [[model.labels.names[i] for i in row] for row in labels]
            image_plots.word_weights(words, weights, titles, folder / "words.png")
    pointing = score_pointing(classifier, split, model.labels, boxes)
    write_json(METRICS / "explain" / f"{name}.json", pointing)
    said = f", pointing {as_text(pointing['pointing'])} on {pointing['records']}" if pointing["records"] else ""
    print(f"{name}: {len(rows)} records explained{said}")


def _per_label(labels: NDArray[np.int_], explained: Callable[[int], torch.Tensor]) -> NDArray[np.float32]:
    """(N, LABELS, ...): for each record what is explained of its labels; every label is computed once for all records."""
    found = {int(label): explained(int(label)).numpy() for label in np.unique(labels)}
    return np.stack([np.stack([found[int(label)][row] for label in own]) for row, own in enumerate(labels)])


def _seen(batch: Batch, size: int) -> NDArray[np.float32]:
    """The images as the network gets them before normalisation, (N, H, W, 3) in 0..1."""
    assert batch.images is not None
    return centre_crop(batch.images.float().div(255), size).permute(0, 2, 3, 1).numpy()


def _augmentation(batch: Batch, size: int, architecture: Architecture, path: Path) -> None:
    """One image and what training makes of it."""
    assert batch.images is not None
    assert isinstance(architecture, NetworkArchitecture)
    torch.manual_seed(read_section("seed"))
    several = batch.images[:1].float().div(255).repeat(AUGMENTED, 1, 1, 1)
    changed = augment(several, size, architecture.train.augment).permute(0, 2, 3, 1).clamp(0, 1)
    image_plots.gallery([_seen(batch, size)[0], *changed.numpy()], ["as it is", *[""] * AUGMENTED], path)


if __name__ == "__main__":
    run_stage(explain, "name")
