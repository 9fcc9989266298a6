"""What is said of measured rates."""

import pytest

from bench.rounds import in_words, interleaved, spread, summary


def test_ratios_are_taken_within_a_round() -> None:
    found = summary({"ours": [100.0, 200.0, 90.0], "bare": [200.0, 400.0, 100.0]})
    assert found["ours_to"]["bare"] == {"median": 0.5, "least": 0.5, "greatest": 0.9, "rounds": 3}
    assert found["per_second"]["ours"]["median"] == 100.0
    assert in_words(found) == "ours 100/s, bare 200/s; ours is 0.500 (0.500 to 0.900) of bare"


def test_the_first_round_does_not_count_and_contenders_take_turns() -> None:
    order: list[str] = []
    names = ("a", "b")
    rates = interleaved({name: lambda name=name: order.append(name) or float(len(order)) for name in names}, 2)  # type: ignore[misc]
    assert order == ["a", "b"] * 3
    assert rates == {"a": [3.0, 5.0], "b": [4.0, 6.0]}


def test_a_contender_that_counts_differently_is_an_error() -> None:
    with pytest.raises(ValueError, match="zip"):
        summary({"ours": [1.0, 2.0], "bare": [1.0]})
    assert spread([2.0])["median"] == 2.0
