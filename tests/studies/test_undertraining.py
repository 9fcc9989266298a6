"""A run is undertrained if it was cut short, or if simple answers are as good."""

from pathlib import Path

import numpy as np
import pytest
from evidence_of import TFIDF, evidence, study_of, truth

from multilabel.studies.undertraining import still_falling, undertrained

END, FALLS, RISES = [0.7, 0.5, 0.4, 0.4, 0.4], [0.7, 0.6, 0.5, 0.4, 0.3], [0.7, 0.5, 0.4, 0.5, 0.6]


@pytest.mark.parametrize(
    ("train", "valid", "best", "falls"),
    [
        (FALLS, FALLS, 5, True),
        (FALLS, END, 5, False),  # it fits train ever better, which is no sign that it learns
        (FALLS, RISES, 3, False),  # and overfits
        (FALLS, FALLS, 3, False),  # the best epoch is past
        (END, END, 5, False),
        ([0.5, 0.48], [0.5, 0.48], 2, False),  # four per cent
        ([0.5, 0.4], [0.5, 0.4], 2, True),
        ([0.5], [0.5], 1, True),  # one epoch shows no end
        ([*FALLS, *[0.3] * 5], [*FALLS, *[0.3] * 5], 9, False),
        ([1 - i / 60 for i in range(50)], [1 - i / 60 for i in range(50)], 45, True),
    ],
)
def test_training_that_was_cut_short(train: list[float], valid: list[float], best: int, falls: bool) -> None:
    assert still_falling(train, valid, best) is falls


@pytest.mark.parametrize(
    ("about", "reason"),
    [
        ({}, None),
        ({"curves": {"train/loss": FALLS, "valid/loss": FALLS}, "best_epochs": [5]}, "its losses were still falling"),
        ({"curves": {"train/loss": FALLS, "valid/loss": RISES}, "best_epochs": [3]}, None),
        ({"curves": {}}, "no curve shows how its training ended"),
        ({"curves": {"train/loss": END}}, "no curve shows how its training ended"),
        ({"right": 0.3}, "not shown to be above the constant answer"),
        ({"targets": truth(1)}, "too little was predicted of test"),
        ({"right": 0.3, "planned_updates": 0}, None),  # a baseline is what it is
        ({"right": 0.3, "scale": "smoke"}, None),  # a trial says nothing anyway
    ],
)
def test_a_run_is_undertrained_for_a_reason(tmp_path: Path, about: dict, reason: str | None) -> None:
    found = undertrained(evidence(tmp_path, "a", **{"right": 0.8, **about}), [])
    assert found == reason if reason is None else found is not None and found.startswith(reason)


def test_most_seeds_must_have_been_cut_short(tmp_path: Path) -> None:
    """All have the same curves here, and differ in their best epoch."""
    about = {"right": [0.8] * 3, "curves": {"train/loss": FALLS, "valid/loss": FALLS}}
    assert undertrained(evidence(tmp_path, "a", **about, best_epochs=[5, 2, 2]), []) is None
    assert undertrained(evidence(tmp_path, "b", **about, best_epochs=[5, 5, 2]), []) is not None


def test_what_reads_text_is_held_against_tfidf_of_the_same_records(tmp_path: Path) -> None:
    tfidf = evidence(tmp_path, "tfidf", 0.9, planned_updates=0)
    text, image = evidence(tmp_path, "text", 0.8), evidence(tmp_path, "image", 0.8, modality="image")
    better = evidence(tmp_path, "better", 0.97)
    study = study_of(tfidf, text, image, better, tfidf=TFIDF)
    assert study.undertrained(text) == "not shown to be above TF-IDF"
    assert [study.undertrained(run) for run in (image, better, tfidf)] == [None, None, None]
    elsewhere = evidence(tmp_path, "elsewhere", 0.9, planned_updates=0, targets=truth(200, seed=9))
    assert study_of(elsewhere, text, elsewhere=TFIDF).undertrained(text) is None


def test_where_every_answer_is_the_constant_one_nothing_is_above_it(tmp_path: Path) -> None:
    targets = np.zeros((50, 4), np.uint8)
    targets[:, 0] = 1
    assert (
        undertrained(evidence(tmp_path, "a", 1.0, targets=targets), []) == "not shown to be above the constant answer"
    )
