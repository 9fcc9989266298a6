from pathlib import Path

import pytest

from multilabel.core.errors import UserError
from multilabel.data.labels import Labels
from multilabel.data.submission import check_submission, write_submission

LABELS = Labels(["1", "2", "19"], ["person", "bicycle", "horse"])


def test_the_file_is_what_the_competition_wants(tmp_path: Path) -> None:
    write_submission(tmp_path / "s.csv", ["30000.jpg", "7.jpg"], [["1", "19"], ["2"]], LABELS)
    assert (tmp_path / "s.csv").read_bytes() == b"ImageID,Labels\n30000.jpg,1 19\n7.jpg,2\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Id,Labels\na,1\nb,1\n", "the header is Id,Labels, expected ImageID,Labels"),
        ("ImageID,Labels\na,1\n", "1 rows, expected one for each of 2 unlabelled records"),
        ("ImageID,Labels\nb,1\na,1\n", "line 2: ImageID is 'b', expected 'a', as in the test table"),
        ("ImageID,Labels\na,1\nb,\n", "line 3: Labels are '', expected at least one of 1 2 19"),
        ("ImageID,Labels\na,1 1\nb,1\n", "line 2: Labels are '1 1', expected at least one of 1 2 19"),
        ("ImageID,Labels\na,1\nb,12\n", "line 3: Labels are '12', expected at least one of 1 2 19"),
    ],
)
def test_what_is_wrong_with_a_submission_is_said(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "s.csv").write_text(content)
    with pytest.raises(UserError) as error:
        check_submission(tmp_path / "s.csv", ["a", "b"], LABELS, Path("s.csv"))
    assert message in str(error.value)


def test_a_wrong_submission_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"s.csv line 2: Labels are '', .*let the model's `decoding:` keep its fallback"
    ):
        write_submission(tmp_path / "s.csv", ["a"], [[]], LABELS)
    assert list(tmp_path.iterdir()) == []


def test_a_message_names_a_few_of_many_labels(tmp_path: Path) -> None:
    labels = Labels([str(i) for i in range(1700)], [f"label {i}" for i in range(1700)])
    with pytest.raises(UserError, match="18 19 and 1680 others") as error:
        write_submission(tmp_path / "s.csv", ["a"], [["x" * 5000]], labels)
    assert len(str(error.value)) < 400
