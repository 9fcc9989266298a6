from multilabel.data.duplicates import extra, groups, text_keys


def test_groups_join_whatever_shares_an_image_or_a_text() -> None:
    images, texts = ["p", "q", "q", "r", "", ""], text_keys(["A cat.", "a  CAT", "x", "y", "!", "?"])
    assert texts == ["a cat", "a cat", "x", "y", "", ""]
    found = groups(images, texts)
    assert found[0] == found[1] == found[2]
    assert len(set(found)) == 4
    assert extra(images) == 1


def test_words_of_any_script_are_told_apart() -> None:
    assert extra(text_keys(["दिन", "दान", "दीन"])) == 0  # day, gift, poor
    assert extra(text_keys(["Gro\u0308\u00dfe!", "gr\u00f6\u00dfe"])) == 1


def test_empty_keys_join_nothing() -> None:
    assert len(set(groups(["", "", ""], text_keys(["", " ", "?!"])))) == 3
    assert extra(["", "", ""]) == 0
    assert len(groups([], [])) == 0
