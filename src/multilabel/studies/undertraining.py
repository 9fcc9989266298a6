"""Whether a run was trained well enough to stand for a published row: its losses rest, and it beats simple answers."""

from collections.abc import Sequence

import pandas as pd

from multilabel.metrics.differences import paired_difference
from multilabel.studies.evidence import Evidence, paired
from multilabel.studies.predicted_sets import COMMON_RULE

FALL = 0.05  # of a loss, within the last part of the epochs: more is no end
LAST = 0.2  # share of the epochs, at least one
MEASURE = "f1_samples"  # in which a run must beat simple answers, by the rule that is the same for all


def undertrained(evidence: Evidence, tfidf: Sequence[Evidence]) -> str | None:
    """Why a run may carry no verdict, or None; `tfidf` is what is known of TF-IDF and logistic regression.

    A run that reads no text is not held against TF-IDF, nor is one that was tested on other records than it.
    """
    if not evidence.by_chance or evidence.trial:
        return None
    if unfinished := _unfinished(evidence):
        return unfinished
    own, constant = evidence.replicates(COMMON_RULE, MEASURE), evidence.constant(MEASURE)
    if own is None or constant is None:
        return "too little was predicted of test"
    if paired_difference(own, constant).interval().low <= 0:
        return "not shown to be above the constant answer"
    if "text" in evidence.scores["modality"]:
        found = [paired(evidence, other, MEASURE, COMMON_RULE) for other in tfidf]
        if any(difference and difference.interval().low <= 0 for difference in found):
            return "not shown to be above TF-IDF"
    return None


def _unfinished(evidence: Evidence) -> str | None:
    history = evidence.source.history()
    falling = []
    for seed, best in zip(evidence.scores["seeds"], evidence.scores["best_epochs"], strict=True):
        own = history[history["seed"] == seed]
        train, valid = (_values(own, f"{split}/loss") for split in ("train", "valid"))
        if not train or not valid:
            return "no curve shows how its training ended"
        falling.append(still_falling(train, valid, best))
    return "its losses were still falling at the end" if sum(falling) > len(falling) / 2 else None


def still_falling(train: Sequence[float], valid: Sequence[float], best_epoch: int) -> bool:
    """Whether training was cut short: the best epoch is one of the last, and both losses fell by more than `FALL` in them.

    A network that overfits has a train loss that falls for ever; its valid loss and its best epoch tell that it is done.
    One epoch shows no end.
    """
    epochs = len(train)
    last = max(1, round(LAST * epochs))
    if epochs <= last:
        return True
    if best_epoch <= epochs - last:
        return False
    return all(losses[-1] < (1 - FALL) * losses[-1 - last] for losses in (train, valid))


def _values(history: pd.DataFrame, name: str) -> list[float]:
    found: list[float] = history[history["curve"] == name].sort_values("step")["value"].tolist()
    return found
