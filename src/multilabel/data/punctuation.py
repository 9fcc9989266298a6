"""Texts without punctuation, in any script: vowel signs and accents that stand behind a letter belong to it."""

import re
import unicodedata
from itertools import takewhile

BETWEEN_WORDS = re.compile(r"[^\w\s]+|_")


def spaced(text: str) -> str:
    """Every mark that is part of no word as a space: `red-and-white bus.` -> `red and white bus `."""
    return BETWEEN_WORDS.sub(_spaces, text)


def _spaces(found: re.Match[str]) -> str:
    """Python takes the combining marks of Devanagari, Thai or decomposed Latin for no part of a word (its `\\w`)."""
    before = found.string[: found.start()][-1:]
    marks = "".join(takewhile(_combines, found[0])) if before.isalnum() else ""
    return marks + " " * (len(found[0]) - len(marks))


def _combines(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Mc")
