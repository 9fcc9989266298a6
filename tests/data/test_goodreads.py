import pytest
from in_memory import files, read

from multilabel.core.errors import UserError
from multilabel.data.readers import Goodreads
from multilabel.data.readers.goodreads import parse_genres


@pytest.mark.parametrize(
    ("cell", "genres"),
    [
        ("['Fiction', 'Young Adult', 'Fiction']", ["fiction", "young adult"]),
        ("('Fiction', 'Young Adult')", ["fiction", "young adult"]),
        ('("Fiction",)', ["fiction"]),
        ("()", []),
        ("('Fiction'", None),
        ("(Auto)biography, Essays (Humor)", ["(auto)biography", "essays (humor)"]),
        ("Fiction|Young Adult", ["fiction", "young adult"]),
        ("Fiction, Young Adult ,", ["fiction", "young adult"]),
        ("[]", []),
        ("", []),
        ("['Fiction', 3]", None),
        ("['Fiction'", None),
        ("Fiction|Young Adult, Drama; Art", ["fiction", "young adult", "drama", "art"]),
        ('["Fiction", "Young Adult"]', ["fiction", "young adult"]),
        ("{'Fiction': 12, 'Drama, Plays': 3}", ["fiction", "drama, plays"]),
        ("[{'name': 'Fiction'}]", ["fiction"]),
        ("['Fiction', None]", ["fiction"]),
        ("nan", []),
        ("Fiction, NaN", ["fiction"]),
        ("[['Fiction']]", None),
        ("[" * 100_000, None),
        ("[" + "-" * 100_000 + "1]", None),
    ],
)
def test_genres_in_every_spelling(cell: str, genres: list[str] | None) -> None:
    assert parse_genres(cell) == genres


@pytest.mark.parametrize("header", ["bookId,title,author,description,genres", "URL,Book,Author,Description,Genres"])
def test_books_keep_the_most_common_genres_and_every_dropped_row_is_listed(header: str) -> None:
    rows = [
        "a,T,A,one,\"['X', 'Y']\"",
        "b,T,A,two,X|Z",
        "c,T,A,,X",
        "d,T,A,four,",
        "e,T,A,five,Z",
        "f,T,A",
        'g,T,A,six,"[1]"',
    ]
    records, findings = read(Goodreads(top_labels=2), files(books__csv=header + "\n" + "\n".join(rows) + "\n"))
    assert [(r.id, r.text, r.labels) for r in records] == [
        ("a", "T\nA\none", ["x"]),
        ("b", "T\nA\ntwo", ["x", "z"]),
        ("e", "T\nA\nfive", ["z"]),
    ]
    assert [finding.split(" ", 2)[2] for finding in findings] == [
        "rejected: empty description", "rejected: empty label", "rejected: wrong number of fields (3 fields where the header has 5)",
        "rejected: unknown label syntax: '[1]'",
    ]  # fmt: skip
    assert len(records) + len(findings) == len(rows)


def test_books_without_genres_say_what_to_rename() -> None:
    with pytest.raises(
        UserError, match=r"has no column for the genres \(it has title, description\); rename one to 'genres'"
    ):
        read(Goodreads(text=["description"]), files(books__csv="title,description\na,b\n"))


def test_a_missing_description_is_a_finding_however_it_is_written() -> None:
    rows = "a,T,A,nan,X\nb,T,A,None,X\nc,T,A,None of them came back,X\n"
    records, findings = read(
        Goodreads(top_labels=1), files(books__csv="bookId,title,author,description,genres\n" + rows)
    )
    assert [record.id for record in records] == ["c"]
    assert [finding.split(" ", 1)[1] for finding in findings] == [
        "a rejected: empty description",
        "b rejected: empty description",
    ]


def test_findings_are_short_whatever_a_cell_holds() -> None:
    rows = f"a,d,X\nb,d,{'y' * 5000}|{'z' * 5000}\nc,d,[{'[' * 5000}\n"
    _, findings = read(
        Goodreads(top_labels=1, text=["description"]), files(books__csv="id,description,genres\n" + rows)
    )
    assert len(findings) == 2
    assert all(len(finding) < 200 for finding in findings)
