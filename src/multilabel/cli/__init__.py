"""The command `multilabel`: a module for each subcommand, with its parser and what it does."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from multilabel.cli.apply import APPLY
from multilabel.cli.compare import COMPARE
from multilabel.cli.drop_examples import DROP_EXAMPLES
from multilabel.cli.explain import EXPLAIN
from multilabel.cli.export import EXPORT
from multilabel.cli.info import INFO
from multilabel.cli.new import NEW
from multilabel.cli.predict import PREDICT
from multilabel.cli.search import SEARCH
from multilabel.cli.serve import SERVE
from multilabel.core.errors import UserError, refused

SUBCOMMANDS = (APPLY, COMPARE, SEARCH, NEW, DROP_EXAMPLES, INFO, PREDICT, EXPLAIN, EXPORT, SERVE)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a subcommand; a user's mistake ends it with one line for each on stderr and exit code 1."""
    parser = argparse.ArgumentParser("multilabel", description="Multi-label classification of images, text, and both.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('multilabel')}")
    parsers = parser.add_subparsers(title="subcommands", metavar="subcommand", required=True)
    for subcommand in SUBCOMMANDS:
        own = parsers.add_parser(subcommand.name, help=subcommand.help, description=subcommand.description)
        subcommand.configure(own)
        own.set_defaults(run=subcommand.run)
    given = parser.parse_args(arguments)
    try:
        given.run(given)
    except UserError as error:
        sys.exit(f"error: {error}")
    except BrokenPipeError:  # whoever reads the output has seen enough; Python would complain once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        sys.exit(f"error: {refused(error)}")
