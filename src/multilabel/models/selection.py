"""Which trained model of a dataset is the best on valid within the limits: what is submitted and what is published."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

from multilabel.core.errors import UserError
from multilabel.core.paths import model_folder
from multilabel.metrics.scores import METRICS, mean_of
from multilabel.models.folder import read_trainings, size_mb
from multilabel.models.limits import Limits, broken


@dataclass(frozen=True)
class Selection:
    """The best, the scores on valid of all that were considered, and what the others take that they may not."""

    best: str
    on_valid: Mapping[str, float | None]
    excluded: Mapping[str, list[str]]

    def excluded_in_words(self) -> str:
        """For a line."""
        return in_words(self.excluded)


def select(dataset: str, candidates: Iterable[str], metric: str, limits: Limits, where: str) -> Selection:
    """Among the candidates that are trained, by their means over seeds.

    Raises `UserError`, which names the section `where`, if none can be chosen.
    """
    trained = [name for name in candidates if model_folder(dataset, name).exists()]
    if not trained:
        raise UserError(f"models/ has no trained architecture for dataset {dataset!r}; run `dvc repro train` first")
    trainings = {name: read_trainings(model_folder(dataset, name)) for name in trained}
    seconds = {name: fmean(one.seconds for one in own) for name, own in trainings.items()}
    taken = {name: broken(limits, size_mb(model_folder(dataset, name)), seconds[name]) for name in trained}
    excluded = {name: found for name, found in taken.items() if found}
    on_valid = {
        name: mean_of(one.valid[metric] for one in own) for name, own in trainings.items() if name not in excluded
    }
    if not on_valid:
        raise UserError(f"limits: no architecture for {dataset!r} keeps them ({in_words(excluded)}); raise limits:")
    if all(score is None for score in on_valid.values()):
        raise UserError(f"{where}: {metric} cannot be computed of the records of valid; choose another, or a larger share "
                        f"for split.valid")  # fmt: skip
    return Selection(max(on_valid, key=lambda name: METRICS[metric].better(on_valid[name])), on_valid, excluded)


def in_words(excluded: Mapping[str, list[str]]) -> str:
    """What models take that they may not."""
    return "; ".join(f"{name} takes {', '.join(found)}" for name, found in excluded.items())
