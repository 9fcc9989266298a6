"""Templates -> Markdown -> one HTML page that needs nothing beside itself."""

import base64
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt

TEMPLATES = Path(__file__).with_name("templates")
LOCAL_PNG = re.compile(r'src="(?!data:)([^"]+\.png)"')


def render(template: str, **values: Any) -> str:
    """A template of this package, filled in; a missing value is an error."""
    environment = Environment(  # noqa: S701 (fills in Markdown; the HTML is escaped when that is rendered)
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, keep_trailing_newline=True
    )
    return environment.get_template(template).render(**values)


def self_contained_html(markdown: str, title: str, folder: Path) -> str:
    """Markdown as a page; pictures that it names relative to `folder` are put inside."""
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    body = body.replace("<table>", '<div class="table"><table>').replace("</table>", "</table></div>")
    body = LOCAL_PNG.sub(lambda match: f'src="{_data_url(folder / match[1])}"', body)
    return render("page.html.j2", title=title, body=body)


def cell(text: str, most: int = 160) -> str:
    """Text as one table cell: no line ends, no bars, not too long."""
    line = " ".join(text.split()).replace("|", "/")
    return line if len(line) <= most else line[:most].rsplit(" ", 1)[0] + " ..."


def _data_url(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
