"""The one kind of error a user is meant to read, and the door through which every stage reports it."""

import argparse
import errno
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LONGEST = 500  # characters of a line that somebody reads
REMEDIES = {
    errno.ENOSPC: "free some space there and run again",
    errno.EDQUOT: "free some of your quota there and run again",
    errno.EACCES: "give this user access to it",
    errno.EPERM: "give this user access to it",
    errno.EROFS: "choose a place that can be written to",
    errno.ENOENT: "check the path, or let `dvc repro` make what is missing",
    errno.EEXIST: "move what is there out of the way",
    errno.ENOTDIR: "a folder belongs there; move the file out of the way",
    errno.EISDIR: "a file belongs there; move the folder out of the way",
    errno.ENAMETOOLONG: "choose a shorter name",
}


class UserError(Exception):
    """A mistake its reader can mend: one line with what, where, what was expected and how to fix it.

    Several mistakes found at once are several arguments, a line each. Whatever the data hold, each stays one line:
    characters that cannot be printed are escaped, and the middle of a line beyond `LONGEST` is left out.
    """

    def __str__(self) -> str:
        return "\n".join(one_line(str(mistake)) for mistake in self.args)


@contextmanager
def noting(mistakes: list[str]) -> Iterator[None]:
    """Go on after a `UserError`; its lines join `mistakes`."""
    try:
        yield
    except UserError as error:
        mistakes += map(str, error.args)


def one_line(text: str) -> str:
    """`text` as a line that can be printed and read."""
    visible = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shorten(text))
    return shorten(visible)


def shorten(text: str, longest: int = LONGEST) -> str:
    """`text` of at most `longest` characters: its beginning says what and where, its end how to fix it."""
    if len(text) <= longest:
        return text
    mark = " [...] "
    tail = (longest - len(mark)) // 2
    return text[: longest - len(mark) - tail] + mark + text[-tail:]


def run_stage(stage: Callable[..., None], *arguments: str) -> None:
    """Call `stage` with the named command-line arguments.

    A `UserError`, and whatever the operating system refuses (a full disk, no permission, a file where a folder
    belongs), ends it with one line and exit code 1.
    """
    parser = argparse.ArgumentParser(description=(stage.__doc__ or "").strip())
    for argument in arguments:
        parser.add_argument(argument)
    try:
        stage(**vars(parser.parse_args()))
    except UserError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {refused(error)}")


def refused(error: OSError) -> UserError:
    """What the operating system refused, as its reader can mend it."""
    where = " -> ".join(str(name) for name in (error.filename, error.filename2) if name is not None)
    what = error.strerror or str(error) or type(error).__name__
    remedy = REMEDIES.get(error.errno or 0, "mend that and run again")
    return UserError(f"{where}: {what}; {remedy}" if where else f"{what}; {remedy}")
