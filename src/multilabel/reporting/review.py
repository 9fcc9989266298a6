"""What a change of the repository is worth: architectures that are new or moved, against a base revision, record by record."""

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from multilabel.core.errors import UserError
from multilabel.core.paths import METRICS, PER_RECORD, REPORTS, RESOLVED
from multilabel.metrics import per_record
from multilabel.metrics.per_record import Scored
from multilabel.metrics.predictions import difference_by_seed
from multilabel.metrics.scores import METRICS as SCORES
from multilabel.reporting.changes import changes
from multilabel.reporting.markdown import Markdown, code, table
from multilabel.reporting.tables import difference, number, verdict

DIFFERENCE = "difference in test samples-F1 (95 % interval)"
NOW = ("valid", "test samples-F1 (95 % interval)", "train s")
HEADS = ("dataset", "architecture", "compared with", DIFFERENCE, "verdict", *NOW, "changed")
STANDING = ("dataset", "architecture", "reads", *NOW, f"{DIFFERENCE} to the best on valid", "verdict")
CURVES = REPORTS / "curves.tsv"
CURVE = VALID = "valid_f1_samples"  # in tables of curves, and in what `evaluate` wrote
MOST_CURVES = 6  # architectures whose curves a review draws

BySeed = Mapping[str, NDArray[np.floating]]  # architecture -> (S, N) F1 of the test records, by each training


@dataclass(frozen=True)
class Revision:
    """A state of the repository; `content` gives what a file holds there, or None."""

    name: str
    content: Callable[[Path], bytes | None]

    @cached_property
    def scored(self) -> dict[str, Scored] | None:
        """Dataset -> F1 of its test records; None where the file is not there."""
        found = self.content(PER_RECORD)
        try:
            return None if found is None else per_record.read(io.BytesIO(found))
        except (ValueError, KeyError, OSError):  # what pyarrow and pandas raise
            raise self._unreadable(PER_RECORD, "report") from None

    def best(self, architectures: Iterable[str]) -> str | None:
        """The best on valid; None where no score is known."""
        known = {name: score for name in architectures if (score := self._valid(name)) is not None}
        return max(known, key=lambda name: SCORES["f1_samples"].better(known[name])) if known else None

    def row(self, architecture: str) -> dict[str, Any]:
        """What `evaluate` wrote of it; empty where there is nothing."""
        path = METRICS / "evaluate" / f"{architecture}.json"
        found = self.content(path)
        if found is None:
            return {}
        try:
            row = json.loads(found)
            return {**row, VALID: row[VALID]}
        except (ValueError, KeyError, TypeError):
            raise self._unreadable(path, f"evaluate@{architecture}") from None

    def by_chance(self, architecture: str) -> bool:
        """Whether another seed would give something else, which it does but of a baseline."""
        found = self.content(RESOLVED / f"{architecture}.json")
        try:
            return found is None or json.loads(found).get("kind") != "baseline"
        except (ValueError, AttributeError):
            raise self._unreadable(RESOLVED / f"{architecture}.json", "resolve") from None

    def curves(self) -> dict[str, list[float]]:
        """Architecture -> samples-F1 on valid by epoch."""
        found = self.content(CURVES)
        try:
            table = pd.read_csv(io.BytesIO(found), sep="\t") if found else pd.DataFrame(columns=["architecture", CURVE])
            return {str(name): rows[CURVE].dropna().tolist() for name, rows in table.groupby("architecture")}
        except (ValueError, KeyError):
            raise self._unreadable(CURVES, "report") from None

    def _valid(self, architecture: str) -> float | None:
        return self.row(architecture).get("valid_f1_samples")

    def _unreadable(self, path: Path, stage: str) -> UserError:
        return UserError(f"{path} of {self.name} cannot be read; write it again with `dvc repro -f {stage}`")


def review(base: Revision, own: Revision, n_resamples: int, seed: int) -> Markdown:
    """A table of paired differences on test, and in sentences what is not in it."""
    for revision in (own, base):
        if revision.scored is None:
            return Markdown(
                f"{code(revision.name)} has no {code(PER_RECORD)}, so no score can be compared record by record.\n"
            )
    there, here = base.scored or {}, own.scored or {}
    rows: list[list[object]] = []
    told: list[Markdown] = []
    for dataset, scored in here.items():
        if dataset not in there:
            told.append(Markdown(f"Dataset {code(dataset)} is new: nothing of it can be compared."))
        elif (same := there[dataset].in_order_of(scored.records)) is None:
            told.append(_other_records(dataset, scored.records, there[dataset].records, base.name))
        else:
            before = same.by_seed
            for name, other in _changes(scored.by_seed, before, base):
                chance = own.by_chance(name), base.by_chance(other)
                found = difference_by_seed(scored.by_seed[name], before[other], n_resamples, seed, chance)
                moved = changes(name, base.content, own.content)
                now = _now(own.row(name), base.row(name) if name in before else {})
                shown = [code(dataset), code(name), _which(name, other, base)]
                rows.append([*shown, difference(found), verdict(found), *now, moved])
            told += _not_compared(scored.by_seed, before, base)
    told += [Markdown(f"Dataset {code(name)} is no longer there.") for name in there if name not in here]
    compared = [table(HEADS, rows)] if rows else []
    return Markdown("\n\n".join([*compared, *told]) + "\n")


