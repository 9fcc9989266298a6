"""A look at a source that nobody has described yet: its format, what each column holds, and what its records are like."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from multilabel.core.errors import UserError
from multilabel.data.archives import AmbiguousName, Files, open_source
from multilabel.data.columns import FLAGS, LABEL_NAMES, NUMBER_NAMES, TEXT_NAMES, Column
from multilabel.data.encodings import decode
from multilabel.data.images import suffixes
from multilabel.data.label_cells import MISSING, joined
from multilabel.data.labelling import Labelling, labelling_of
from multilabel.data.readers import FORMATS
from multilabel.data.readers.competition import CAPTION, ID, LABELS
from multilabel.data.readers.goodreads import SPELLINGS, Goodreads
from multilabel.data.records import Findings
from multilabel.data.text_tables import Row, TextTable, cut, listed, read_table

LOOKED_AT = 2000  # rows that tell what a column holds
LOOKED_FOR = 200  # images that tell whether a column names them
NAMELESS = "the column without a name"
COMPETITION = ("train.csv", {ID, LABELS, CAPTION})
BOOKS = ("title", "description", "genres")
SHOWN = 10  # columns, in a message


@dataclass(frozen=True)
class Inspection:
    """A block of `datasets:` that reads the source, and in numbers what it reads."""

    block: dict[str, Any]
    remarks: list[str]  # what was found out of the table, a line each
    labelled: int
    unlabelled: int
    with_image: int
    with_text: int
    labels: Counter[str] = field(default_factory=Counter)
    rejected: Mapping[str, int] = field(default_factory=dict)  # reason -> rows that would be left out


def inspect(path: Path, max_unpacked_gb: float, max_megapixels: float) -> Inspection:
    """Look at a file or folder; raises `UserError` where no column can be the id, or none the labels."""
    files = open_source(path, max_unpacked_gb)
    block: dict[str, Any] = {"format": "competition", "source": str(path)}
    remarks = [f"{path}: the archive of a competition, {COMPETITION[0]} with {', '.join(sorted(COMPETITION[1]))}"]
    if not _is_competition(files):
        table = _table(files)
        if all(set(SPELLINGS[name]) & set(table.columns) for name in BOOKS):
            block["format"], remarks = "goodreads", [f"{table.where}: books with {', '.join(BOOKS)}"]
            usual = Goodreads().text
            there = [name for name in usual if set(SPELLINGS[name]) & set(table.columns)]
            if there != usual:
                block["text"] = there
        else:
            block["format"] = "table"
            options, remarks = _described(table, files)
            block |= options
            if len(files.tables()) > 1:
                block["table"] = table.where  # the path: another folder may have a table of the same name
    return _read(block, remarks, files, max_megapixels)


def _read(block: dict[str, Any], remarks: list[str], files: Files, max_megapixels: float) -> Inspection:
    """Every record through the reader that `ingest` will use."""
    options = {key: value for key, value in block.items() if key not in ("format", "source")}
    findings, counts, labels = Findings("reject"), Counter[str](), Counter[str]()
    for record in FORMATS[block["format"]](**options).read(files, findings, max_megapixels):
        counts["unlabelled" if record.labels is None else "labelled"] += 1
        counts["with_image"] += record.image is not None
        counts["with_text"] += bool(record.text.strip())
        labels.update(record.labels or [])
    numbers = {name: counts[name] for name in ("labelled", "unlabelled", "with_image", "with_text")}
    return Inspection(block, remarks, labels=labels, rejected=findings.counts()["rejected"], **numbers)


def _is_competition(files: Files) -> bool:
    name, columns = COMPETITION
    found = files.find(name)
    return found is not None and columns <= set(_read_table(files, found).columns)


def _table(files: Files) -> TextTable:
    """Of several tables the one with the most lines."""
    names = [name for name in files.tables() if PurePosixPath(name).suffix.lower() != ".txt"] or files.tables()
    if not names:
        raise UserError(f"{files.path}: has no table (.csv, .tsv or .txt); name a folder or an archive that holds one")
    return max((_read_table(files, name) for name in names), key=lambda table: len(table.lines))


def _read_table(files: Files, name: str) -> TextTable:
    return read_table(decode(files.read(name), name)[0], name)


def _described(table: TextTable, files: Files) -> tuple[dict[str, Any], list[str]]:
    """The options of the format `table` for a table, and what speaks for them."""
    columns = _columns(table)
    named = [column for column in columns if column.name]
    image = next((column for column in named if _names_images(column, files)), None)
    labels, labelling = _labels([column for column in named if column is not image], table)
    id = _id(columns, image, labels, table)
    text = _text([column for column in named if column not in (id, labels, image)])
    chosen = {"id": id, "labels": labels, "text": text, "image": image}
    options: dict[str, Any] = {"columns": {name: column.name for name, column in chosen.items() if column is not None}}
    if table.delimiter != ",":
        options["delimiter"] = table.delimiter
    if not labelling.lists:
        options["label_separator"] = labelling.separator
    if len(labels.given) < len(labels.values):
        options["empty_labels"] = "unlabelled"
    most = joined([label for label, _ in labelling.counts.most_common(5)])
    apart = "in lists" if labelling.lists else f"separated by {labelling.separator!r}"
    flags = [column.name for column in _flags(named) if column is not labels]
    remarks = [
        f"{table.where}: {listed(table.columns)}; columns separated by {table.delimiter!r}",
        f"  id      {id.name or NAMELESS}: {_apart(id)}",
        f"  labels  {labels.name}: {len(labelling.counts)} different ones {apart}, the most common: {most}",
        *(
            f"          {count} cells say {said}, which is read as no label"
            for said, count in _said_none(labels, table)
        ),
        *([f"          not {listed(flags)}: each holds 0 and 1"] if len(flags) > 1 else []),
        f"  text    {text.name}: {_extent(text)} in the mean" if text else "  text    no column",
        f"  image   {image.name}: names files" if image else "  image   no column names files that are there",
    ]
    return options, remarks


def _columns(table: TextTable) -> list[Column]:
    """Those that have a name, and the first of those that have none; raises `UserError` where no row can be read."""
    looked_at = list(islice(table.rows(), LOOKED_AT))
    rows = [row.values for row in looked_at if not row.broken]
    if not rows:
        raise UserError(f"{table.where}: {_why_none(looked_at)}")
    places = [place for place, name in enumerate(table.columns) if name or place == table.columns.index("")]
    return [Column(table.columns[place], [row[place].strip() for row in rows]) for place in places]


def _why_none(broken: Sequence[Row]) -> str:
    """Why no row can be read."""
    if not broken:
        return "has no rows; write one for each record below the header"
    return f"has no row that can be read (line {broken[0].line}: {broken[0].broken}); mend the table"


def _apart(id: Column) -> str:
    """How it tells rows apart."""
    lost = len(id.values) - id.distinct
    return f"{lost} of {len(id.values)} rows repeat one or have none" if lost else "every row has its own"


def _extent(text: Column) -> str:
    """Of a text, in words where it has several."""
    return f"{text.words:.0f} words" if text.words > 1 else f"{text.characters:.0f} characters"


def _said_none(labels: Column, table: TextTable) -> list[tuple[str, int]]:
    """The words of all its cells that are read as no label, which may be the name of one."""
    place = table.columns.index(labels.name)
    cells = Counter(row.values[place].strip() for row in table.rows() if not row.broken)
    return [(cell, count) for cell, count in cells.most_common() if cell and cell in MISSING]


def _names_images(column: Column, files: Files) -> bool:
    """Whether most of the first values are files of the source, or at least would be images by their suffixes."""
    first = column.given[:LOOKED_FOR]
    named = [value for value in first if PurePosixPath(value).suffix.lower() in suffixes()]
    return len(first) > 0 and len([value for value in named or first if _there(value, files)]) > len(first) / 2


def _there(name: str, files: Files) -> bool:
    try:
        found = files.find(name)
    except AmbiguousName:
        return True
    return found is not None and PurePosixPath(found).suffix.lower() in suffixes()


def _labels(columns: Sequence[Column], table: TextTable) -> tuple[Column, Labelling]:
    """A column whose name says so, else the one whose labels come back most often, else one that is called like a text."""
    own = [column for column in columns if column.given and not column.unique and not column.tells_rows_apart]
    read = [(column, labelling_of(column.given)) for column in own]
    called = [(column, labelling) for column, labelling in read if column.called(LABEL_NAMES)]
    plausible = [(column, labelling) for column, labelling in read if labelling.plausible]
    others = [(column, labelling) for column, labelling in plausible if not column.called_text]
    likely = called or others or plausible
    flags = _flags(columns)
    if not called and len(flags) > 1:
        likely = [(column, labelling) for column, labelling in others if labelling.of_names]
        if not likely:
            raise UserError(
                f"{table.where}: {listed([column.name for column in flags])} hold 0 and 1; write the names of those that "
                "are 1 into one column called labels, as in red;blue"
            )
    if not likely:
        raise UserError(
            f"{table.where}: no column holds labels that come back (it has {listed(table.columns)}); write those of a row "
            f"into one column called labels, as in red;blue"
        )
    return max(likely, key=lambda pair: pair[1].fits)


def _flags(columns: Sequence[Column]) -> list[Column]:
    """Those that say yes or no of every row."""
    return [column for column in columns if column.given and set(column.given) <= FLAGS]


def _id(columns: Sequence[Column], image: Column | None, labels: Column, table: TextTable) -> Column:
    """A column that is called so and tells nearly all rows apart; else one that tells all of them apart.

    Of these one that is called like a number, else the first with one word a row that is no text, else the images' names,
    else one without a name.
    """
    others = [column for column in columns if column is not labels]
    called = sorted((column for column in others if column.tells_rows_apart), key=lambda column: -column.distinct)
    own = [column for column in others if column.distinct == len(column.values)]
    numbers = [column for column in own if column.called(NUMBER_NAMES)]
    single = [column for column in own if column.name and column is not image and not _is_text(column)]
    likely = called or numbers or single or [column for column in own if column is image or not column.name]
    if not likely:
        why = [_why_no_id(column, labels) for column in columns if column.name or column.given]
        more = f"; and {len(why) - SHOWN} more" if len(why) > SHOWN else ""
        raise UserError(
            f"{table.where}: no column can be the id ({'; '.join(why[:SHOWN])}{more}); add or mend one called id, with another "
            "value in every row"
        )
    return likely[0]


def _is_text(column: Column) -> bool:
    return column.called_text or column.words > 1


def _why_no_id(column: Column, labels: Column) -> str:
    name, rows = cut(column.name or NAMELESS, 40), len(column.values)
    if column is labels:
        return f"{name}: the labels"
    return f"{name}: {column.distinct} different in {rows} rows" if column.distinct < rows else f"{name}: texts"


def _text(columns: Sequence[Column]) -> Column | None:
    """The longest: of those that are called so and fill most rows, else of titles and of several words, else of words."""
    written = [column for column in columns if column.has_letters]
    called = [column for column in written if column.called(TEXT_NAMES) and len(column.given) > len(column.values) / 2]
    several = [column for column in written if _is_text(column)]
    words = [column for column in written if column.differing_words]
    return max(called or several or words, key=lambda column: column.words, default=None)
