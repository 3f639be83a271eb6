"""Comparisons of every picture with every other, against loops."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from regard.evaluation.statistics.comparisons import genuine, impostors, score_at


@pytest.fixture
def pictures() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((1200, 8)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1)[:, None], rng.integers(0, 300, 1200)


def test_impostors_are_the_pairs_of_different_subjects_that_score_enough(
    pictures: tuple[np.ndarray, np.ndarray],
) -> None:
    vectors, subjects = pictures
    scores = vectors @ vectors.T
    slow = {
        (i, j)
        for i, j in combinations(range(1200), 2)
        if subjects[i] != subjects[j] and scores[i, j] >= np.float32(0.8)
    }
    found = impostors(vectors, subjects, 0.8)
    assert set(zip(found.first.tolist(), found.second.tolist(), strict=True)) == slow
    assert len(found.first) == len(slow) > 0
    strict = found.above(0.9)
    assert 0 < len(strict.first) < len(slow)
    assert (strict.scores >= 0.9).all()


def test_genuine_pairs_are_all_pairs_of_one_subject(pictures: tuple[np.ndarray, np.ndarray]) -> None:
    vectors, subjects = pictures
    found = genuine(vectors, subjects)
    slow = {(i, j) for i, j in combinations(range(1200), 2) if subjects[i] == subjects[j]}
    assert {tuple(sorted(pair)) for pair in zip(found.first.tolist(), found.second.tolist(), strict=True)} == slow
    np.testing.assert_allclose(found.scores, (vectors[found.first] * vectors[found.second]).sum(axis=1), atol=1e-5)


def test_the_score_at_a_rate_lets_at_most_that_rate_of_impostors_match(
    pictures: tuple[np.ndarray, np.ndarray],
) -> None:
    vectors, subjects = pictures
    whole = len(impostors(vectors, subjects, -1.0).first)
    for rate in (0.1, 0.001):
        share = len(impostors(vectors, subjects, score_at(vectors, subjects, rate)).first) / whole
        assert 0.95 * rate < share <= rate


def test_people_with_one_picture_make_no_genuine_pair() -> None:
    assert not len(genuine(np.eye(4, dtype=np.float32), np.arange(4)).first)
