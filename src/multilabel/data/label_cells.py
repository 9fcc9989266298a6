"""Cells that hold several names: lists as Python, NumPy and JSON print them, and the ways to write that there is none."""

import re
from collections.abc import Sequence

MISSING = {"", "nan", "NaN", "NAN", "None", "null", "NULL", "Null", "<NA>"}
BETWEEN = (", ", "; ", " | ")  # names in a message
MAX_LIST = 20_000  # characters; hundreds of names
TOKEN = re.compile(
    r"""\s*(?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'|(?P<mark>[\[\](){},:])"""
    r"""|(?P<bare>[^\s\[\](){},:'"][^\[\](){},:'"]*))\s*""",
    re.S,
)
# The grammar over tokens, one letter each: s a quoted name, b one without quotes. NumPy writes no commas.
NAMES = "(?:(?:s+|b)(?:,(?:s+|b))*,?)?"
DICT = "{s:[sb](?:,s:[sb])*,?}"
LIST = re.compile(rf"\[{NAMES}\]|\({NAMES}\)|{{{NAMES}}}")
COUNTS = re.compile(DICT)
DICTS = re.compile(rf"\[{DICT}(?:,{DICT})*,?\]")
LIKE_A_LIST = re.compile(r"""[\[({]\s*['"].*|\[.*\]|\{.*\}""", re.S)
ESCAPE = re.compile(r"\\(?:U(00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4})|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.S)
CONTROL = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


def joined(names: Sequence[str]) -> str:
    """Names for a message, with something between them that none of them holds."""
    return mark_between(names).join(names)


def mark_between(names: Sequence[str]) -> str:
    """What tells names apart in a list: the first mark that none of them holds, if there is such a one."""
    return next((mark for mark in BETWEEN if not any(mark.strip() in name for name in names)), BETWEEN[-1])


def like_a_list(cell: str) -> bool:
    """Whether a cell is meant as what `parse_list` reads, be it well-formed or not."""
    return LIKE_A_LIST.fullmatch(cell) is not None


def parse_list(cell: str, bare: bool = True) -> list[str] | None:
    """The names in a printed list, tuple or set, the keys of a dict, or the `name` of each dict in a list.

    None if the cell is nothing of that, or has names without quotes and `bare` is false. Nothing is evaluated: time and
    memory grow with the length alone, and that has a limit.
    """
    tokens = _tokens(cell) if len(cell) <= MAX_LIST else None
    if tokens is None:
        return None
    letters = "".join(text if kind == "mark" else "b" if kind == "bare" else "s" for kind, text in tokens)
    if LIST.fullmatch(letters):
        chosen = [token for token in tokens if token[0] != "mark"]
    elif COUNTS.fullmatch(letters):
        chosen = [token for token, mark in zip(tokens, letters[1:], strict=False) if mark == ":"]
    elif DICTS.fullmatch(letters):
        keys = zip(tokens, letters[1:], tokens[2:], strict=False)
        chosen = [value for (_, key), mark, value in keys if mark == ":" and key == "name"]
    else:
        return None
    present = [(kind, text) for kind, text in chosen if not (kind == "bare" and text in MISSING)]
    if not bare and any(kind == "bare" for kind, _ in present):
        return None
    return [name for kind, text in present for name in (_bare_names(text) if kind == "bare" else [_unescape(text)])]


def _tokens(cell: str) -> list[tuple[str, str]] | None:
    tokens, at = [], 0
    while at < len(cell):
        token = TOKEN.match(cell, at)
        if token is None:
            return None
        kind = str(token.lastgroup)
        tokens.append((kind, token[kind].strip() if kind == "bare" else token[kind]))
        at = token.end()
    return tokens


def _bare_names(text: str) -> list[str]:
    words = text.split()
    return words if all(word.isdecimal() for word in words) else [text]


def _unescape(text: str) -> str:
    def character(match: re.Match[str]) -> str:
        code = match[1] or match[2] or match[3]
        return chr(int(code, 16)) if code else CONTROL.get(match[4], match[4])

    # JSON writes what lies beyond 16 bits as two halves.
    return ESCAPE.sub(character, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
