"""`multilabel compare`: what the work tree is worth against another revision."""

from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path

from multilabel.cli.subcommand import Subcommand
from multilabel.core.revisions import commit_of, content


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("base", help="a branch, a tag or a commit, such as main")


def run(given: Namespace) -> None:
    """Print the comparison as Markdown."""
    from multilabel.core.settings import read_params
    from multilabel.reporting.review import Revision, review

    params = read_params()
    base = Revision(given.base, partial(content, commit_of(given.base)))
    print(review(base, Revision("this work tree", _here), params["evaluate"]["n_resamples"], params["seed"]), end="")


def _here(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


COMPARE = Subcommand(
    name="compare",
    help="show what moved against another revision, record by record",
    description="Print, as Markdown, the paired difference in test samples-F1 with its 95 %% interval for each architecture "
    "that is new (against the best of the base on valid) or moved (against its former version). Needs neither data nor models: "
    "it reads reports/f1_per_record.parquet and metrics/evaluate/ of both.",
    configure=configure,
    run=run,
)
