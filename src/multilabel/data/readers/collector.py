"""What all formats share: finding tables, attaching images, refusing ids that are empty or there twice."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import PurePosixPath

from multilabel.core.errors import UserError, one_line
from multilabel.data.archives import AmbiguousName, Files
from multilabel.data.encodings import decode
from multilabel.data.images import GREY_IMAGE, fault, suffixes
from multilabel.data.names import agree
from multilabel.data.records import Findings, Record
from multilabel.data.unpacking import UnreadableFile

LOOKED_AT = 256  # records whose images tell whether there are any, where no file's name does
RECORDS_AT_ONCE = 256  # whose images are held in memory while they are decoded
BYTES_AT_ONCE = 64_000_000  # or fewer, if their images are large


def read_text(files: Files, table: str, findings: Findings) -> tuple[str, str]:
    """The text of a table and its name for messages; each line in another encoding is listed as a repair."""
    name = files.find(table)
    if name is None:
        raise UserError(f"{files.path}: has no {table} (tables found: {', '.join(files.tables()) or 'none'}); add it")
    where = one_line(name if files.path.name == name else f"{files.path.name}/{name}")
    text, not_utf8 = decode(files.read(name), where)
    for line in not_utf8:
        findings.repaired("", f"{where}:{line}", "not UTF-8: read as Windows-1252")
    return text, where


def only_table(files: Files) -> str:
    """The name of the one table there is; beside it there may be texts (`.txt`) for people."""
    tables = [name for name in files.tables() if PurePosixPath(name).suffix.lower() != ".txt"] or files.tables()
    if len(tables) != 1:
        found = f"{len(tables)} ({', '.join(tables)})" if tables else "none"
        raise UserError(f"{files.path}: expected one .csv table, found {found}; name the file itself as source")
    return tables[0]


@dataclass(frozen=True)
class _Candidate:
    """A record with the image that it names, and what will be known of both when the image is decoded."""

    where: str
    record: Record
    content: bytes | None
    note: str  # on how the image was found
    fault: Callable[[], str | None]

    @property
    def size(self) -> int:
        return len(self.content or b"")


class Collector:
    """Makes records final: images are decoded once to prove that they can be, no id is there twice.

    An unlabelled record may have the id of a labelled one, since it must be predicted all the same.
    """

    def __init__(self, files: Files, findings: Findings, max_megapixels: float) -> None:
        """Records of a source without any image carry none, and that is no fault."""
        self.files, self.findings, self.max_megapixels = files, findings, max_megapixels
        self._any = any(PurePosixPath(name).suffix.lower() in suffixes() for name in files.names)
        self._labelled: dict[str, str] = {}  # id -> where it stands first
        self._unlabelled: dict[str, str] = {}

    def attach(
        self, records: Iterable[tuple[str, Record]], image: Callable[[Record], str], required: bool = False
    ) -> Iterator[Record]:
        """Records with the image that `image(record)` names, asked for before the next record is looked at.

        A labelled record whose image is absent or broken is rejected; an unlabelled one must be predicted all the
        same, so a grey image stands in. `required`: the table says that there are images, whatever is found.
        """
        named = ((where, record, image(record)) for where, record in self.unique(records))
        first = list(islice(named, LOOKED_AT))
        self._any = self._any or required or any(self._there(name) for _, _, name in first)
        if not self._any:
            yield from (record for _, record, _ in chain(first, named))
            return
        with ThreadPoolExecutor() as pool:
            candidates = (self._candidate(pool, *one) for one in chain(first, named))
            for candidate in _ahead(candidates):
                yield from self._judged(candidate)

    def unique(self, records: Iterable[tuple[str, Record]]) -> Iterator[tuple[str, Record]]:
        """Records whose id was not seen before among the labelled or the unlabelled; the others become findings."""
        for where, record in records:
            seen = self._unlabelled if record.labels is None else self._labelled
            first = seen.setdefault(record.id, where)
            if not record.id:
                self.findings.rejected("", where, "empty id")
            elif first != where:
                self.findings.rejected(record.id, where, f"duplicate id (first at {first})")
            else:
                yield where, record

    def without_images(self, records: Iterable[tuple[str, Record]]) -> Iterator[Record]:
        """Records of a source that has no images."""
        return (record for _, record in self.unique(records))

    def _there(self, image: str) -> bool:
        try:
            return self.files.find(image) is not None
        except AmbiguousName:
            return True

    def _candidate(self, pool: Executor, where: str, record: Record, image: str) -> _Candidate:
        detail = "" if image == record.id else f" ({image})"
        try:
            name = self.files.find(image)
            if name is None:
                return _Candidate(where, record, None, "", lambda: f"image is absent{detail}")
            content = self.files.read(name)
        except AmbiguousName as error:
            reason = f"image is ambiguous ({error})"
            return _Candidate(where, record, None, "", lambda: reason)
        except UnreadableFile as error:
            reason = f"unreadable image ({error})"
            return _Candidate(where, record, None, "", lambda: reason)
        note = "" if agree(image, name) else one_line(f"image found by its base name ({image} -> {name})")
        return _Candidate(where, record, content, note, pool.submit(fault, content, self.max_megapixels).result)

    def _judged(self, candidate: _Candidate) -> Iterator[Record]:
        where, record, wrong = candidate.where, candidate.record, candidate.fault()
        if wrong is None:
            if candidate.note:
                self.findings.repaired(record.id, where, candidate.note)
            yield replace(record, image=candidate.content)
        elif record.labels is not None:
            self.findings.rejected(record.id, where, wrong)
        else:
            self.findings.stand_in(record.id, where, wrong)
            yield replace(record, image=GREY_IMAGE)


def _ahead(candidates: Iterable[_Candidate]) -> Iterator[_Candidate]:
    """The same in the same order, some of them made in advance, so that threads have images to decode."""
    waiting: deque[_Candidate] = deque()
    size = 0
    for candidate in candidates:
        waiting.append(candidate)
        size += candidate.size
        while len(waiting) > RECORDS_AT_ONCE or size > BYTES_AT_ONCE:
            size -= waiting[0].size
            yield waiting.popleft()
    yield from waiting
