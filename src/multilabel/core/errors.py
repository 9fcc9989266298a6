"""The one kind of error a user is meant to read, and the door through which every stage reports it."""

import argparse
import sys
from collections.abc import Callable


class UserError(Exception):
    """A mistake its reader can mend: one line with what, where, what was expected and how to fix it."""


def run_stage(stage: Callable[..., None], *arguments: str) -> None:
    """Call `stage` with the named command-line arguments; a `UserError` ends it with one line and exit code 1."""
    parser = argparse.ArgumentParser(description=(stage.__doc__ or "").strip())
    for argument in arguments:
        parser.add_argument(argument)
    try:
        stage(**vars(parser.parse_args()))
    except UserError as error:
        sys.exit(f"error: {error}")
