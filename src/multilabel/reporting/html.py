"""Markdown -> one HTML page that needs nothing beside itself, runs nothing and loads nothing."""

import base64
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup

from multilabel.reporting.markdown import TEMPLATES, Markdown

UNWANTED = ["link", "autolink", "reference", "html_inline", "html_block"]  # a page that opens offline leads nowhere


class PageRenderer(RendererHTML):
    """Tables that narrow screens can show, and only such images as lie below the folder of the page."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder.resolve()

    def image(self, tokens: Sequence[Token], place: int, options: OptionsDict, env: EnvType) -> str:
        """The image inside the page; any other address as text."""
        token = tokens[place]
        caption = self.renderInlineAsText(token.children or [], options, env)
        source = unquote(str(token.attrs["src"]))
        path = self._below(source)
        if path is None:
            return escapeHtml(f"{caption} ({source})")
        return f'<img src="{_data_url(path)}" alt="{escapeHtml(caption)}">'

    def table_open(self, tokens: Sequence[Token], place: int, options: OptionsDict, env: EnvType) -> str:
        """A frame that scrolls when the table is wider than the page."""
        return '<div class="table">' + self.renderToken(tokens, place, options, env)

    def table_close(self, tokens: Sequence[Token], place: int, options: OptionsDict, env: EnvType) -> str:
        """Its end."""
        return self.renderToken(tokens, place, options, env) + "</div>"

    def _below(self, source: str) -> Path | None:
        try:
            path = (self.folder / source).resolve()
            inside = path.is_relative_to(self.folder) and path.suffix == ".png" and path.is_file()
        except (OSError, ValueError):  # a name too long, or with a character that no file has
            return None
        return path if inside else None


def self_contained_html(markdown: Markdown, title: str, folder: Path) -> str:
    """Markdown as a page; images that it names relative to `folder` are put inside."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable(UNWANTED)
    tokens = parser.parse(markdown)
    _name_cells(tokens)
    contents = _anchor(tokens)
    body = PageRenderer(folder).render(tokens, parser.options, {})
    environment = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, autoescape=True)
    page = environment.get_template("page.html.j2")
    return page.render(title=title, body=Markup(body), contents=contents)  # noqa: S704 (made by the renderer above)


def _name_cells(tokens: Sequence[Token]) -> None:
    """Gives each cell the head of its column, which narrow screens show beside it."""
    heads: list[str] = []
    column = 0
    for token, inline in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "table_open":
            heads = []
        elif token.type == "tr_open":
            column = 0
        elif token.type == "th_open":
            heads.append(_text(inline))
        elif token.type == "td_open":
            token.attrSet("data-head", heads[column])
            column += 1


def _anchor(tokens: Sequence[Token]) -> list[tuple[str, str]]:
    """Gives each heading an id of its own; returns (id, text) of the page's parts.

    Parts are the headings of the first level after the title, or of the second where the page has one title.
    """
    taken: dict[str, int] = {}
    found: list[tuple[str, str, str]] = []
    for token, inline in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "heading_open":
            text = _text(inline)
            name = re.sub(r"\W+", "-", text.lower()).strip("-") or "part"
            taken[name] = taken.get(name, 0) + 1
            anchor = name if taken[name] == 1 else f"{name}-{taken[name]}"
            token.attrSet("id", anchor)
            found.append((token.tag, anchor, text))
    titles = [(anchor, text) for tag, anchor, text in found if tag == "h1"][1:]
    return titles or [(anchor, text) for tag, anchor, text in found if tag == "h2"]


def _text(inline: Token | None) -> str:
    """What a heading or a cell says, without marks."""
    return "".join(child.content for child in (inline.children or [] if inline else []))


def _data_url(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
