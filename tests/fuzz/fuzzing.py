"""What all properties share: how many examples, what an outcome may be, and damage to bytes.

`make test` runs few examples, always the same; `make fuzz` as many as FUZZ_EXAMPLES says, drawn from a seed.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from multilabel.core.errors import LONGEST, UserError

T = TypeVar("T")
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
FEW = 15  # examples of a property where nobody asks for more
PATIENCE = 120  # seconds after which one example hangs, on a machine that may be busy
MARKS = list(",;|\t \"'\n\r[](){}:\\/.-#\0\ufeff\x85\u2028\ud83d\ude00")

settings.register_profile("few", max_examples=FEW, derandomize=True, deadline=None, database=None,
                          suppress_health_check=list(HealthCheck))  # fmt: skip
settings.register_profile("many", max_examples=EXAMPLES or 1, deadline=None, database=None, print_blob=True,
                          suppress_health_check=list(HealthCheck))  # fmt: skip
settings.load_profile("many" if EXAMPLES else "few")

letters = st.sampled_from("ab1é")
marks = st.sampled_from([mark for mark in MARKS if not 0xD800 <= ord(mark) < 0xE000])
texts = st.text(letters | marks | st.characters(exclude_categories=["Cs"]), max_size=40)
lines = st.text(letters | st.sampled_from(list(",;|\t \"'[]")), max_size=30)
names = st.text(letters, min_size=1, max_size=4)


class Hangs(BaseException):
    """An example takes longer than anything should; no handler of errors may swallow it."""


@contextmanager
def within_patience() -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise Hangs(f"more than {PATIENCE} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def outcome(call: Callable[[], T]) -> T | UserError:
    """What the call gives, or how it refuses: by lines that a person can read. Nothing else may be raised."""
    with within_patience():
        try:
            return call()
        except UserError as error:
            assert_readable(error)
            return error


def assert_readable(error: UserError) -> None:
    said = str(error).split("\n")
    assert len(said) == len(error.args) > 0
    for line in said:
        assert 0 < len(line) <= LONGEST
        assert line.isprintable()


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """`content` with one to four places cut off, taken out, doubled, or with other bytes over or between them."""
    for _ in range(draw(st.integers(1, 4))):
        first = draw(st.integers(0, len(content)))
        last = min(len(content), first + draw(st.sampled_from([1, 2, 4, 16, 512])))
        how, new = draw(st.sampled_from(["cut", "take", "double", "over", "between"])), draw(st.binary(max_size=16))
        if how == "cut":
            content = content[:first]
        elif how == "take":
            content = content[:first] + content[last:]
        elif how == "double":
            content = content[:last] + content[first:]
        elif how == "over":
            content = content[:first] + new + content[first + len(new) :]
        else:
            content = content[:first] + new + content[first:]
    return content


everything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.just("a" * 5000) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | texts | st.none() | st.integers(), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip  # what YAML can say
of_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
