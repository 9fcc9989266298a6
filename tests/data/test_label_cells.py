import pytest

from multilabel.data.label_cells import like_a_list, parse_list


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("['A', 'B c']", ["A", "B c"]),
        ('["A", "B, c"]', ["A", "B, c"]),
        ("['A' 'B']", ["A", "B"]),  # NumPy
        ("[1, 2]", ["1", "2"]),
        ("[1 2]", ["1", "2"]),
        ("[young adult, fiction]", ["young adult", "fiction"]),
        ("{A,B}", ["A", "B"]),  # PostgreSQL
        ("('A',)", ["A"]),
        ("{'b', 'a'}", ["b", "a"]),
        ("{'A, or B': 12, 'C': 3}", ["A, or B", "C"]),
        ("[{'id': 1, 'name': 'A'}, {'id': 2, 'name': 'B'}]", ["A", "B"]),
        ("['A', None, nan]", ["A"]),
        ("[]", []),
        (
            r"""["it's", 'say \"so\"', "caf\u00e9", "\ud83d\ude00", 'a\\b']""",
            ["it's", 'say "so"', "café", "😀", "a\\b"],
        ),
        (r"""['\U0001bc89', "\b\f", '\x0c', '\U00110000']""", ["\U0001bc89", "\b\f", "\f", "U00110000"]),
    ],
)
def test_lists_as_programs_print_them(cell: str, names: list[str]) -> None:
    assert like_a_list(cell)
    assert parse_list(cell) == names


@pytest.mark.parametrize(
    "cell", ["['A'", "['A')", "['A'] 'B'", "[['A']]", "['A', ['B']]", "[A': 1]", "['A' + 'B']", "[,]"]
)
def test_what_is_no_list_is_not_guessed(cell: str) -> None:
    assert parse_list(cell) is None


def test_names_without_quotes_may_be_refused() -> None:
    assert parse_list("['A', 1984]", bare=False) is None
    assert parse_list("['A', '1984', None]", bare=False) == ["A", "1984"]


@pytest.mark.parametrize(
    "cell",
    [
        "[" * 15_000,
        "[-" * 9000 + "1]",
        "['a'," * 4000,
        "['" + "\\" * 19_000,
        "(" * 9000 + ")" * 9000,
        "['a']" + " " * 20_000,
    ],
)
def test_hostile_cells_are_refused_in_bounded_time_and_memory(cell: str) -> None:
    assert parse_list(cell) is None


@pytest.mark.parametrize("cell", ["red blue", "red [draft]", "(500) days of summer, drama", "'s-Hertogenbosch"])
def test_names_that_only_begin_oddly_are_no_lists(cell: str) -> None:
    assert not like_a_list(cell)
