"""Tables as nobody should write them: each row is a record or a finding, and nothing else is raised."""

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

from conftest import image
from fuzzing import damaged, letters, lines, marks, names, outcome, texts
from hypothesis import assume, given
from hypothesis import strategies as st
from in_memory import assert_every_line_is_in_one_row, files

from multilabel.core.errors import UserError
from multilabel.data.archives import Files
from multilabel.data.encodings import decode
from multilabel.data.inspection import inspect
from multilabel.data.readers import Competition, Goodreads, Table
from multilabel.data.readers.competition import USUAL
from multilabel.data.records import Findings, Record
from multilabel.data.text_tables import read_table
from multilabel.data.unescaped_tables import read_unescaped

OWN = {"id": "id", "labels": "labels", "text": "text"}
PICTURES = [image(["1"]), image(["2"]), b"", b"no image", image(["3"])[:200]]
HEADERS = {
    "table": "id,labels,text",
    "goodreads": "title,author,description,genres",
    "competition": "ImageID,Labels,Caption",
}
READERS = {"table": Table(columns=OWN), "goodreads": Goodreads(), "competition": Competition()}
bodies = st.lists(lines | texts, max_size=12).map("\n".join) | st.text(letters | marks, max_size=200)


def read(reader: Competition | Goodreads | Table, source: Files) -> tuple[list[Record], Findings] | UserError:
    findings = Findings("reject")
    found = outcome(lambda: list(reader.read(source, findings, max_megapixels=1)))
    return found if isinstance(found, UserError) else (found, findings)


def rejected(findings: Findings, table: str = "") -> int:
    return sum(item.action == "rejected" and item.where.startswith(f"source.zip/{table}") for item in findings.items)


def assert_ids_differ(records: list[Record]) -> None:
    ids = [(record.id, record.labels is None) for record in records]
    assert len(set(ids)) == len(ids)
    assert all(id for id, _ in ids)


@given(bodies, st.sampled_from(["reject", "unlabelled"]), st.sampled_from([None, ",", ";", "|", " "]))
def test_each_row_of_a_table_is_a_record_or_a_finding(body: str, empty: str, delimiter: str | None) -> None:
    header = HEADERS["table"].replace(",", delimiter or ",")
    source = files(t__csv=f"{header}\n{body}")
    found = read(Table(columns=OWN, empty_labels=empty, delimiter=delimiter), source)
    table = outcome(lambda: read_table(decode(source.read("t.csv"), "t")[0], "t", delimiter))
    if isinstance(found, UserError) or isinstance(table, UserError):
        return
    records, findings = found
    rows = list(table.rows())
    assert len(records) + rejected(findings) == len(rows)
    assert_ids_differ(records)
    if not table.is_valid:
        assert_every_line_is_in_one_row(table.lines, rows, table.first)


@given(bodies)
def test_each_book_is_a_record_or_a_finding(body: str) -> None:
    source = files(t__csv=f"{HEADERS['goodreads']}\n{body}")
    found = read(Goodreads(top_labels=2), source)
    if not isinstance(found, UserError):
        rows = list(read_table(decode(source.read("t.csv"), "t")[0], "t").rows())
        assert len(found[0]) + rejected(found[1]) == len(rows)
        assert_ids_differ(found[0])


entries = st.tuples(names | texts, st.sampled_from(["1", "1 2", "", "[1, 2]", "x", "1,2", "nan"]), lines | texts)


