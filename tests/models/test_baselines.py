"""Baselines on texts and labels as they come."""

from pathlib import Path

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
    with pytest.raises(UserError, match=r"tfidf_logreg\.ngram_range: from 2 to 1 is no range; swap them"):
        TfidfLogreg(ngram_range=(2, 1))


def test_characters_tell_labels_apart_where_words_have_no_spaces(tmp_path: Path) -> None:
    topics = "\u97f3\u4e50", "\u8db3\u7403"
    texts = [f"\u6211\u4eec\u4eca\u5929{topics[number % 2]}\u5f88\u597d{number}" for number in range(40)]
    truth = np.array([[number % 2, 1 - number % 2] for number in range(40)], np.uint8)
    model = TfidfLogreg(analyzer="char_wb", ngram_range=(1, 3))
    model.fit(texts[:20], truth[:20], LABELS)
    found = model.probabilities(texts[20:])
    np.testing.assert_array_equal(found > 0.5, truth[20:] == 1)
    model.save(tmp_path)
    again = TfidfLogreg(analyzer="char_wb", ngram_range=(1, 3))
    again.load(tmp_path)
    np.testing.assert_array_equal(again.probabilities(texts[20:]), found)
