"""Fewer pictures than numbers are learned from among sums of the pictures, and the head is the one that it was."""

from __future__ import annotations

import numpy as np
import pytest

from regard.evaluation.custom.cross import Lesson, chosen
from regard.evaluation.custom.logistic import odds


@pytest.mark.parametrize("numbers", [8, 300])
def test_a_head_is_the_best_one_whether_it_has_more_numbers_than_there_are_pictures_or_fewer(numbers: int) -> None:
    draw = np.random.default_rng(0)
    answers = draw.random((60, 2)) < 0.4
    inputs = draw.normal(size=(60, numbers)) / np.sqrt(numbers)
    inputs[:, :2] += answers[:, :2]
    lesson = Lesson.dealt(inputs, answers, 50, 0)
    assert lesson.inputs.shape == (60, min(60, numbers))
    fit = lesson.whole(lesson.fitted(np.ones(60, bool), 10.0))
    assert fit.shape == (numbers + 1, 2)
    # At the best head each weight is what the pictures pull at it, and the offsets are not pulled at.
    wrong = (answers - 1 / (1 + np.exp(-odds(inputs, fit)))) * lesson.counts[:, None] * 10.0
    assert inputs.T @ wrong == pytest.approx(fit[:-1], abs=0.01)
    assert wrong.sum(axis=0) == pytest.approx(0, abs=0.01)


def test_the_strength_that_is_taken_is_the_likeliest_and_progress_ends_at_one() -> None:
    draw = np.random.default_rng(1)
    answers = draw.random((40, 2)) < 0.5
    lesson = Lesson.dealt(np.pad(1.0 * answers, ((0, 0), (0, 98))), answers, 40, 0)
    done: list[float] = []
    strength, scores = chosen(lesson, done.append)
    assert strength == 1000.0
    assert ((scores > 0) == answers).all()
    assert done[-1] == 1
