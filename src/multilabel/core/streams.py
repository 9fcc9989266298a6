"""A stream as lists that fit into memory."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def gathered(items: Iterable[T], size: Callable[[T], int], most: int, most_bytes: int) -> Iterator[list[T]]:
    """All items in order; a list ends with the item that makes it `most` long, or `most_bytes` large by `size`."""
    chunk: list[T] = []
    held = 0
    for item in items:
        chunk.append(item)
        held += size(item)
        if len(chunk) == most or held >= most_bytes:
            yield chunk
            chunk, held = [], 0
    if chunk:
        yield chunk
