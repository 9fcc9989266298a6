"""`multilabel compare`: what revisions, experiments among them, are worth against each other."""

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from multilabel.cli.subcommand import Subcommand
from multilabel.core.ranges import Count, Seed
from multilabel.core.revisions import commit_of, content


@dataclass(frozen=True, kw_only=True)
class _Evaluate:
    """Of `evaluate:` what a comparison needs, where what evaluates is not installed."""

    n_resamples: Count


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "revisions",
        metavar="REV",
        nargs="*",
        help="branches, tags, commits or experiments of DVC; the first is what the others are held against, and the work "
        "tree where it is the only one",
    )
    parser.add_argument("--curves", action="store_true", help="charts of the curves that moved, in Mermaid, below")


def run(given: Namespace) -> None:
    """Print the comparison as Markdown."""
    from multilabel.core.settings import parsed, read_section, typed
    from multilabel.reporting.review import Revision, curves, review, standing

    n_resamples = parsed(_Evaluate, read_section("evaluate"), "evaluate").n_resamples
    seed = typed(Seed, read_section("seed"), "seed")
    work_tree = Revision("this work tree", _here)
    revisions = [Revision(name, partial(content, commit_of(name))) for name in given.revisions]
    if not revisions:
        print(standing(work_tree, n_resamples, seed), end="")
        return
    base, *others = revisions
    for number, own in enumerate(others or [work_tree]):
        if len(others) > 1:
            print("\n" * (number > 0) + f"### {own.name}\n")
        print(review(base, own, n_resamples, seed), end="")
        if given.curves:
            print(f"\n{curves(base, own)}", end="")


def _here(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


COMPARE = Subcommand(
    name="compare",
    help="show what moved against another revision or experiment, record by record",
    description="Print, as Markdown, the paired difference in test samples-F1 with its 95 % interval for each architecture "
    "that is new (against the best of the base on valid) or moved (against its former version), beside its scores, its seconds "
    "and what changed. Without REV a row for every architecture of the work tree. Needs neither data nor models: it reads what "
    "git has.",
    configure=configure,
    run=run,
)
