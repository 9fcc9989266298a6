"""`multilabel new dataset`: write the blocks of params.yaml for data of one's own, after a look at them."""

import re
import sys
from argparse import ArgumentParser, Namespace
from difflib import unified_diff
from pathlib import Path

from multilabel.cli.subcommand import Subcommand
from multilabel.core.files import write_text
from multilabel.core.paths import PARAMS

REASONS = 5  # of rows left out that are printed


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    parsers = parser.add_subparsers(title="what", metavar="what", required=True)
    dataset = parsers.add_parser(
        "dataset", help="a dataset and architectures that read it", description=NEW.description
    )
    dataset.add_argument("path", type=Path, help="a CSV, or a folder or archive with a table and images")
    dataset.add_argument("--name", help="of the dataset; otherwise that of the file or folder")
    dataset.add_argument(
        "--dry-run", action="store_true", help="say what was found, show the blocks, and write nothing"
    )


def run(given: Namespace) -> None:
    """Write params.yaml, or show the difference."""
    from multilabel.new_dataset import PIPELINE, new_dataset

    name = given.name or re.sub(r"\W+|_+", "_", given.path.stem.casefold(), flags=re.ASCII).strip("_")
    made = new_dataset(given.path, name)
    for remark in made.inspection.remarks:
        print(remark)
    found = made.inspection
    print(f"{found.labelled} rows with labels, {found.unlabelled} without, {found.with_image} with an image, "
          f"{found.with_text} with a text")  # fmt: skip
    for reason, count in sorted(found.rejected.items(), key=lambda item: -item[1])[:REASONS]:
        print(f"would be left out: {count} x {reason}")
    for caution in made.cautions:
        print(f"note: {caution}")
    if given.dry_run:
        before, after = made.before.splitlines(keepends=True), made.after.splitlines(keepends=True)
        sys.stdout.writelines(unified_diff(before, after, str(PARAMS), f"{PARAMS} with {name}"))
        return
    write_text(PIPELINE, made.pipeline)
    write_text(PARAMS, made.after)
    print(f"{PARAMS} has now {', '.join(made.blocks)}; {PIPELINE} artifacts.{name}")
    print(f"next: dvc repro{made.hint}; to undo: git checkout {PARAMS} {PIPELINE}")


NEW = Subcommand(
    name="new",
    help="write the blocks of params.yaml for data of one's own, after a look at them",
    description="Look at a table, and at the images that it names: which column is which, what separates columns and labels, "
    "which rows have labels. Every row is read as `ingest` will read it. Then write to params.yaml the dataset, architectures "
    "for what there is to read, and, where rows have no labels, a submission. The result is checked before it is written.",
    configure=configure,
    run=run,
)
