"""The regression finds what parts faces, the same each time, and folds hold no person twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.evaluation.training.regression import FOLDS, NotFitted, alike, area, balanced, calibrated, fitted, folds


def _parted(people: int = 200, numbers: int = 300) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    yes = rng.random(people) < 0.3
    inputs = rng.normal(size=(people, numbers))
    inputs[:, :5] += 1.5 * yes[:, None]
    return inputs, yes


def _weights(inputs: np.ndarray, yes: np.ndarray) -> tuple[np.ndarray, float]:
    duals, start = fitted(alike(inputs), yes)
    return inputs.T @ duals / inputs.shape[1], start


def test_the_slope_of_the_loss_is_nothing_at_what_is_found() -> None:
    from regard.evaluation.training.regression import RIDGE

    inputs, yes = _parted()
    weights, start = _weights(inputs, yes)
    chance = 1 / (1 + np.exp(-(inputs @ weights + start)))
    wrong = balanced(yes, 0.5) * (yes - chance)
    # Of Σ weight · log loss + RIDGE · numbers · |weights|² / 2.
    assert inputs.T @ wrong == pytest.approx(RIDGE * inputs.shape[1] * weights, abs=1e-6)
    assert wrong.sum() == pytest.approx(0, abs=1e-6)


def test_who_was_left_out_is_told_by_what_parts_the_others() -> None:
    inputs, yes = _parted()
    weights, _ = _weights(inputs[:150], yes[:150])
    assert area(inputs[150:] @ weights, yes[150:]) > 0.85


def test_the_order_of_the_faces_does_not_matter() -> None:
    inputs, yes = _parted()
    order = np.random.default_rng(4).permutation(len(yes))
    weights, start = _weights(inputs, yes)
    again, other = _weights(inputs[order], yes[order])
    assert again == pytest.approx(weights, abs=1e-9)
    assert other == pytest.approx(start, abs=1e-9)


def test_one_answer_alone_is_refused() -> None:
    with pytest.raises(NotFitted, match="the same answer"):
        fitted(np.ones((4, 4)), np.ones(4, bool))


def test_calibrated_odds_are_right_as_often_as_they_say() -> None:
    rng = np.random.default_rng(5)
    scores = rng.normal(size=20_000)
    yes = rng.random(len(scores)) < 1 / (1 + np.exp(-(3 * scores - 1)))
    slope, offset = calibrated(scores, yes, float(yes.mean()))
    assert slope == pytest.approx(3, rel=0.1)
    assert offset == pytest.approx(-1, abs=0.1)


@pytest.mark.parametrize(("prior", "chance"), [(1.0, 11 / 12), (0.5, 10.5 / 11)])
def test_of_ten_that_are_all_told_rightly_so_much_of_a_wrong_one_is_counted(prior: float, chance: float) -> None:
    yes = np.repeat([True, False], 10)
    slope, offset = calibrated(np.where(yes, 1.0, -1.0), yes, 0.5, prior)
    assert 1 / (1 + np.exp(-(slope + offset))) == pytest.approx(chance)


def test_rarer_faces_need_more_to_be_told() -> None:
    inputs, yes = _parted()
    scores = inputs[:, :5].sum(axis=1)
    assert calibrated(scores, yes, 0.05)[1] < calibrated(scores, yes, 0.5)[1]


@given(st.lists(st.text(max_size=5), min_size=1, max_size=50))
def test_a_person_is_in_one_fold(people: list[str]) -> None:
    found = folds(people + people)
    assert (found[: len(people)] == found[len(people) :]).all()
    assert ((found >= 0) & (found < FOLDS)).all()


def test_area_counts_pairs() -> None:
    yes = np.array([True, True, False, False])
    assert area(np.array([3.0, 1.0, 2.0, 1.0]), yes) == pytest.approx((2 + 0.5) / 4)
