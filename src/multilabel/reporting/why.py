"""Why a classifier says what it says of records that a person gives it: as data, as a page, and as a picture."""

import base64
import io
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from numpy.typing import NDArray
from PIL import Image

from multilabel.core.errors import UserError
from multilabel.core.files import replacing
from multilabel.core.registry import choose_each
from multilabel.data.images import open_rgb
from multilabel.inference.classifier import COMPUTING, Classifier
from multilabel.inference.images import ImageLike, file_content
from multilabel.inference.torch_network import TorchNetwork
from multilabel.models.settings import ImageSettings
from multilabel.reporting import image_plots
from multilabel.reporting.canvas import ACCENT, AGAINST
from multilabel.reporting.explained import Explained, explained
from multilabel.reporting.markdown import TEMPLATES

SIDE = 320  # pixels of the longer side of a picture in a page
OPAQUE = 0.55  # heat over a picture, where it is hottest


@dataclass(frozen=True)
class Word:
    """A word of a text and what it adds to the logit of a label: 1 or -1 is the most that any word of the text adds."""

    text: str
    weight: float


@dataclass(frozen=True)
class LabelWhy:
    """Why one label has its probability."""

    name: str
    probability: float
    heat: bytes | None  # a PNG: the picture, and over it where the network looked
    words: list[Word] | None


@dataclass(frozen=True)
class Why:
    """Of one record."""

    id: str
    picture: bytes | None  # a PNG
    text: str | None
    labels: list[LabelWhy]
    note: str  # why there is no heat for an image


def why(
    classifier: Classifier, id: str, image: ImageLike | None, text: str | None, number: int, labels: Sequence[str] = ()
) -> Why:
    """The `number` most probable labels of a record, or those called `labels`; raises `UserError`."""
    content = None if image is None or "image" not in classifier.reads else file_content(image)
    found = raw(classifier, content, text, number, labels)
    picture = None if content is None else _thumbnail(content)
    settings, lines = classifier.description.settings, []
    for row, place in enumerate(found.labels):
        heat = None
        if found.heat is not None and picture is not None and getattr(settings, "image", None) is not None:
            heat = _png(_laid_over(picture, found.heat[row], settings.image))  # type: ignore[union-attr,arg-type]
        words = None if found.weights is None else _words(found.words or [], found.weights[row])
        lines.append(LabelWhy(classifier.labels[place], float(found.probabilities[row]), heat, words))
    shown = None if picture is None else _png(picture)
    return Why(id, shown, text if "text" in classifier.reads else None, lines, found.note)


def raw(
    classifier: Classifier, image: ImageLike | None, text: str | None, number: int, labels: Sequence[str] = ()
) -> Explained:
    """The same as numbers."""
    engine = classifier.engine
    if not isinstance(engine, TorchNetwork):
        raise UserError(f"{classifier.name} is no single network under torch, and only those are explained; name one, such as "
                        f"models/captions/resnet18_bigru")  # fmt: skip
    order = {name: place for place, name in enumerate(classifier.labels)}
    places = choose_each("label", order, labels, "--labels")
    record = classifier.reader.read(image, text)
    with COMPUTING:
        tokenizer = engine.classifier.tokenizer_for([record.text or ""])
        batch = engine.examples([record], tokenizer).batch(np.arange(1))
        return explained(engine.classifier, batch, tokenizer, number, places)[0]


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


def _thumbnail(content: bytes) -> Image.Image:
    image = open_rgb(content, at_least=SIDE)
    image.thumbnail((SIDE, SIDE))
    return image.copy()


def _laid_over(image: Image.Image, heat: NDArray[np.float32], settings: ImageSettings) -> Image.Image:
    """Heat of the central window that a network reads, over the whole picture."""
    share = settings.size / (settings.resize or settings.size)
    width, height = max(1, round(image.width * share)), max(1, round(image.height * share))
    window = Image.fromarray(np.rint(heat * 255).astype(np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
    strength = np.zeros((image.height, image.width), np.float32)
    top, left = (image.height - height) // 2, (image.width - width) // 2
    strength[top : top + height, left : left + width] = np.asarray(window, np.float32) / 255
    colours = matplotlib.colormaps["inferno"](strength)[:, :, :3] * 255
    opaque = np.zeros_like(strength)
    opaque[top : top + height, left : left + width] = OPAQUE
    mixed = np.asarray(image, np.float32) * (1 - opaque[:, :, None]) + colours * opaque[:, :, None]
    return Image.fromarray(np.rint(mixed).astype(np.uint8))


def _words(words: Sequence[str], weights: NDArray[np.float32]) -> list[Word]:
    most = max(float(np.abs(weights).max(initial=0)), 1e-12)
    return [Word(word, float(weight) / most) for word, weight in zip(words, weights, strict=True)]


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _data_url(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
