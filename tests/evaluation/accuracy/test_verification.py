"""Verification: thresholds come from outside the fold they are tested on, and folds share nobody."""

from __future__ import annotations

import numpy as np
import pytest

from regard.evaluation.accuracy.verification import accuracy, curve, drawn_pairs, pair_scores, verification
from regard.evaluation.samples.pictures_on_disk import ListedPairs
from regard.evaluation.statistics.scores import Scores


def test_a_fold_that_has_its_own_threshold_is_tested_with_that_of_the_others() -> None:
    scores = np.array([0.8, 0.2] * 10 + [0.3, 0.25] * 5, np.float32)
    same = np.array([True, False] * 15)
    told = accuracy(scores, same, np.repeat([0, 1, 2], 10))
    # The third fold would be right in all pairs at 0.28; the others' best lies in the middle of 0.2 to 0.8.
    assert [fold.accuracy for fold in told.folds] == [1, 1, 0.5]
    assert told.mean == pytest.approx(5 / 6)


def test_one_fold_is_not_enough() -> None:
    with pytest.raises(ValueError, match="two folds"):
        accuracy(np.zeros(4, np.float32), np.array([True, False] * 2), np.zeros(4, np.int64))


def test_a_picture_without_an_embedding_matches_nothing() -> None:
    rows = np.array([[1, 0], [0, 0], [1, 0]], np.float32)
    pairs = ListedPairs(np.array([0, 0]), np.array([1, 2]), np.array([True, True]), np.array([0, 0]))
    assert pair_scores(rows, pairs).tolist() == [-1, 1]


def test_drawn_folds_share_nobody_and_hold_as_many_of_each_kind() -> None:
    subjects = np.repeat(np.arange(200), 3)
    pairs = drawn_pairs(subjects)
    assert pairs.same.sum() * 2 == len(pairs.same)
    assert ((subjects[pairs.first] == subjects[pairs.second]) == pairs.same).all()
    assert (pairs.first != pairs.second).all()
    folds = [set(subjects[pairs.first[pairs.fold == fold]]) for fold in range(10)]
    assert sum(map(len, folds)) == len(set.union(*folds))


def test_too_few_people_are_refused() -> None:
    with pytest.raises(ValueError, match="too few people"):
        drawn_pairs(np.arange(100))


def test_a_rate_that_the_pairs_cannot_carry_is_not_told() -> None:
    rng = np.random.default_rng(0)
    scores = Scores.of_pairs(
        np.concatenate([rng.normal(0.6, 0.1, 500), rng.normal(0, 0.1, 5_000)]).astype(np.float32),
        np.arange(5_500) < 500,
    )
    same = np.arange(40) % 2 == 0
    told = verification(scores, accuracy(np.where(same, 0.9, 0.1).astype(np.float32), same, np.arange(40) % 10))
    assert [at.true_match_rate is None for at in told.at_rates] == [False, True, True, True, True]
    assert told.at_rates[0].true_match_rate == pytest.approx(1, abs=0.01)


def test_the_curve_falls_in_false_matches_and_rises_in_misses() -> None:
    rng = np.random.default_rng(1)
    scores = Scores.of_pairs(rng.uniform(-0.5, 0.5, 4_000).astype(np.float32), np.arange(4_000) < 1_000)
    at, matched, missed = (np.array(column) for column in zip(*curve(scores), strict=True))
    assert (np.diff(at) > 0).all()
    assert (np.diff(matched) <= 0).all()
    assert (np.diff(missed) >= 0).all()
