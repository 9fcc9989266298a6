"""Streams are gathered into lists of bounded length and size, without loss and without reading ahead."""

from collections.abc import Iterator

import pytest

from multilabel.core.streams import gathered


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([1], [[1]]),
        ([1, 1, 1, 1], [[1, 1, 1], [1]]),
        ([9, 1, 10, 25, 1], [[9, 1], [10], [25], [1]]),
        ([0, 0, 0], [[0, 0, 0]]),
    ],
)
def test_lists_are_as_long_and_as_large_as_is_said(sizes: list[int], expected: list[list[int]]) -> None:
    assert list(gathered(sizes, lambda size: size, most=3, most_bytes=10)) == expected


def test_nothing_is_read_before_it_is_asked_for() -> None:
    read = []

    def items() -> Iterator[int]:
        for number in range(9):
            read.append(number)
            yield number

    assert next(gathered(items(), lambda _: 1, most=2, most_bytes=100)) == [0, 1]
    assert read == [0, 1]
