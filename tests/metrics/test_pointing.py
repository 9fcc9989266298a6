"""The pointing game against counting by hand, pixel by pixel."""

import numpy as np
import pytest

from multilabel.metrics.pointing import inside, peaks, pointing_game


def by_hand(maps: np.ndarray, boxes: np.ndarray) -> int:
    """Hits, by a search for the largest value of each map."""
    hits = 0
    for values, (left, top, width, height) in zip(maps, boxes, strict=True):
        best, found = 0.0, None
        for row in range(values.shape[0]):
            for column in range(values.shape[1]):
                if values[row, column] > best:
                    best, found = values[row, column], ((column + 0.5) / values.shape[1], (row + 0.5) / values.shape[0])
        hits += found is not None and left <= found[0] <= left + width and top <= found[1] <= top + height
    return hits


@pytest.mark.parametrize("shape", [(7, 11), (1, 5), (40, 40)])
def test_hits_are_those_of_a_search(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    maps = random.permutation(200 * shape[0] * shape[1]).reshape(200, *shape).astype(np.float32)  # no two alike
    maps[::50] = 0
    corners = random.random((200, 2)) * 0.6
    boxes = np.hstack([corners, random.random((200, 2)) * (1 - corners)])
    found = pointing_game(peaks(maps), boxes)
    assert found["records"] == 200
    assert 20 < found["hits"] == by_hand(maps, boxes)
    assert found["pointing"] == found["hits"] / 200
    assert found["pointing_ci_low"] < found["pointing"] < found["pointing_ci_high"]


def test_places_that_share_the_largest_value_are_pointed_at_in_their_middle() -> None:
    maps = np.zeros((3, 4, 8))
    maps[0, :2, 6:] = 1  # a corner
    maps[1, 1, [0, 7]] = 1
    found = peaks(maps)
    np.testing.assert_allclose(found[:2], [[7 / 8, 1 / 4], [1 / 2, 3 / 8]])
    assert np.isnan(found[2]).all()  # zeros point nowhere


def test_the_edges_of_a_box_belong_to_it_and_nothing_beyond() -> None:
    box = np.array([[0.25, 0.5, 0.25, 0.25]])
    points = {(0.25, 0.5): True, (0.5, 0.75): True, (0.2499, 0.6): False, (0.5001, 0.6): False, (0.3, 0.7501): False}
    for point, hit in points.items():
        assert inside(np.array([point]), box) == [hit]
    assert inside(np.array([[np.nan, np.nan]]), box) == [False]


def test_the_centre_is_what_chance_is_held_against() -> None:
    boxes = np.array([[0.4, 0.4, 0.2, 0.2], [0, 0, 0.3, 0.3], [0.6, 0.6, 0.4, 0.4], [0, 0, 1, 1]])
    points = np.array([[0.5, 0.5], [0.1, 0.1], [0.1, 0.1], [0.9, 0.9]])
    found = pointing_game(points, boxes)
    assert (found["hits"], found["pointing_centre"]) == (3, 0.5)
    assert (found["records_off_centre"], found["pointing_off_centre"]) == (2, 0.5)


def test_over_no_record_there_is_no_score() -> None:
    found = pointing_game(np.empty((0, 2)), np.empty((0, 4)))
    assert (found.pop("records"), found.pop("hits"), found.pop("records_off_centre")) == (0, 0, 0)
    assert set(found.values()) == {None}
