"""A stream of questions -> a stream of answers, in order and with flat memory; what cannot be read is answered too."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from multilabel.core.errors import UserError, one_line, refused
from multilabel.core.streams import gathered
from multilabel.inference.classifier import Classifier
from multilabel.inference.examples import Example
from multilabel.inference.images import UnreadableInput
from multilabel.inference.predictions import Prediction
from multilabel.inference.sources import Question

AT_ONCE = 4096  # records
BYTES_AT_ONCE = 64_000_000  # or fewer, of encoded images and of pixels


@dataclass(frozen=True)
class Answer:
    """What a model says of a record, or why it says nothing."""

    id: str
    prediction: Prediction | None
    problem: str = ""


@dataclass(frozen=True)
class _Asked:
    """A question with the content of its image, or with why there is none."""

    question: Question
    content: bytes | None
    problem: str


def answers(classifier: Classifier, questions: Iterator[Question]) -> Iterator[list[Answer]]:
    """In the order of the questions, some thousand at a time; the next ones are read while the network computes."""
    chunks = gathered(map(_fetched, questions), _bytes, _records_at_once(classifier), BYTES_AT_ONCE)
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(os.cpu_count()) as decoders:

        def following() -> tuple[list[_Asked], list[Example | str]] | None:
            chunk = next(chunks, None)
            return None if chunk is None else (chunk, list(decoders.map(lambda one: _read(classifier, one), chunk)))

        waiting = reader.submit(following)
        while (read := waiting.result()) is not None:
            waiting = reader.submit(following)
            yield _answered(classifier, *read)


def _records_at_once(classifier: Classifier) -> int:
    pixels = sum(3 * view.side**2 for view in classifier.reader.views)
    return max(1, min(AT_ONCE, BYTES_AT_ONCE // max(1, pixels)))


def _bytes(asked: _Asked) -> int:
    return len(asked.content or b"")


def _fetched(question: Question) -> _Asked:
    """One after the other: an archive has one place at which it is read."""
    if question.image is None or question.problem:
        return _Asked(question, None, question.problem)
    try:
        return _Asked(question, question.image(), "")
    except UserError as error:
        return _Asked(question, None, str(error))
    except OSError as error:
        return _Asked(question, None, str(refused(error)))


def _read(classifier: Classifier, asked: _Asked) -> Example | str:
    """The record, or why it cannot be read."""
    if asked.problem:
        return asked.problem
    try:
        return classifier.reader.read(asked.content, asked.question.text)
    except UnreadableInput as error:
        return str(error)


def _answered(classifier: Classifier, asked: Sequence[_Asked], read: Sequence[Example | str]) -> list[Answer]:
    found = iter(classifier.predict_records([record for record in read if isinstance(record, Example)]))
    return [
        Answer(one.question.id, next(found))
        if isinstance(record, Example)
        else Answer(one.question.id, None, one_line(record))
        for one, record in zip(asked, read, strict=True)
    ]
