"""A Goodreads CSV: title, author, description and genres under their usual column names."""

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge

from multilabel.core.errors import UserError
from multilabel.data.archives import Files
from multilabel.data.readers.collector import Collector, only_table, read_text
from multilabel.data.records import Findings, Record
from multilabel.data.text_tables import Row, read_table

SPELLINGS = {
    "id": ["bookId", "book_id", "id", "URL", "url", "isbn"],
    "title": ["title", "Title", "Book", "book", "name", "Name", "book_title"],
    "author": ["author", "Author", "authors", "Authors"],
    "description": ["description", "Description", "desc", "book_desc", "summary", "Summary"],
    "genres": ["genres", "Genres", "genre", "Genre", "tags", "Tags"],
}


@dataclass(frozen=True, kw_only=True)
class Goodreads:
    """Books labelled with the `top_labels` most common genres; a book with none of them is left out and listed."""

    top_labels: Annotated[int, Ge(1)] = 5
    text: list[str] = field(default_factory=lambda: ["title", "author", "description"])

    def read(self, files: Files, findings: Findings, max_megapixels: float) -> Iterator[Record]:
        """Books in the order of the table, genres most common first."""
        text, where = read_text(files, only_table(files), findings)
        books = list(self._books(read_table(text, where), where, findings))
        counts = Counter(genre for _, _, genres in books for genre in genres)
        top = [genre for genre, _ in counts.most_common(self.top_labels)]
        kept = self._kept(books, top, findings)
        yield from Collector(files, findings, max_megapixels).without_pictures(kept)

    def _books(self, rows: Iterator[Row], where: str, findings: Findings) -> Iterator[tuple[str, Row, list[str]]]:
        columns: dict[str, str] = {}
        for number, row in enumerate(rows):
            place = f"{where}:{row.line}"
            if row.repaired:
                findings.rejected(str(number), place, f"wrong number of fields ({row.repaired})")
                continue
            columns = columns or self._columns(list(row.fields), where)
            book = {name: row.fields[column].strip() for name, column in columns.items()}
            book.setdefault("id", str(number))
            genres = parse_genres(book["genres"])
            if genres is None:
                findings.rejected(book["id"], place, f"unknown label syntax: {book['genres'][:60]!r}")
            elif not book["description"]:
                findings.rejected(book["id"], place, "empty description")
            elif not genres:
                findings.rejected(book["id"], place, "empty label")
            else:
                yield place, Row(book, row.line), genres

    def _columns(self, columns: list[str], where: str) -> dict[str, str]:
        found = {name: next((s for s in spellings if s in columns), None) for name, spellings in SPELLINGS.items()}
        for name in {*self.text, "description", "genres"}:
            if name not in SPELLINGS:
                raise UserError(f"datasets.<name>.text: unknown column {name!r}; choose from {', '.join(SPELLINGS)}")
            if found[name] is None:
                raise UserError(
                    f"{where}: has no column for the {name} (it has {', '.join(columns)}); "
                    f"rename one to {SPELLINGS[name][0]!r}"
                )
        return {name: column for name, column in found.items() if column is not None}

    def _kept(
        self, books: list[tuple[str, Row, list[str]]], top: list[str], findings: Findings
    ) -> Iterator[tuple[str, Record]]:
        for place, row, genres in books:
            labels = [genre for genre in top if genre in genres]
            if labels:
                text = ". ".join(row.fields[name] for name in self.text if row.fields[name])
                yield place, Record(row.fields["id"], text, labels)
            else:
                findings.left_out(
                    row.fields["id"], place, f"none of the {len(top)} most common genres ({', '.join(genres)})"
                )


def parse_genres(cell: str) -> list[str] | None:
    """Genres of one book from `['A', 'B']`, `A|B` or `A, B`, in lower case, each once; None if it is neither."""
    cell = cell.strip()
    if cell.startswith("["):
        try:
            names = ast.literal_eval(cell)
        except (ValueError, SyntaxError):
            return None
        if not all(isinstance(name, str) for name in names):
            return None
    else:
        names = cell.split("|" if "|" in cell else ",")
    return list(dict.fromkeys(name.strip().lower() for name in names if name.strip()))
