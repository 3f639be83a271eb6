"""Figures of labels that were told: rates, and an interval that another set of pictures keeps to."""

from __future__ import annotations

import numpy as np

from regard.evaluation.custom.worth import confusion, interval_of_f1, rates, shares


def test_rates_are_those_of_the_definition() -> None:
    told = np.array([[1, 0], [1, 0], [1, 1], [0, 0]], bool)
    yes = np.array([[1, 0], [1, 1], [0, 1], [1, 1]], bool)
    assert rates(told, yes)[0].tolist() == [2 / 3, 2 / 3, 2 / 3]
    assert rates(told, yes)[1].tolist() == [0.5, 1.0, 1 / 3]


def test_rows_of_what_is_taken_for_what_are_the_truth() -> None:
    sure, yes = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.6]]), np.array([[1, 0], [1, 0], [0, 1]], bool)
    found = confusion(sure, yes)
    assert found is not None
    assert found.tolist() == [[1, 1], [0, 1]]
    assert confusion(sure, np.ones((3, 2), bool)) is None


def test_aws_counts_what_is_taken_for_a_label_by_the_pictures_that_show_that_label() -> None:
    # Of ten pictures of one label two are taken for the other, which four pictures show.
    assert shares(np.array([[8, 2], [0, 4]])).tolist() == [[0.8, 0.5], [0.0, 1.0]]


def test_twenty_right_of_twenty_leave_room_for_an_error() -> None:
    yes = np.eye(2, dtype=bool)[np.arange(20) % 2]
    found = interval_of_f1(yes, yes, 0)
    assert found.high == 1
    assert 0.75 < found.low < 0.96


def test_the_f1_of_another_set_lies_in_the_interval_nineteen_times_in_twenty(scale: float) -> None:
    rng = np.random.default_rng(0)

    def drawn() -> tuple[np.ndarray, np.ndarray]:
        yes = np.eye(4, dtype=bool)[rng.integers(0, 4, 80)]
        return yes ^ (rng.random(yes.shape) < 0.06), yes

    runs = round(200 * scale)
    inside = 0
    for run in range(runs):
        of, other = drawn(), drawn()
        inside += interval_of_f1(*of, run).holds(float(rates(*other)[:, 0].mean()))
    assert inside >= 0.87 * runs
