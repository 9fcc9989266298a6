"""Show for some test records why a network gives its labels: places of the picture and words of the text."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from multilabel.core.errors import run_stage
from multilabel.core.files import replacing_folder
from multilabel.core.paths import MODELS, REPORTS
from multilabel.core.settings import read_block, read_section
from multilabel.data.dataset import load_split, subset
from multilabel.inputs.examples import Batch, load_examples
from multilabel.models.model import Model, NetworkClassifier, knowing
from multilabel.models.prediction import ImagePreparation
from multilabel.reporting import explanations, plots
from multilabel.training.augmentation import Augmentation, augment, middle

SHOWN = 4  # records
LABELS = 2  # most probable labels of each
DEPTHS, CHANNELS, AUGMENTED = 5, 8, 7


def explain(name: str) -> None:
    """Write reports/explain/<name>/: grad_cam, feature_maps, augmentation and words, as far as it reads such input."""
    model = Model.load(MODELS / read_block("explanations", name)["of"])
    classifier = model.classifier
    assert isinstance(classifier, NetworkClassifier)
    net, settings = classifier.net.eval(), model.settings
    split = load_split(settings["dataset"], "test")
    # Records with two labels show best whether labels are told apart: more crowd the picture.
    rows = np.argsort(abs(split.targets.sum(axis=1, dtype=int) - LABELS), kind="stable")[:SHOWN]
    shown = subset(split, rows)
    tokenizer = knowing(net, settings, classifier.tokenizer, classifier.subwords, shown.inputs.texts)
    batch = load_examples(settings, shown.inputs, tokenizer).batch(np.arange(len(rows)))
    images = ImagePreparation(settings["image"], torch.device("cpu"))(batch.images)
    with torch.no_grad():
        probabilities = net(images, batch.tokens, batch.mask).sigmoid().numpy()
    labels = np.argsort(-probabilities, axis=1)[:, :LABELS]

    with replacing_folder(REPORTS / "explain" / name) as folder:
        if images is not None:
            pictures = _seen(batch, settings["image"]["size"])
            cams = _per_label(labels, lambda label: explanations.grad_cam(net, images, batch.tokens, batch.mask, label))
            titles = [
                [f"{model.labels.names[i]} {probabilities[row, i]:.2f}" for i in labels[row]]
                for row in range(len(rows))
            ]
            plots.overlays(pictures, cams, titles, folder / "grad_cam.png")
            maps = explanations.feature_maps(net, images, DEPTHS, CHANNELS)
            plots.maps(pictures[0], [part.numpy() for part in maps], folder / "feature_maps.png")
            _augmentation(batch, settings, folder / "augmentation.png")
        if batch.tokens is not None and batch.mask is not None and tokenizer is not None:
            tokens, mask = batch.tokens, batch.mask
            weights = _per_label(labels, lambda label: explanations.word_weights(net, images, tokens, mask, label))
            words = [[tokenizer.id_to_token(i) for i, m in zip(ids, keep, strict=True) if m]
                     for ids, keep in zip(tokens.tolist(), mask.tolist(), strict=True)]  # fmt: skip
            titles = [[model.labels.names[i] for i in row] for row in labels]
            plots.word_weights(words, weights, titles, folder / "words.png")
    print(f"{name}: {len(rows)} records explained")


def _per_label(labels: NDArray[np.int_], explained: Callable[[int], torch.Tensor]) -> NDArray[np.float32]:
    """(N, LABELS, ...): for each record what is explained of its labels; every label is computed once for all records."""
    found = {int(label): explained(int(label)).numpy() for label in np.unique(labels)}
    return np.stack([np.stack([found[int(label)][row] for label in own]) for row, own in enumerate(labels)])


def _seen(batch: Batch, size: int) -> NDArray[np.float32]:
    """The pictures as the network gets them before normalisation, (N, H, W, 3) in 0..1."""
    assert batch.images is not None
    return middle(batch.images.float().div(255), size).permute(0, 2, 3, 1).numpy()


def _augmentation(batch: Batch, settings: Mapping[str, Any], path: Path) -> None:
    """One picture and what training makes of it."""
    assert batch.images is not None
    torch.manual_seed(read_section("seed"))
    size = settings["image"]["size"]
    several = batch.images[:1].float().div(255).repeat(AUGMENTED, 1, 1, 1)
    changed = augment(several, Augmentation(**settings["train"]["augment"]), size).permute(0, 2, 3, 1).clamp(0, 1)
    plots.gallery([_seen(batch, size)[0], *changed.numpy()], ["as it is", *[""] * AUGMENTED], path)


if __name__ == "__main__":
    run_stage(explain, "name")