def standing(own: Revision, n_resamples: int, seed: int) -> Markdown:
    """The few columns of one revision that people look at: a row per architecture, the best on valid first."""
    if own.scored is None:
        return Markdown(f"{code(own.name)} has no {code(PER_RECORD)}; run `dvc repro` first.\n")
    rows: list[list[object]] = []
    for dataset, scored in own.scored.items():
        f1, best = scored.by_seed, own.best(scored.by_seed)
        for name in sorted(f1, key=lambda name: -(own.row(name).get("valid_f1_samples") or 0)):
            row = own.row(name)
            chance = own.by_chance(name), own.by_chance(best or "")
            found = difference_by_seed(f1[name], f1[best], n_resamples, seed, chance) if best else {}
            shown = [difference(found), verdict(found)] if found and name != best else ["", ""]
            rows.append([code(dataset), code(name), row.get("modality", ""), *_now(row, {}), *shown])
    return Markdown(f"{table(STANDING, rows)}\n")


def curves(base: Revision, own: Revision) -> Markdown:
    """Charts in Mermaid, which GitHub draws: samples-F1 on valid by epoch of what moved, on both revisions."""
    before, after = base.curves(), own.curves()
    moved = [name for name, values in after.items() if values and before.get(name) != values]
    charts = []
    for name in moved[:MOST_CURVES]:
        former, values = before.get(name), after[name]
        if former and len(former) == len(values):
            charts.append(_chart(f"{name}: {base.name}, then {own.name}", former, values))
        else:  # Mermaid stretches a shorter line over the whole axis
            charts += [_chart(f"{name}: {base.name}", former)] if former else []
            charts.append(_chart(f"{name}: {own.name}", values))
    left = [f"{len(moved) - MOST_CURVES} other curves moved."] if len(moved) > MOST_CURVES else []
    return Markdown("\n\n".join([*charts, *left] or ["No curve moved."]) + "\n")


def _chart(title: str, *lines: Sequence[float]) -> str:
    """Lines of as many epochs."""
    drawn = [f"    line [{', '.join(f'{value:.4f}' for value in values)}]" for values in lines]
    return "\n".join([
        "```mermaid", "xychart-beta", f'    title "{title}"', f'    x-axis "epoch" 1 --> {len(lines[0])}',
        '    y-axis "samples-F1 on valid"', *drawn, "```",
    ])  # fmt: skip


def _now(row: Mapping[str, Any], before: Mapping[str, Any]) -> list[object]:
    """The score on valid, which was another before, the one on test with its interval, and seconds of training."""
    valid, old = row.get("valid_f1_samples"), before.get("valid_f1_samples")
    moved = f"{number(old)} to {number(valid)}" if old is not None and old != valid else number(valid)
    low, high = (number(row.get(f"f1_samples_ci_{end}")) for end in ("low", "high"))
    return [moved, f"{number(row.get('f1_samples'))} ({low} to {high})", number(row.get("train_seconds"), ".0f")]


def _changes(here: BySeed, there: BySeed, base: Revision) -> Iterator[tuple[str, str]]:
    """An architecture that moved with itself, its former version; a new one with the best of the base."""
    best = base.best(there)
    for name, f1 in here.items():
        if name in there:
            if not np.array_equal(f1, there[name]):
                yield name, name
        elif best is not None:
            yield name, best


def _which(name: str, other: str, base: Revision) -> Markdown:
    if name == other:
        return Markdown(f"itself on {code(base.name)}")
    return Markdown(f"{code(other)}, the best of {code(base.name)} on valid")


def _not_compared(here: BySeed, there: BySeed, base: Revision) -> Iterator[Markdown]:
    lists = {
        "The same on every test record": [n for n in here if n in there and np.array_equal(here[n], there[n])],
        "No longer there": [n for n in there if n not in here],
    }
    if base.best(there) is None:
        lists["New, and nothing of the base has a score on valid"] = [n for n in here if n not in there]
    yield from (Markdown(f"{said}: {', '.join(map(code, names))}.") for said, names in lists.items() if names)


def _other_records(dataset: str, here: pd.Index, there: pd.Index, base: str) -> Markdown:
    both = len(here.intersection(there))
    return Markdown(
        f"The test records of {code(dataset)} are not those of {code(base)} ({len(here):,} here, {len(there):,} there, "
        f"{both:,} of them with the same id and labels), so nothing of it can be compared."
    )
