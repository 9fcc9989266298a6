"""What a person wants classified, as a stream of questions: folders, archives, single images, a table, texts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

from multilabel.core.errors import UserError, one_line
from multilabel.data.archives import TABLE_SUFFIXES, AmbiguousName, Files, open_source, printable
from multilabel.data.images import suffixes
from multilabel.data.readers.collector import LOOKED_AT, read_text
from multilabel.data.records import Findings
from multilabel.data.text_tables import Row, TextTable, listed, read_table

MAX_UNPACKED_GB = 20.0
COLUMNS = {  # names of a table's columns in lower case, by what they hold, in the order in which they are looked for
    # A table that pandas wrote begins with a column without a name.
    "id": ("id", "imageid", "image_id", "sku", "isbn", ""),
    "text": ("text", "caption", "description", "title"),
    "image": ("image", "file", "filename", "file_name", "path", "imageid", "image_id"),
}
ADVICE = "name it as in --columns id=sku,text=title+description,image=file"
JOINED = ". "  # between the texts of several columns, as between the title and the description of a book


@dataclass(frozen=True)
class Question:
    """A record to classify. `image` reads the content of its file when it is called; `problem` says why it cannot be asked."""

    id: str
    image: Callable[[], bytes] | None = None
    text: str | None = None
    problem: str = ""


@dataclass(frozen=True)
class Questions:
    """Records in the order of their source, and what of it was passed over because nothing says that it is an image."""

    total: int
    stream: Iterator[Question]
    passed_over: int = 0


def of_images(paths: Sequence[Path], texts: Sequence[str] = ()) -> Questions:
    """The images behind some paths; with `texts`, one text for each. Of several folders, each may have a 1.jpg of its own."""
    sources = [_images(path) for path in paths]
    total = sum(len(names) for _, names, _ in sources)
    if texts and len(texts) != total:
        raise UserError(
            f"{total} images and {len(texts)} texts are no pairs; give one --text for each image, or a --table"
        )
    named = ((files, name) for files, names, _ in sources for name in names)
    said = iter(texts)
    stream = (_seen(files, name, next(said, None), len(paths) > 1) for files, name in named)
    return Questions(total, stream, sum(passed_over for _, _, passed_over in sources))


def of_texts(texts: Sequence[str]) -> Questions:
    """Texts alone, numbered from 1."""
    return Questions(len(texts), (Question(str(number), text=text) for number, text in enumerate(texts, start=1)))


def of_table(path: Path, images: Sequence[Path], columns: Mapping[str, str], reads: Sequence[str]) -> Questions:
    """A row each; its image lies behind `images`, or beside the table. `columns` says which column holds what.

    `reads` are the modalities of the model, and columns for others are not looked at. An image column that nobody named
    counts only if some image is found by it; with `images` and no such column, the ids may be names of them.
    """
    if path.suffix.lower() not in TABLE_SUFFIXES or not path.is_file():
        raise UserError(f"--table {path}: is no table; name a file that ends in {', '.join(sorted(TABLE_SUFFIXES))}")
    own = open_source(path, MAX_UNPACKED_GB)
    table = read_table(*read_text(own, path.name, Findings("reject")))
    places = _places(table, columns, reads)
    sources = [files for files, _, _ in map(_images, images)] or [own]
    if "image" in reads and "image" not in columns and (not images or not places["image"]):
        places["image"] = places["id"] if images else places["image"]
        first = islice(table.rows(), LOOKED_AT)
        if not any(_asked(row, table, places, sources).image for row in first):
            places["image"] = []
            if images:
                raise UserError(
                    f"{table.where}: which column names the images? It has {listed(table.columns)}; {ADVICE}"
                )
    if not any(places[modality] for modality in reads):
        raise UserError(
            f"{table.where}: which column holds the {' or the '.join(reads)}? It has {listed(table.columns)}; {ADVICE}"
        )
    total = sum(1 for _ in table.rows())
    return Questions(total, (_asked(row, table, places, sources) for row in table.rows()))


def _images(path: Path) -> tuple[Files, list[str], int]:
    """The files behind a path, the names of those that may be images, and how many others there are."""
    if not path.exists():
        raise UserError(f"--images {path}: no such file or folder; name a folder, a zip or tar archive, or images")
    if path.is_file() and path.suffix.lower() in suffixes():
        files = Files(path, [str(path)], lambda name: _content(Path(name)))
        return files, files.names, 0
    files = open_source(path, MAX_UNPACKED_GB)
    may_be = [name for name in files.names if PurePosixPath(name).suffix.lower() in {"", *suffixes()}]
    return files, may_be, len(files.names) - len(may_be)


def _seen(files: Files, name: str, text: str | None, one_of_several: bool) -> Question:
    """An image by its own name, which of several sources begins with theirs."""
    is_file = name == str(files.path)
    id = printable(f"{files.path}/{name}" if one_of_several and not is_file else name)
    if name in files.doubled:
        problem = one_line(f"image is ambiguous ({files.path}: {name} is there several times; keep one of them)")
        return Question(id, text=text, problem=problem)
    return Question(id, _reading(files, name), text)


def _file(files: Files, name: str) -> str | None:
    """The file that a row calls `name`, with or without the suffix of an image; `img_1.2` has none."""
    endings = [""] if PurePosixPath(name).suffix.lower() in suffixes() else ["", *sorted(suffixes())]
    return next((found for ending in endings if (found := files.find(name + ending)) is not None), None)


def _content(path: Path) -> bytes:
    return path.read_bytes()


def _reading(files: Files, name: str) -> Callable[[], bytes]:
    return lambda: files.read(name)


def _places(table: TextTable, columns: Mapping[str, str], reads: Sequence[str]) -> dict[str, list[int]]:
    """The columns that hold the id, the text (one or several) and the name of the image; none where there is none."""
    lower = {column.lower(): number for number, column in reversed(list(enumerate(table.columns)))}
    places: dict[str, list[int]] = {"text": [], "image": []}
    for name in ("id", *reads):
        if name in columns:
            places[name] = [table.place(column, ADVICE) for column in columns[name].split("+")]
        else:
            places[name] = [lower[column] for column in COLUMNS[name] if column in lower][:1]
    return places


def _asked(row: Row, table: TextTable, places: Mapping[str, Sequence[int]], sources: Sequence[Files]) -> Question:
    if row.broken:
        return Question(f"line {row.line}", problem=one_line(f"{table.where}:{row.line}: {row.broken}"))
    values = {name: [row.values[place].strip() for place in own] for name, own in places.items()}
    id = "".join(values["id"]) or f"line {row.line}"
    text = JOINED.join(value for value in values["text"] if value) if places["text"] else None
    image = "".join(values["image"])
    if not image:
        return Question(id, text=text)
    try:
        found = next(((files, name) for files in sources if (name := _file(files, image)) is not None), None)
    except AmbiguousName as error:
        return Question(id, problem=f"image is ambiguous ({error})")
    if found is None:
        return Question(id, text=text, problem=f"image is absent ({image})")
    return Question(id, _reading(*found), text)
