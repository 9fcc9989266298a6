"""Text cleaning, step by step: what a `clean:` list can name."""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache

from multilabel.core.registry import Registry
from multilabel.data.punctuation import spaced

WORD = re.compile(r"\w+(?:['\u2019]\w+)*")  # with an apostrophe of either kind inside


def last_line(text: str) -> str:
    """Of a book, whose title, author and description stand on lines of their own, the description."""
    return text.rpartition("\n")[2]


def lower_case(text: str) -> str:
    """`A Cat` -> `a cat`."""
    return text.lower()


def punctuation(text: str) -> str:
    """Marks become spaces: `red-and-white bus.` -> `red and white bus `."""
    return spaced(text)


def stop_words(text: str) -> str:
    """Without the 318 words that scikit-learn lists as saying little in English."""
    return WORD.sub(lambda found: "" if found[0].lower() in _stop_words() else found[0], text)


def lemmas(text: str) -> str:
    """English words in the form that a dictionary lists: `two dogs running` -> `two dog run`."""
    return WORD.sub(lambda found: _lemma(found[0]), text)


CLEANINGS: Registry[Callable[[str], str]] = Registry(
    {
        "last_line": last_line,
        "lower_case": lower_case,
        "punctuation": punctuation,
        "stop_words": stop_words,
        "lemmas": lemmas,
    }
)


def clean(texts: Iterable[str], steps: Sequence[str]) -> list[str]:
    """Every text through the named steps, in the order given."""
    cleaned = list(texts)
    for step in steps:
        cleaned = [CLEANINGS[step](text) for text in cleaned]
    return cleaned


def emptied(texts: Sequence[str], steps: Sequence[str]) -> int:
    """How many texts have words before cleaning and none after it; such a text is read as one unknown word."""
    kept = clean(texts, steps)
    return sum(bool(WORD.search(before)) and not WORD.search(after) for before, after in zip(texts, kept, strict=True))


@cache
def _stop_words() -> frozenset[str]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS  # 1 s that other steps need not wait for

    return ENGLISH_STOP_WORDS


@cache
def _lemma(word: str) -> str:
    from simplemma import lemmatize

    return lemmatize(word, lang="en")
