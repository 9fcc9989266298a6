"""The report as a page to look around in: one HTML file that loads nothing and runs its own script alone."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from multilabel.reporting import parts
from multilabel.reporting.parts import TEMPLATES

STYLE = TEMPLATES / "explorer.css"
SCRIPT = TEMPLATES / "explorer.js"


def explorer(datasets: Sequence[Mapping[str, Any]], title: str) -> str:
    """A page of what `explored` says of each dataset."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, autoescape=True)
    environment.filters |= {"digest": _digest}
    style, script = (
        Markup("".join(path.read_text(encoding="utf-8") for path in paths))  # noqa: S704 (files of this package)
        for paths in ((parts.STYLE, STYLE), (parts.SCRIPT, SCRIPT))
    )
    blocks = [(one["name"], _block(one)) for one in datasets]
    return environment.get_template("explorer.html.j2").render(title=title, style=style, script=script, datasets=blocks)


def _block(content: Mapping[str, Any]) -> Markup:
    """JSON in which no text can end the element that it stands in, or begin another."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 (a `<` is all that ends or begins an element)


def _digest(source: str) -> str:
    """By which the page's policy knows its own script and style, and no other."""
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
