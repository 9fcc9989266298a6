"""Why a classifier says what it says of records that a person gives it: as data, as a page, and as a picture."""

import base64
import io
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from multilabel.core.errors import UserError
from multilabel.core.files import replacing
from multilabel.core.registry import choose_each
from multilabel.inference.classifier import COMPUTING, Classifier
from multilabel.inference.images import ImageLike, file_content
from multilabel.inference.torch_network import TorchNetwork
from multilabel.models.settings import AnySettings, EnsembleSettings, networks
from multilabel.reporting import image_plots
from multilabel.reporting.canvas import ACCENT, AGAINST
from multilabel.reporting.explained import Explained, explained
from multilabel.reporting.parts import TEMPLATES
from multilabel.reporting.reasons import LabelWhy, reasons
from multilabel.reporting.thumbnails import small

SIDE = 320  # pixels of the longer side of a picture in a page


@dataclass(frozen=True)
class Why:
    """Of one record."""

    id: str
    picture: Image.Image | None
    text: str | None
    labels: list[LabelWhy]
    note: str  # why there is no heat for an image


def why(
    classifier: Classifier, id: str, image: ImageLike | None, text: str | None, number: int, labels: Sequence[str] = ()
) -> Why:
    """The `number` most probable labels of a record, or those called `labels`; raises `UserError`."""
    content = None if image is None or "image" not in classifier.reads else file_content(image)
    found = raw(classifier, content, text, number, labels)
    picture = None if content is None else small(content, SIDE)
    lines = reasons(found, classifier.labels, picture, getattr(classifier.description.settings, "image", None))
    return Why(id, picture, text if "text" in classifier.reads else None, lines, found.note)


def raw(
    classifier: Classifier, image: ImageLike | None, text: str | None, number: int, labels: Sequence[str] = ()
) -> Explained:
    """The same as numbers."""
    engine = classifier.engine
    if not isinstance(engine, TorchNetwork):
        raise UserError(
            f"{classifier.name} is no single network under torch, and only those are explained; "
            f"name {_instead(classifier.description.settings)}"
        )
    order = {name: place for place, name in enumerate(classifier.labels)}
    places = choose_each("label", order, labels, "--labels")
    record = classifier.reader.read(image, text)
    with COMPUTING:
        tokenizer = engine.classifier.tokenizer_for([record.text or ""])
        batch = engine.examples([record], tokenizer).batch(np.arange(1))
        return explained(engine.classifier, batch, tokenizer, number, places)[0]


def _instead(settings: AnySettings) -> str:
    """What to name in place of a model that cannot be explained."""
    members = [network.name for network in networks(settings)] if isinstance(settings, EnsembleSettings) else []
    return f"one of its members, by a folder of its own: {', '.join(members)}" if members else "one"


def page(found: Sequence[Why], model: str) -> str:
    """One HTML page that needs nothing beside itself."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    environment.filters |= {"data_url": _data_url}
    return environment.get_template("why.html.j2").render(found=found, model=model, for_it=ACCENT, against=AGAINST)


def picture(found: Sequence[Explained], names: Sequence[str], path: Path) -> None:
    """One PNG: the images with their heat, and below them the texts with their words."""
    titles = [
        [f"{names[i]} {said:.2f}" for i, said in zip(one.labels, one.probabilities, strict=True)] for one in found
    ]
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        seen = [one for one in found if one.heat is not None and one.seen is not None]
        if seen:
            rows = [title for title, one in zip(titles, found, strict=True) if one.heat is not None]
            parts.append(Path(folder) / "heat.png")
            images, heat = ([getattr(one, part) for one in seen] for part in ("seen", "heat"))
            image_plots.overlays(np.stack(images), np.stack(heat), rows, parts[-1])
        read = [one for one in found if one.weights is not None]
        if read:
            rows = [title for title, one in zip(titles, found, strict=True) if one.weights is not None]
            parts.append(Path(folder) / "words.png")
            weights = [one.weights for one in read if one.weights is not None]
            image_plots.word_weights([one.words or [] for one in read], weights, rows, parts[-1])
        if not parts:
            raise UserError(found[0].note or "there is nothing to show")
        _stack([Image.open(part).convert("RGB") for part in parts], path)


def _stack(images: Sequence[Image.Image], path: Path) -> None:
    whole = Image.new("RGB", (max(i.width for i in images), sum(i.height for i in images)), "white")
    top = 0
    for image in images:
        whole.paste(image, (0, top))
        top += image.height
    with replacing(path) as partial:
        whole.save(partial, "PNG")


def png(image: Image.Image) -> str:
    """In base64."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def _data_url(image: Image.Image) -> str:
    return f"data:image/png;base64,{png(image)}"
