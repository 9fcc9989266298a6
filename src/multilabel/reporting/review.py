"""What a change of the repository is worth: architectures that are new or moved, against a base revision, record by record."""

import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from multilabel.core.errors import UserError
from multilabel.core.paths import METRICS, PER_RECORD
from multilabel.metrics import per_record
from multilabel.metrics.predictions import mean_difference
from multilabel.metrics.scores import METRICS as SCORES
from multilabel.reporting.markdown import Markdown, code, table
from multilabel.reporting.tables import difference, verdict

HEADS = ("dataset", "architecture", "compared with", "difference in test samples-F1 (95 % interval)", "verdict")


@dataclass(frozen=True)
class Revision:
    """A state of the repository; `content` gives what a file holds there, or None."""

    name: str
    content: Callable[[Path], bytes | None]

    @cached_property
    def records(self) -> dict[str, pd.DataFrame] | None:
        """Dataset -> F1 by test record and architecture; None where the file is not there."""
        found = self.content(PER_RECORD)
        try:
            return None if found is None else per_record.read(io.BytesIO(found))
        except (ValueError, KeyError, OSError):  # what pyarrow and pandas raise
            raise self._unreadable(PER_RECORD, "report") from None

    def best(self, architectures: Iterable[str]) -> str | None:
        """The best on valid; None where no score is known."""
        known = {name: score for name in architectures if (score := self._valid(name)) is not None}
        return max(known, key=lambda name: SCORES["f1_samples"].better(known[name])) if known else None

    def _valid(self, architecture: str) -> float | None:
        path = METRICS / "evaluate" / f"{architecture}.json"
        found = self.content(path)
        try:
            return None if found is None else json.loads(found)["valid_f1_samples"]
        except (ValueError, KeyError, TypeError):
            raise self._unreadable(path, f"evaluate@{architecture}") from None

    def _unreadable(self, path: Path, stage: str) -> UserError:
        return UserError(f"{path} of {self.name} cannot be read; write it again with `dvc repro -f {stage}`")


def review(base: Revision, own: Revision, n_resamples: int, seed: int) -> Markdown:
    """A table of paired differences on test, and in sentences what is not in it."""
    for revision in (own, base):
        if revision.records is None:
            return Markdown(
                f"{code(revision.name)} has no {code(PER_RECORD)}, so no score can be compared record by record.\n"
            )
    there, here = base.records or {}, own.records or {}
    rows: list[list[object]] = []
    told: list[Markdown] = []
    for dataset, records in here.items():
        if dataset not in there:
            told.append(Markdown(f"Dataset {code(dataset)} is new: nothing of it can be compared."))
        elif not records.index.equals(there[dataset].index):
            told.append(_other_records(dataset, records.index, there[dataset].index, base.name))
        else:
            for name, other, change in _changes(records, there[dataset], base):
                found = mean_difference(change, n_resamples, seed)
                rows.append([code(dataset), code(name), other, difference(found), verdict(found)])
            told += _not_compared(records, there[dataset], base)
    told += [Markdown(f"Dataset {code(name)} is no longer there.") for name in there if name not in here]
    shown = [table(HEADS, rows)] if rows else []
    return Markdown("\n\n".join([*shown, *told]) + "\n")


def _changes(
    here: pd.DataFrame, there: pd.DataFrame, base: Revision
) -> Iterator[tuple[str, Markdown, NDArray[np.floating]]]:
    """An architecture that moved with its former version, a new one with the best of the base; the differences by record."""
    best = base.best(_names(there))
    for name in _names(here):
        if name in there:
            if not here[name].equals(there[name]):
                yield name, Markdown(f"itself on {code(base.name)}"), (here[name] - there[name]).to_numpy()
        elif best is not None:
            other = Markdown(f"{code(best)}, the best of {code(base.name)} on valid")
            yield name, other, (here[name] - there[best]).to_numpy()


def _not_compared(here: pd.DataFrame, there: pd.DataFrame, base: Revision) -> Iterator[Markdown]:
    lists = {
        "The same on every test record": [n for n in _names(here) if n in there and here[n].equals(there[n])],
        "No longer there": [n for n in _names(there) if n not in here],
    }
    if base.best(_names(there)) is None:
        lists["New, and nothing of the base has a score on valid"] = [n for n in _names(here) if n not in there]
    yield from (Markdown(f"{said}: {', '.join(map(code, names))}.") for said, names in lists.items() if names)


def _other_records(dataset: str, here: pd.Index, there: pd.Index, base: str) -> Markdown:
    both = len(here.intersection(there))
    return Markdown(
        f"The test records of {code(dataset)} are not those of {code(base)} ({len(here):,} here, {len(there):,} there, "
        f"{both:,} of them with the same id and labels), so nothing of it can be compared."
    )


def _names(records: pd.DataFrame) -> list[str]:
    return list(map(str, records.columns))