@given(
    st.lists(entries, max_size=8),
    st.lists(st.tuples(names | texts, lines | texts), max_size=6),
    st.lists(st.tuples(names, st.sampled_from(["1", "2", "x"]), lines), max_size=4),
    st.lists(st.tuples(names, st.sampled_from(PICTURES)), max_size=6),
)
def test_each_row_of_a_competition_is_a_record_or_a_finding(
    train: list[tuple[str, str, str]], test: list[tuple[str, str]], boxes: list[tuple[str, str, str]], pictures: list
) -> None:
    tables = {
        "train.csv": "ImageID,Labels,Caption\n" + "\n".join(map(",".join, train)),
        "test.csv": "ImageID,Caption\n" + "\n".join(map(",".join, test)),
        "boxes.csv": "ImageID,Label,x,y,width,height\n" + "\n".join(f"{i},{label},{r}" for i, label, r in boxes),
    }
    contents = {name: text.encode() for name, text in tables.items()} | {f"data/{n}.jpg": p for n, p in pictures}
    source = Files(Path("source.zip"), list(contents), contents.__getitem__)
    found = read(Competition(), source)
    if isinstance(found, UserError):
        return
    records, findings = found
    usual = list(USUAL.values())
    for name, patterns, labelled in (("train.csv", usual, True), ("test.csv", usual[:1], False)):
        table = read_table(decode(contents[name], name)[0], name)
        rows = list(read_unescaped(table, patterns))
        kept = [record for record in records if (record.labels is not None) == labelled]
        assert len(kept) + rejected(findings, name) == len(rows)
        if not table.is_valid:
            assert_every_line_is_in_one_row(table.lines, rows, table.first)
    assert_ids_differ(records)
    rows = list(read_table(decode(contents["boxes.csv"], "boxes.csv")[0], "boxes.csv").rows())
    assert sum(len(record.boxes) for record in records) + rejected(findings, "boxes.csv") == len(rows)


@given(st.sampled_from(list(READERS)), st.data())
def test_any_bytes_are_a_table_or_refused(form: str, data: st.DataObject) -> None:
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252", "mac-roman"]))
    table = f'{HEADERS[form]}\n1,1,"a ""b"", é",x\n2,2,c,y\n'.encode(encoding, "replace")
    content = data.draw(st.binary(max_size=300) | damaged(table))
    for found in (read(reader, files(train__csv=content)) for reader in READERS.values()):
        assert isinstance(found, UserError) or len(found) == 2


cells = st.text(letters | marks | st.characters(exclude_categories=["Cs"]), max_size=12)


@given(
    st.lists(st.tuples(cells, cells), min_size=1, max_size=6),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
)
def test_what_a_program_writes_is_read_back(
    rows: list[tuple[str, str]], delimiter: str, end: str, quoting: int, encoding: str
) -> None:
    assume(not any("\0" in cell or "\ufeff" in cell for row in rows for cell in row))
    bare = set("\r\n") - set(end) if quoting == csv.QUOTE_MINIMAL else set()  # which are written without quotes
    assume(not any(bare & set(cell) for row in rows for cell in row))
    assume(not any("\n" in cell or "\r" in cell for row in rows for cell in row if delimiter in cell))
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(["id", "labels", "text"])
    writer.writerows([number, "a", " ".join(row)] for number, row in enumerate(rows, start=1))
    found = read(Table(columns=OWN, delimiter=delimiter), files(t__csv=buffer.getvalue().encode(encoding)))
    assert not isinstance(found, UserError)
    assert found[1].items == []
    expected = [" ".join(row).replace("\r\n", "\n").replace("\r", "\n").strip() for row in rows]
    assert [(record.id, record.text) for record in found[0]] == [(str(n), t) for n, t in enumerate(expected, start=1)]


@given(
    st.dictionaries(
        names.map("{}.csv".format) | names.map("{}.tsv".format) | names.map("x/{}.jpg".format) | names,
        bodies.map(str.encode) | st.sampled_from(PICTURES) | st.binary(max_size=50),
        max_size=4,
    ),
    st.sampled_from([*HEADERS.values(), "sku;tags;words;file", ""]),
    bodies,
)
def test_a_folder_that_nobody_described_is_described_or_refused(contents: dict, header: str, body: str) -> None:
    with TemporaryDirectory() as folder:
        for name, content in {**contents, "items.csv": f"{header}\n{body}".encode()}.items():
            path = Path(folder) / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        found = outcome(lambda: inspect(Path(folder), 1, 1))
    if not isinstance(found, UserError):
        assert found.block["format"] in READERS
        assert found.labelled + found.unlabelled + sum(found.rejected.values()) >= 0
