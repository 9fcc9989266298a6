"""A Goodreads CSV: title, author, description and genres under their usual column names."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge, Le

from multilabel.core.errors import UserError
from multilabel.data.archives import Files
from multilabel.data.label_cells import MISSING, parse_list
from multilabel.data.readers.collector import Collector, only_table, read_text
from multilabel.data.records import Findings, Record
from multilabel.data.submission import SubmissionForm
from multilabel.data.text_tables import TextTable, cut, listed, read_table

SPELLINGS = {
    "id": ["bookId", "book_id", "id", "URL", "url", "isbn"],
    "title": ["title", "Title", "Book", "book", "name", "Name", "book_title"],
    "author": ["author", "Author", "authors", "Authors"],
    "description": ["description", "Description", "desc", "book_desc", "summary", "Summary"],
    "genres": ["genres", "Genres", "genre", "Genre", "tags", "Tags"],
}
BETWEEN_NAMES = re.compile(r"[|,;]")
BEGINS_A_LIST = re.compile(r"""[\[{]|\(\s*['")]""")  # a genre itself may begin with a parenthesis
Book = tuple[str, dict[str, str], list[str]]  # where it stands, its values by name, its genres


@dataclass(frozen=True, kw_only=True)
class Goodreads:
    """Books labelled with the `top_labels` most common genres; a book with none of them is left out and listed.

    Each column of `text` is a line of the record's text.
    """

    top_labels: Annotated[int, Ge(1), Le(10_000)] = 5
    text: list[str] = field(default_factory=lambda: ["title", "author", "description"])

    def __post_init__(self) -> None:
        """Raises `UserError` for a column that no book has."""
        for name in self.text:
            if name not in SPELLINGS:
                raise UserError(
                    f"datasets.<name>.text: unknown column {cut(name)!r}; choose from {', '.join(SPELLINGS)}"
                )

    @property
    def offers(self) -> frozenset[str]:
        """`image` and `text` as far as records can have them."""
        return frozenset({"text"})

    @property
    def submission(self) -> SubmissionForm:
        """Genres as many such tables have them."""
        return SubmissionForm(id="bookId", labels="genres", separator="|")

    def read(self, files: Files, findings: Findings, max_megapixels: float) -> Iterator[Record]:
        """Books in the order of the table, genres most common first."""
        text, where = read_text(files, only_table(files), findings)
        books = list(self._books(read_table(text, where), findings))
        counts = Counter(genre for _, _, genres in books for genre in genres)
        top = [genre for genre, _ in counts.most_common(self.top_labels)]
        kept = self._kept(books, top, findings)
        yield from Collector(files, findings, max_megapixels).without_images(kept)

    def _books(self, table: TextTable, findings: Findings) -> Iterator[Book]:
        places = self._places(table)
        for number, row in enumerate(table.rows()):
            place = f"{table.where}:{row.line}"
            if row.broken:
                findings.rejected("", place, row.broken)
                continue
            book = {name: row.values[index].strip() for name, index in places.items()}
            book.setdefault("id", str(number))
            if row.repaired:
                findings.repaired(book["id"], place, row.repaired)
            genres = parse_genres(book["genres"])
            if genres is None:
                findings.rejected(book["id"], place, f"unknown label syntax: {cut(book['genres'])!r}")
            elif book["description"] in MISSING:
                findings.rejected(book["id"], place, "empty description")
            elif not genres:
                findings.rejected(book["id"], place, "empty label")
            else:
                yield place, book, genres

    def _places(self, table: TextTable) -> dict[str, int]:
        """The index of each column that there is."""
        found = {
            name: next((table.columns.index(s) for s in spellings if s in table.columns), None)
            for name, spellings in SPELLINGS.items()
        }
        for name in [*self.text, "description", "genres"]:
            if found[name] is None:
                raise UserError(
                    f"{table.where}: has no column for the {name} (it has {listed(table.columns)}); "
                    f"rename one to {SPELLINGS[name][0]!r}"
                )
        return {name: index for name, index in found.items() if index is not None}

    def _kept(self, books: list[Book], top: list[str], findings: Findings) -> Iterator[tuple[str, Record]]:
        for place, book, genres in books:
            labels = [genre for genre in top if genre in genres]
            if labels:
                lines = [" ".join(book[name].split()) for name in self.text if book[name]]
                yield place, Record(book["id"], "\n".join(lines), labels)
            else:
                reason = f"none of the {len(top)} most common genres ({cut(', '.join(genres))})"
                findings.left_out(book["id"], place, reason)


def parse_genres(cell: str) -> list[str] | None:
    """Genres of one book in lower case, each once; None if the cell begins like a list and is none.

    Either a list such as `['A', 'B']` or `('A', 'B')`, or names with `|`, `,` or `;` between, in any mixture.
    """
    cell = cell.strip()
    names = parse_list(cell, bare=False) if BEGINS_A_LIST.match(cell) else BETWEEN_NAMES.split(cell)
    if names is None:
        return None
    return list(dict.fromkeys(name.strip().lower() for name in names if name.strip() not in MISSING))
