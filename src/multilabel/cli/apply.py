"""`multilabel apply`: lay a recipe over params.yaml."""

import difflib
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from multilabel.cli.subcommand import Subcommand
from multilabel.core.files import write_text
from multilabel.core.paths import PARAMS


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("recipe", type=Path, help="such as recipes/competition.yaml")
    parser.add_argument(
        "-S",
        dest="overrides",
        metavar="SECTION.KEY=VALUE",
        action="append",
        default=[],
        help="one more value, such as datasets.captions.source=path/to/archive.zip; may be given several times",
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would change, and write nothing")


def run(given: Namespace) -> None:
    """Write params.yaml, or show the difference."""
    from multilabel.recipes import apply

    applied = apply(given.recipe, given.overrides)
    if given.dry_run:
        before, after = applied.before.splitlines(keepends=True), applied.after.splitlines(keepends=True)
        sys.stdout.writelines(difflib.unified_diff(before, after, str(PARAMS), f"{PARAMS} after {given.recipe}"))
    elif applied.after == applied.before:
        print(f"{PARAMS} holds {given.recipe} already")
    else:
        write_text(PARAMS, applied.after)
        print(f"{PARAMS} holds {given.recipe} now: {applied.summary()}")
        print(f"next: dvc repro; to undo: git checkout {PARAMS}")


APPLY = Subcommand(
    name="apply",
    help="lay a recipe over params.yaml",
    description="Lay a recipe over params.yaml. Its datasets, architectures, ablations, explanations and submission take "
    "the place of those that are there; in all other sections, and in a dataset that both have, a key that the recipe "
    "does not name stays. The result is checked before it is written; `git checkout params.yaml` undoes it.",
    configure=configure,
    run=run,
)
