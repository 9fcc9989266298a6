"""Baselines on texts and labels as they come."""

import numpy as np
import pytest

from multilabel.core.errors import UserError
from multilabel.data.labels import Labels
from multilabel.models.baselines import KeywordRule, TfidfLogreg

LABELS = Labels(["1", "2"], ["one", "two"])


def targets(number: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 2, (number, 2)).astype(np.uint8)


@pytest.mark.parametrize("name", ["C++", "c#", ".net", "#hashtag", "cat (17)", "traffic light", "[x]"])
@pytest.mark.parametrize("text", ["{}", "a {} here", "({}), and", "two {}s!"])
def test_a_label_is_found_whatever_it_begins_and_ends_with(name: str, text: str) -> None:
    rule = KeywordRule()
    rule.fit(["x"], np.ones((1, 1), np.uint8), Labels(["1"], [name]))
    (found,) = rule.probabilities([text.format(name.upper())])
    assert found == 1
    assert rule.probabilities([f"x{name}", f"{name}x"]).max() < 0.5  # part of another word


@pytest.mark.parametrize(
    ("texts", "options"),
    [
        (["alpha", "beta", "gamma"], {}),  # nothing stands in two of them
        (["", "", ""], {"min_df": 1}),
        (["猫", "犬", "鳥"], {"min_df": 1}),  # words of one letter are none
        (["alpha beta"] * 3, {"min_df": 4}),
    ],
)
def test_texts_without_phrases_to_learn_from_are_one_line(texts: list[str], options: dict[str, int]) -> None:
    count = options.get("min_df", 2)
    expected = f"tfidf_logreg: no phrase stands in min_df: {count} of the 3 training texts; lower it, or take a network"
    with pytest.raises(UserError, match=expected):
        TfidfLogreg(**options).fit(texts, targets(3), LABELS)


def test_a_range_that_runs_backwards_is_one_line() -> None:
    with pytest.raises(UserError, match=r"tfidf_logreg\.ngram_range: from 2 to 1 words is no range; swap them"):
        TfidfLogreg(ngram_range=(2, 1))
