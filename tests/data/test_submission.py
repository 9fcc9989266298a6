from pathlib import Path

import pytest
from in_memory import files, read

from multilabel.core.errors import UserError
from multilabel.data.labels import Labels
from multilabel.data.readers import Table
from multilabel.data.submission import SubmissionForm, check_submission, write_submission

COMPETITION = SubmissionForm()
LABELS = Labels(["1", "2", "19"], ["person", "bicycle", "horse"])


def test_the_file_is_what_the_competition_wants(tmp_path: Path) -> None:
    write_submission(tmp_path / "s.csv", ["30000.jpg", "7.jpg"], [["1", "19"], ["2"]], LABELS, COMPETITION)
    assert (tmp_path / "s.csv").read_bytes() == b"ImageID,Labels\n30000.jpg,1 19\n7.jpg,2\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Id,Labels\na,1\nb,1\n", "the header is Id,Labels, expected ImageID,Labels"),
        ("ImageID,Labels\na,1\n", "1 rows, expected one for each of 2 unlabelled records"),
        ("ImageID,Labels\nb,1\na,1\n", "line 2: ImageID is 'b', expected 'a', as in the source"),
        ("ImageID,Labels\na,1\nb,\n", "line 3: Labels are '', expected at least one of 1 2 19"),
        ("ImageID,Labels\na,1 1\nb,1\n", "line 2: Labels are '1 1', expected at least one of 1 2 19"),
        ("ImageID,Labels\na,1\nb,12\n", "line 3: Labels are '12', expected at least one of 1 2 19"),
    ],
)
def test_what_is_wrong_with_a_submission_is_said(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "s.csv").write_text(content)
    with pytest.raises(UserError) as error:
        check_submission(tmp_path / "s.csv", ["a", "b"], LABELS, Path("s.csv"), COMPETITION)
    assert message in str(error.value)


def test_a_wrong_submission_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"s.csv line 2: Labels are '', .*let the model's `decoding:` keep its fallback"
    ):
        write_submission(tmp_path / "s.csv", ["a"], [[]], LABELS, COMPETITION)
    assert list(tmp_path.iterdir()) == []


def test_a_message_names_a_few_of_many_labels(tmp_path: Path) -> None:
    labels = Labels([str(i) for i in range(1700)], [f"label {i}" for i in range(1700)])
    with pytest.raises(UserError, match="18 19 and 1680 others") as error:
        write_submission(tmp_path / "s.csv", ["a"], [["x" * 5000]], labels, COMPETITION)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    ("separator", "delimiter", "content"),
    [
        (";", None, b"sku,tags\n1,traffic light;car\n2,bench\n"),
        (";", ";", b'sku;tags\n1;"traffic light;car"\n2;bench\n'),
        (", ", "\t", b"sku\ttags\n1\ttraffic light, car\n2\tbench\n"),
        (" ", None, b'sku,tags\n1,"[""traffic light"", ""car""]"\n2,bench\n'),
    ],
)
def test_a_table_is_answered_in_its_own_words(
    tmp_path: Path, separator: str, delimiter: str | None, content: bytes
) -> None:
    table = Table(columns={"id": "sku", "labels": "tags"}, label_separator=separator, delimiter=delimiter)
    labels = Labels(["bench", "car", "traffic light"], ["bench", "car", "traffic light"])
    write_submission(tmp_path / "s.csv", ["1", "2"], [["traffic light", "car"], ["bench"]], labels, table.submission)
    assert (tmp_path / "s.csv").read_bytes() == content
    records, findings = read(table, files(s__csv=content.decode()))
    assert [record.labels for record in records] == [["traffic light", "car"], ["bench"]]
    assert findings == []


@pytest.mark.parametrize("label", ["[red]", "nan", "a;b", "['"])
def test_a_label_that_cannot_stand_by_itself_is_written_as_a_list(label: str) -> None:
    form = SubmissionForm(separator=";")
    assert form.cell([label]).startswith("[")
    assert form.split(form.cell([label])) == [label]
