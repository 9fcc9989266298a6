"""Cells that hold labels: whatever stands there, and what programs write."""

import json

from fuzzing import lines, outcome, texts
from hypothesis import given
from hypothesis import strategies as st

from multilabel.data.label_cells import like_a_list, parse_list
from multilabel.data.readers.goodreads import parse_genres
from multilabel.data.submission import SubmissionForm

separators = st.sampled_from([" ", ",", ";", "|", "/", ", ", "[", '"']) | st.text(min_size=1, max_size=2)


@given(texts | lines | st.text(st.sampled_from(list("[](){},:'\"ab \\u")), max_size=60), st.booleans())
def test_any_cell_is_names_or_none(cell: str, bare: bool) -> None:
    found = outcome(lambda: parse_list(cell, bare))
    assert found is None or all(isinstance(name, str) for name in found)
    genres = outcome(lambda: parse_genres(cell))
    assert genres is None or len(set(genres)) == len(genres)


@given(st.lists(texts, min_size=1, max_size=5), st.sampled_from([repr, json.dumps, lambda names: json.dumps(names, ensure_ascii=False)]))  # fmt: skip
def test_a_list_as_python_and_json_write_it_is_read_back(names: list[str], write: object) -> None:
    cell = write(names)  # type: ignore[operator]
    assert like_a_list(cell)
    assert parse_list(cell, bare=False) == names


@given(texts | lines, separators)
def test_what_was_read_is_written_so_that_it_is_read_again(cell: str, separator: str) -> None:
    form = SubmissionForm(separator=separator)
    labels = outcome(lambda: form.split(cell))
    assert labels is None or form.split(form.cell(labels)) == labels


@given(st.text(st.sampled_from(list("[(\"'\\,")), max_size=20), st.integers(1, 20_000))
def test_a_long_cell_takes_no_time(piece: str, times: int) -> None:
    outcome(lambda: parse_list((piece * times)[:20_000]))
