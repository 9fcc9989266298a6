"""Weights that others have trained: exactly which ones a run reads, and whether they have seen COCO.

The images and captions of the competition's test set are COCO's. Weights that have seen them may know test answers, so
their scores are not comparable. What is not listed here is `unknown`.
"""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from huggingface_hub import try_to_load_from_cache

from multilabel.core.files import sha256_of_file
from multilabel.models.hub_encoder import HUB, local_folder, with_revision
from multilabel.models.packages import PACKAGE, Exposure, package
from multilabel.models.settings import AnySettings, networks
from multilabel.models.weights import PRETRAINED, weights_file

TOKENIZER = {".json", ".txt", ".model"}  # suffixes of configurations and tokenizers
WEIGHTS = {".safetensors", ".bin"}
COMMIT = re.compile(r"[0-9a-f]{40}")

# Patterns of `family/name.tag`, lower case, each with where that is documented.
SEEN = [
    r"coco|detr|glip|\bblip|vilt|faster_?rcnn|mask_?rcnn|ml.?decoder",  # trained on COCO boxes or captions
    r"all[-_](minilm|mpnet|distilroberta|roberta)",  # sentence-transformers lists COCO captions among its training data
]
CLEAN = [
    r"^torchvision/",  # classification weights: ImageNet-1k or Instagram hashtags (SWAG)
    r"^timm/.*(in1k|in12k|in21k|in22k)",  # ImageNet
    r"^timm/.*(openai|laion|datacomp|webli|metaclip|dfn)",  # captions crawled from the web
    r"^hf/([^/]+/)?[^/]*(bert|electra|minilm-l|xlnet|mpnet-base|gpt2|t5-)",  # books, Wikipedia and web text
]


def pretrained_digest(encoder: str, weights: str | None) -> str | None:
    """What the files of an encoder hold, so that a changed file is noticed: a SHA-256, or the commit of a hub's model.

    None where none is read, or where their name and the version of a library say which: `pretrained` of timm and torchvision.
    """
    if encoder.startswith(HUB):
        name = encoder.removeprefix(HUB)
        if folder := local_folder(name):
            suffixes = TOKENIZER | (WEIGHTS if weights else set())
            return _digest(path for path in folder.iterdir() if path.suffix in suffixes)
        return _commit(name)
    return None if weights in (None, PRETRAINED) else _digest([weights_file(str(weights), encoder)])


def with_digests(content: dict[str, Any], settings: AnySettings) -> dict[str, Any]:
    """Settings as JSON, with what the weights that they start from hold, if they start from any."""
    encoders = [encoder for network in networks(settings) for encoder in network.encoders]
    digests = {f"{e.encoder} from {e.weights}": pretrained_digest(e.encoder, e.weights) for e in encoders}
    found = {name: digest for name, digest in digests.items() if digest is not None}
    return content | {"pretrained": found} if found else content


def _digest(paths: Iterable[Path]) -> str:
    """Of names and contents."""
    whole = hashlib.sha256()
    for path in sorted(paths):
        whole.update(f"{path.name} {sha256_of_file(path)}\n".encode())
    return whole.hexdigest()


def _commit(name: str) -> str | None:
    """The commit at which a hub's model was last fetched; None if it never was."""
    known, revision = with_revision(name)
    if revision and COMMIT.fullmatch(revision):
        return revision
    cached = try_to_load_from_cache(known, "config.json", revision=revision)
    return Path(cached).parent.name if isinstance(cached, str) else None


def coco_exposed(settings: AnySettings) -> Exposure:
    """The worst verdict over all pretrained parts of resolved settings; random weights have seen nothing."""
    parts = [encoder for network in networks(settings) for encoder in network.encoders]
    verdicts = {verdict(part.encoder, part.weights) for part in parts if part.weights is not None}
    return next((worst for worst in ("yes", "unknown") if worst in verdicts), "no")


def verdict(encoder: str, weights: str) -> Exposure:
    """Of one encoder, e.g. `timm/resnet50.a1_in1k`. A file or folder is known by its name alone, which clears nothing."""
    for named in (weights, encoder.removeprefix(HUB)):
        if named.startswith(PACKAGE):
            return package(named, "weights").coco_exposed
    published = weights == "pretrained" and encoder.count("/") <= 2 and "//" not in encoder and "/." not in encoder
    name = (encoder if weights == "pretrained" else weights).lower()
    if any(re.search(pattern, name) for pattern in SEEN):
        return "yes"
    return "no" if published and any(re.search(pattern, name) for pattern in CLEAN) else "unknown"
