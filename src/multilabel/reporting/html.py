"""Templates -> Markdown -> one HTML page that needs nothing beside itself."""

import base64
import re
from itertools import cycle
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt

TEMPLATES = Path(__file__).with_name("templates")
TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
HEADING = re.compile(r"<h([123])>(.*?)</h\1>")
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
    body = TABLE.sub(lambda match: f'<div class="table">{_with_heads(match[0])}</div>', body)
    body, contents = _anchored(body)
    body = LOCAL_PNG.sub(lambda match: f'src="{_data_url(folder / match[1])}"', body)
    return render("page.html.j2", title=title, body=body, contents=contents)


def cell(text: str, most: int = 160) -> str:
    """Text as one table cell: no line ends, no bars, not too long."""
    line = " ".join(text.split()).replace("|", "/")
    return line if len(line) <= most else line[:most].rsplit(" ", 1)[0] + " ..."


def _with_heads(table: str) -> str:
    """A table each of whose cells knows the head of its column, which narrow screens show beside it."""
    heads = [re.sub(r"<[^>]*>", "", head) for head in re.findall(r"<th>(.*?)</th>", table)]
    cells = cycle(heads)
    return re.sub(r"<td>", lambda match: f'<td data-head="{next(cells)}">', table)


def _anchored(body: str) -> tuple[str, list[tuple[str, str]]]:
    """Headings with an id each, and (id, text) of the parts: the first-level headings after the first."""
    parts: list[tuple[str, str]] = []

    def name(match: re.Match[str]) -> str:
        anchor = re.sub(r"[^a-z0-9]+", "-", match[2].lower()).strip("-")
        if match[1] == "1":
            parts.append((anchor, match[2]))
        return f'<h{match[1]} id="{anchor}">{match[2]}</h{match[1]}>'

    return HEADING.sub(name, body), parts[1:]


def _data_url(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
