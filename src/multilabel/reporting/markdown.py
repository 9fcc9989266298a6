"""Templates -> Markdown in which labels, captions and names are text: shown as they are, never interpreted."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from multilabel.reporting.parts import TEMPLATES

# What has a meaning wherever it stands. A bar becomes an entity: tables are split at bars before escapes are read.
ANYWHERE = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"} | {mark: f"\\{mark}" for mark in "\\`*[]~$"}
)
# What has one in some places; the last character of a match is the one to escape.
IN_PLACES = re.compile(
    r"^[-+=:#](?=[-+=:#\s]|$)"  # lists, headings, rules
    r"|^\d{1,9}[.)](?=\s|$)"  # numbered lists
    r"|(?<![^\W_])_|_(?![^\W_])"  # emphasis; between letters or digits it is part of a name
    r"|:(?=//)|\bwww\.",  # addresses, which GitHub turns into links by itself
    re.IGNORECASE,
)
TURNS_DIRECTION = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}  # of the text that follows
BLANK_LINES = re.compile(r"\n{3,}")
PLAIN = re.compile(r"[\w .,:;/@=+()#-]+", re.ASCII)


class Markdown(str):
    """Text that is Markdown already: a template takes it as it is, and escapes everything else."""


def escape(value: object) -> Markdown:
    """Any value as Markdown that shows exactly its text, in one line, inside a table and outside."""
    if isinstance(value, Markdown):
        return value
    text = one_line(str(value)).translate(ANYWHERE)
    return Markdown(IN_PLACES.sub(lambda match: f"{match[0][:-1]}\\{match[0][-1]}", text))


def one_line(text: str) -> str:
    """Without line ends, control characters, and characters that turn the direction of the text around them."""
    kept = (mark for mark in text if ord(mark) not in TURNS_DIRECTION)
    line = " ".join("".join(kept).split())
    return "".join("\ufffd" if unicodedata.category(mark) in ("Cc", "Cs") else mark for mark in line)


def shorten(text: str, most: int = 160) -> str:
    """At most about `most` characters of a text, cut between words where there are any."""
    line = one_line(text)
    if len(line) <= most:
        return line
    words = line[:most].rsplit(" ", 1)[0]
    return f"{words} ..."


def code(name: object) -> Markdown:
    """A name as a code span, or as escaped text where it holds what a code span cannot."""
    text = str(name)
    return Markdown(f"`{text}`") if PLAIN.fullmatch(text) and text == text.strip() else escape(text)


def bold(value: object) -> Markdown:
    """Any value in bold."""
    return Markdown(f"**{escape(value)}**")


def heading_id(text: str) -> str:
    """The id that GitHub gives to a heading, and our pages too; "part" for one without letters and digits."""
    return re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-").strip("-") or "part"


def image(path: str, caption: str) -> Markdown:
    """An image beside the page."""
    return Markdown(f"![{escape(caption)}]({escape(path)})")


def table(heads: Sequence[object], rows: Sequence[Sequence[object]]) -> Markdown:
    """A table whose cells are escaped."""
    lines = [heads, [Markdown("---")] * len(heads), *rows]
    return Markdown("\n".join("| " + " | ".join(map(escape, cells)) + " |" for cells in lines))


def render(template: str, **values: Any) -> Markdown:
    """A Markdown template of this package, filled in; a missing value is an error."""
    environment = Environment(  # noqa: S701 (escapes for Markdown, by `finalize`)
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        finalize=escape,
        keep_trailing_newline=True,
    )
    environment.filters |= {"code": code, "bold": bold, "shorten": shorten}
    text = environment.get_template(template).render(**values)
    return Markdown(BLANK_LINES.sub("\n\n", text).strip() + "\n")
