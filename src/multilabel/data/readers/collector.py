"""What all formats share: finding tables, attaching pictures, refusing double ids."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import PurePosixPath

from multilabel.core.errors import UserError
from multilabel.data.archives import TABLE_SUFFIXES, Files
from multilabel.data.images import GREY_PICTURE, fault
from multilabel.data.records import Findings, Record
from multilabel.data.text_tables import decode

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff"}
DECODED_AT_ONCE = 256


def read_text(files: Files, table: str, findings: Findings) -> tuple[str, str]:
    """The text of a table and its name for messages; another encoding than UTF-8 is listed as a repair."""
    name = files.find(table)
    if name is None:
        tables = [n for n in files.names if PurePosixPath(n).suffix.lower() in TABLE_SUFFIXES]
        raise UserError(f"{files.path}: has no {table} (tables found: {', '.join(tables) or 'none'}); add it")
    where = name if files.path.name == name else f"{files.path.name}/{name}"
    text, encoding = decode(files.read(name), where)
    if encoding == "cp1252":
        findings.repaired("", where, "not UTF-8: read as Windows-1252")
    return text, where


def only_table(files: Files) -> str:
    """The name of the one table there is."""
    tables = [name for name in files.names if PurePosixPath(name).suffix.lower() in TABLE_SUFFIXES]
    if len(tables) != 1:
        raise UserError(f"{files.path}: expected one .csv table, found {len(tables)}; name the file itself as source")
    return PurePosixPath(tables[0]).name


class Collector:
    """Makes records final: ids are unique across all tables, pictures are decoded once to prove that they can be."""

    def __init__(self, files: Files, findings: Findings, max_megapixels: float) -> None:
        """Index the pictures of `files`; without any, records carry none and that is no fault."""
        self.files, self.findings, self.max_megapixels = files, findings, max_megapixels
        self.any = any(PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES for name in files.names)
        self._seen: dict[str, str] = {}

    def attach(self, records: Iterable[tuple[str, Record]], picture: Callable[[str], str]) -> Iterator[Record]:
        """Records with the picture that `picture(id)` names.

        A labelled record whose picture is absent or broken is rejected; an unlabelled one must be predicted all the
        same, so a grey picture stands in.
        """
        unique = self.unique(records)
        with ThreadPoolExecutor() as pool:
            while chunk := list(islice(unique, DECODED_AT_ONCE)):
                contents = [self._content(picture(r.id)) for _, r in chunk]
                faults = pool.map(self._fault, contents)
                for (where, record), content, wrong in zip(chunk, contents, faults, strict=True):
                    if wrong is None:
                        yield replace(record, image=content)
                    elif record.labels is not None:
                        self.findings.rejected(record.id, where, wrong)
                    else:
                        self.findings.stand_in(record.id, where, wrong)
                        yield replace(record, image=GREY_PICTURE)

    def unique(self, records: Iterable[tuple[str, Record]]) -> Iterator[tuple[str, Record]]:
        """Records whose id was not seen before; the others become findings."""
        for where, record in records:
            first = self._seen.setdefault(record.id, where)
            if first != where:
                self.findings.rejected(record.id, where, f"duplicate id (first at {first})")
            else:
                yield where, record

    def without_pictures(self, records: Iterable[tuple[str, Record]]) -> Iterator[Record]:
        """Records of a source that has no pictures."""
        return (record for _, record in self.unique(records))

    def _content(self, picture: str) -> bytes | None:
        name = self.files.find(PurePosixPath(picture).name) if self.any else None
        return self.files.read(name) if name else None

    def _fault(self, content: bytes | None) -> str | None:
        if content is None:
            return "picture is absent" if self.any else None
        return fault(content, self.max_megapixels)
