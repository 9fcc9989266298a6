"""The bytes of a text file -> its text, whatever mixture of encodings and line ends it was written in."""

import codecs
import re

from multilabel.core.errors import UserError

MARKS = {  # the longer ones first: UTF-32's begins like UTF-16's
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
LINE_END = re.compile(rb"\r\n|\r|\n")


def decode(content: bytes, where: str) -> tuple[str, list[int]]:
    """The text with `\\n` line ends and without byte-order marks, and the numbers of the lines that are not UTF-8.

    Such a line alone is read as Windows-1252, in which every Western European spreadsheet exports; one appended from
    another program does not change the others. Raises `UserError` for binary content.
    """
    encoding = next((name for mark, name in MARKS.items() if content.startswith(mark)), "utf-8")
    strange: list[int] = []
    try:
        text = content.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise UserError(
                f"{where}: begins as {encoding.upper()} and is damaged at byte {error.start}; export it again as UTF-8"
            ) from None
        lines = [line.removeprefix(codecs.BOM_UTF8) for line in LINE_END.split(content)]
        strange = [number for number, line in enumerate(lines, start=1) if not _is_utf8(line)]
        text = "\n".join(map(_decode_line, lines))
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise UserError(
            f"{where} line {line}: holds NUL bytes, so it is no text table; export it again as CSV in UTF-8"
        )
    # A mark also stands within a file that was put together from several.
    return text.lstrip("\ufeff").replace("\n\ufeff", "\n"), strange


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decode_line(line: bytes) -> str:
    for encoding in ("utf-8", "cp1252"):
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            continue
    return line.decode("latin-1")  # five bytes have no meaning in Windows-1252; here every byte has one
