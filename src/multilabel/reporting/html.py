"""Markdown -> one HTML page that needs nothing beside itself, runs nothing and loads nothing."""

import base64
import re
from collections.abc import Sequence, Set
from pathlib import Path
from urllib.parse import unquote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup

from multilabel.reporting.markdown import Markdown, heading_id
from multilabel.reporting.parts import TEMPLATES

UNWANTED = ["autolink", "reference", "html_inline", "html_block"]
SUMMARY = re.compile(r"<summary>(.*)</summary>")


class PageRenderer(RendererHTML):
    """Tables that narrow screens can show; only such images as lie below the folder of the page; links within it alone."""

    def __init__(self, folder: Path, anchors: Set[str]) -> None:
        super().__init__()
        self.folder = folder.resolve()
        self.anchors = anchors

    def image(self, tokens: Sequence[Token], place: int, options: OptionsDict, env: EnvType) -> str:
        """The image inside the page; any other address as text."""
        token = tokens[place]
        caption = self.renderInlineAsText(token.children or [], options, env)
        source = unquote(str(token.attrs["src"]))
        path = self._below(source)
        if path is None:
            return escapeHtml(f"{caption} ({source})")
        return f'<img src="{_data_url(path)}" alt="{escapeHtml(caption)}">'

    def link_open(self, tokens: Sequence[Token], place: int, options: OptionsDict, env: EnvType) -> str:
        """A link to a heading of the page; a page that opens offline leads nowhere else."""
        anchor = _anchor_of(tokens[place])
        return f'<a href="#{escapeHtml(anchor)}">' if anchor in self.anchors else ""

    def link_close(self, tokens: Sequence[Token], place: int, options: OptionsDict, env: EnvType) -> str:
        """Its end; an address elsewhere as text, which for a file beside the page says nothing."""
        opened = next(token for token in reversed(tokens[:place]) if token.type == "link_open")
        if _anchor_of(opened) in self.anchors:
            return "</a>"
        address = unquote(str(opened.attrs["href"]))
        return escapeHtml(f" ({address})") if ":" in address else ""

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
    parser.block.ruler.before("paragraph", "fold", _fold, {"alt": ["paragraph"]})
    tokens = parser.parse(markdown)
    _name_cells(tokens)
    contents, anchors = _anchor(tokens)
    body = PageRenderer(folder, anchors).render(tokens, parser.options, {})
    environment = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, autoescape=True)
    page = environment.get_template("page.html.j2")
    return page.render(title=title, body=Markup(body), contents=contents)  # noqa: S704 (made by the renderer above)


def _fold(state: StateBlock, line: int, _last: int, silent: bool) -> bool:
    """The three lines that fold a part away, as a template writes them; other HTML, and text that looks so, is escaped."""
    text = state.getLines(line, line + 1, 0, False).rstrip()
    summary = SUMMARY.fullmatch(text)
    if not summary and text not in ("<details>", "</details>"):
        return False
    if silent:
        return True
    if summary:
        state.push("summary_open", "summary", 1)
        inline = state.push("inline", "", 0)
        inline.content, inline.map, inline.children = summary[1], [line, line + 1], []
        state.push("summary_close", "summary", -1)
    elif text == "<details>":
        state.push("details_open", "details", 1)
    else:
        state.push("details_close", "details", -1)
    state.line = line + 1
    return True


def _anchor_of(link: Token) -> str:
    """The heading that a link leads to, on this page or on one that stands in it."""
    page, _, anchor = str(link.attrs["href"]).partition("#")
    return unquote(anchor) if re.fullmatch(r"([\w-]+\.md)?", page) else ""


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


def _anchor(tokens: Sequence[Token]) -> tuple[list[tuple[str, str]], set[str]]:
    """Gives each heading an id of its own; returns (id, text) of the page's parts, and all ids.

    Parts are the headings of the first level after the title, or of the second where the page has one title.
    """
    taken: dict[str, int] = {}
    found: list[tuple[str, str, str]] = []
    for token, inline in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "heading_open":
            text = _text(inline)
            name = heading_id(text)
            taken[name] = taken.get(name, 0) + 1
            anchor = name if taken[name] == 1 else f"{name}-{taken[name]}"
            token.attrSet("id", anchor)
            found.append((token.tag, anchor, text))
    titles = [(anchor, text) for tag, anchor, text in found if tag == "h1"][1:]
    parts = titles or [(anchor, text) for tag, anchor, text in found if tag == "h2"]
    return parts, {anchor for _, anchor, _ in found}


def _text(inline: Token | None) -> str:
    """What a heading or a cell says, without marks."""
    return "".join(child.content for child in (inline.children or [] if inline else []))


def _data_url(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
