"""`multilabel predict`: labels for images, a table or texts."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from multilabel.cli.subcommand import Subcommand
from multilabel.core.errors import UserError

if TYPE_CHECKING:
    from multilabel.inference.answers import Answer
    from multilabel.inference.classifier import Classifier
    from multilabel.inference.sources import Questions
    from multilabel.inference.writers import Rows, Write

INCOMPLETE = 3  # exit code: some inputs could not be read
LISTED = 10  # of these, on stderr; all are in the output


def configure_inputs(parser: ArgumentParser) -> None:
    """The arguments that say of which model and which records."""
    parser.add_argument("model", type=Path, help="a model folder, such as models/captions/resnet18_bigru")
    parser.add_argument(
        "--images", type=Path, nargs="+", default=[], metavar="PATH", help="folders, zip or tar archives, or images"
    )
    parser.add_argument("--table", type=Path, help="a CSV, TSV or TXT with a record a row")
    parser.add_argument(
        "--columns",
        type=columns,
        default={},
        metavar="NAME=COLUMN,...",
        help="which column of the table holds what, such as id=sku,text=title+description,image=file; usual names are found",
    )
    parser.add_argument("--text", action="append", default=[], dest="texts", help="a text; may be given several times")


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    configure_inputs(parser)
    parser.add_argument("--out", type=Path, help="a file that ends in .csv, .jsonl or .parquet; else rows are printed")
    parser.add_argument(
        "--top", type=int, default=0, metavar="N", help="add the N most probable labels, with probabilities"
    )
    parser.add_argument("--all", action="store_true", dest="every", help="add the probabilities of all labels")
    parser.add_argument("--separator", default=";", help="between the labels of a row of CSV (default: ;)")
    parser.add_argument("--json", action="store_true", help="print JSON: the rows, or with --out what was done")
    parser.add_argument("--quiet", action="store_true", help="no progress")


def columns(given: str) -> dict[str, str]:
    """`id=sku,text=title` -> what each column holds."""
    pairs = dict(part.partition("=")[::2] for part in given.split(","))
    if not pairs.keys() <= {"id", "text", "image"} or not all(pairs.values()):
        raise ArgumentTypeError(f"{given!r} is not like id=sku,text=title+description,image=file")
    return pairs


def run(given: Namespace) -> None:
    """Predict, and exit with INCOMPLETE if some inputs could not be read."""
    from tqdm import tqdm

    from multilabel.inference.answers import answers
    from multilabel.inference.classifier import Classifier
    from multilabel.inference.writers import Rows

    classifier = Classifier.load(given.model)
    questions = asked_for(given, classifier)
    rows = Rows(classifier.labels, given.top, given.every)
    problems: list[Answer] = []
    bar = tqdm(total=questions.total, unit="record", desc=classifier.name, mininterval=1, disable=given.quiet or None)
    with _output(given, rows) as write, bar:
        for some in answers(classifier, questions.stream):
            write(map(rows.row, some))
            problems += [answer for answer in some if answer.prediction is None]
            bar.update(len(some))
    _report(given, questions, problems)
    if problems:
        sys.exit(INCOMPLETE)


def asked_for(given: Namespace, classifier: "Classifier") -> "Questions":
    """The records that the arguments name; raises `UserError` where there is nothing that the model reads."""
    from multilabel.inference.sources import of_images, of_table, of_texts

    if given.table is not None:
        if given.texts:
            raise UserError("--text and --table: a row of the table has its own text; give one of both")
        return of_table(given.table, given.images, given.columns, classifier.reads)
    if not (given.images or given.texts):
        raise UserError("nothing to predict; give --images, --table or --text")
    offered = {"image": bool(given.images), "text": bool(given.texts)}
    if not any(offered[modality] for modality in classifier.reads):
        reads = " and ".join(classifier.reads)
        raise UserError(f"{classifier.name} reads {reads}, and none was given; give it by --images, --text or --table")
    if given.images:
        return of_images(given.images, given.texts)
    return of_texts(given.texts)


@contextmanager
def _output(given: Namespace, rows: "Rows") -> "Iterator[Write]":
    from multilabel.inference.writers import csv_rows, json_rows, writing

    if given.out is not None:
        with writing(given.out, rows, given.separator) as write:
            yield write
    else:
        yield json_rows(sys.stdout) if given.json else csv_rows(sys.stdout, rows, given.separator)


def _report(given: Namespace, questions: "Questions", problems: "list[Answer]") -> None:
    done = questions.total - len(problems)
    for answer in problems[:LISTED]:
        print(f"{answer.id}: {answer.problem}", file=sys.stderr)
    if len(problems) > LISTED:
        print(f"... and {len(problems) - LISTED} more, each with its row in the output", file=sys.stderr)
    if given.out is None:
        return
    if given.json:
        counts = {"predicted": done, "problems": len(problems), "passed_over": questions.passed_over}
        print(json.dumps({"out": str(given.out), **counts}))
    else:
        unread = f", {len(problems)} could not be read (column `problem`)" if problems else ""
        others = f"; passed over as no images: {questions.passed_over}" if questions.passed_over else ""
        print(f"{given.out}: {done} records predicted{unread}{others}")


PREDICT = Subcommand(
    name="predict",
    help="give labels to images, a table or texts",
    description="Give labels to the images of folders and archives, to the rows of a table, or to texts. Every input has a row "
    "in the output: id, labels, and why it could not be read, if so. Exit codes: 0, all were predicted; 1, a line "
    "says why there is no output; 2, wrong arguments; 3, some inputs, or all of them, could not be read.",
    configure=configure,
    run=run,
)
