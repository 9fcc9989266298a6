"""Whether pretrained weights have seen COCO, whose pictures and captions the competition's test set is made of.

Such weights may know test answers, so their scores are not comparable. What is not listed here is `unknown`.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

Exposure = Literal["yes", "no", "unknown"]

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


def coco_exposed(settings: Mapping[str, Any]) -> Exposure:
    """The worst verdict over all pretrained parts of resolved settings; random weights have seen nothing."""
    members = (settings.get("ensemble") or {}).get("members", {}).values()
    verdicts = {coco_exposed(member) for member in members} | {
        verdict(settings[part]["encoder"], settings[part]["weights"])
        for part in ("image", "text")
        if settings.get(part) and settings[part].get("weights")
    }
    return next((worst for worst in ("yes", "unknown") if worst in verdicts), "no")


def verdict(encoder: str, weights: str) -> Exposure:
    """Of one encoder, e.g. `timm/resnet50.a1_in1k`. A file or folder is known by its name alone, which clears nothing."""
    published = weights == "pretrained" and encoder.count("/") <= 2 and "//" not in encoder and "/." not in encoder
    name = (encoder if weights == "pretrained" else weights).lower()
    if any(re.search(pattern, name) for pattern in SEEN):
        return "yes"
    return "no" if published and any(re.search(pattern, name) for pattern in CLEAN) else "unknown"
