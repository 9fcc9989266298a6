"""`multilabel drop-examples`: what is left is a repository of one's own."""

import shutil
from argparse import ArgumentParser, Namespace

from multilabel.cli.subcommand import Subcommand
from multilabel.core.errors import UserError
from multilabel.core.files import write_text
from multilabel.core.paths import PARAMS

SHOWN = 5  # files that a message names


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("--dry-run", action="store_true", help="say what would go, and change nothing")


def run(given: Namespace) -> None:
    """Delete and rewrite, or say what would be."""
    from multilabel.drop_examples import KEPT_EMPTY, examples, unsaved

    found = examples()
    for section, names in found.names.items():
        print(f"{section}: {', '.join(sorted(names))}")
    print(f"files and folders: {', '.join(map(str, found.paths)) or 'none'}")
    print(f"lines in: {', '.join(map(str, found.texts)) or 'none'}")
    if given.dry_run:
        return
    lost = unsaved(found.paths)
    if lost:
        raise UserError(
            f"{', '.join(lost[:SHOWN])}: changed since the last commit, or not in it, and would be deleted; commit "
            "them first, or move what is your own elsewhere"
        )
    for path, text in found.texts.items():
        write_text(path, text)
    for path in found.paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    KEPT_EMPTY.parent.mkdir(parents=True, exist_ok=True)
    KEPT_EMPTY.touch()
    print(f"next: multilabel new dataset PATH, or dvc repro with what {PARAMS} has; to undo: git restore .")


DROP_EXAMPLES = Subcommand(
    name="drop-examples",
    help="take the examples out, with their results and studies",
    description="Take out of params.yaml the generated datasets and what reads them, with their results, entries of dvc.lock and "
    "figures; the studies of published reports; recipes; and the lines of pages that are about them. Blocks of one's own stay.",
    configure=configure,
    run=run,
)
