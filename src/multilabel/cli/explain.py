"""`multilabel explain`: where a network looked, and which words counted."""

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from multilabel.cli.predict import INCOMPLETE, asked_for, configure_inputs
from multilabel.cli.subcommand import Subcommand
from multilabel.core.errors import UserError

if TYPE_CHECKING:
    from multilabel.reporting.explained import Explained
    from multilabel.reporting.why import Why

FORMS = (".html", ".png")


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    configure_inputs(parser)
    parser.add_argument(
        "--out", type=Path, default=Path("why.html"), help="a file that ends in .html or .png (default: why.html)"
    )
    parser.add_argument(
        "--labels", nargs="+", default=[], metavar="NAME", help="labels to explain, not the most probable ones"
    )
    parser.add_argument(
        "--top", type=_positive, default=3, metavar="N", help="how many of the most probable labels (default: 3)"
    )
    parser.add_argument(
        "--most", type=_positive, default=20, metavar="N", help="records that are explained at most (default: 20)"
    )


def _positive(given: str) -> int:
    if not given.isdecimal() or int(given) < 1:
        raise ArgumentTypeError(f"{given!r} is not a number of 1 at least")
    return int(given)


def run(given: Namespace) -> None:
    """Explain the first records, and exit with INCOMPLETE if some inputs could not be read."""
    if given.out.suffix.lower() not in FORMS:
        raise UserError(f"--out {given.out}: is neither HTML nor PNG; name a file that ends in {' or '.join(FORMS)}")
    from multilabel.core.files import write_text
    from multilabel.inference.classifier import Classifier
    from multilabel.reporting.why import page, picture, raw, why

    classifier = Classifier.load(given.model)
    as_picture = given.out.suffix.lower() == ".png"
    questions = asked_for(given, classifier)
    raws: list[Explained] = []
    whys: list[Why] = []
    unread = 0
    for question in islice(questions.stream, given.most):
        try:
            if question.problem:
                raise UserError(question.problem)
            image = None if question.image is None else question.image()
            if as_picture:
                raws.append(raw(classifier, image, question.text, given.top, given.labels))
            else:
                whys.append(why(classifier, question.id, image, question.text, given.top, given.labels))
        except UserError as error:
            print(f"{question.id}: {error}", file=sys.stderr)
            unread += 1
    number = len(raws) + len(whys)
    if not number:
        raise UserError("nothing could be explained")
    if as_picture:
        picture(raws, classifier.labels, given.out)
    else:
        write_text(given.out, page(whys, classifier.name))
    left = questions.total - number - unread
    print(f"{given.out}: {number} records explained" + (f", {left} more were not asked for (--most)" if left else ""))
    if unread:
        sys.exit(INCOMPLETE)


EXPLAIN = Subcommand(
    name="explain",
    help="show where a network looked and which words counted",
    description="Show for some records why a network gives its most probable labels: Grad-CAM over the picture, and what each "
    "word adds, in one HTML page or one PNG. Exit codes are those of `multilabel predict`, and 1 where "
    "nothing could be explained.",
    configure=configure,
    run=run,
)
