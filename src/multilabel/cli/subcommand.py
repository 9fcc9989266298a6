"""What a subcommand of `multilabel` is."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Subcommand:
    """Its words, its arguments, and what it does with them.

    `run` itself imports what takes long or what not every installation has: all subcommands are loaded to parse one.
    """

    name: str
    help: str  # one line
    description: str
    configure: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], None]
