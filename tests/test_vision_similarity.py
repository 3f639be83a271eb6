"""Similarity: one rising function of the cosine, with an exact inverse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.vision.similarity import score, similarity

COSINES = st.floats(-1, 1)


@pytest.mark.parametrize(("cosine", "told"), [(-1, 0), (0.50, 80), (0.62, 99), (1, 100)])
def test_the_agreed_points_are_on_the_curve(cosine: float, told: float) -> None:
    assert similarity(cosine) == pytest.approx(told)
    assert score(told) == pytest.approx(cosine)


@given(COSINES, COSINES)
def test_a_higher_cosine_is_never_less_similar(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0 <= similarity(low) <= similarity(high) <= 100
    if high - low > 1e-9:
        assert similarity(low) < similarity(high)


@given(st.floats(0, 100))
def test_a_threshold_turns_into_a_score_and_back(threshold: float) -> None:
    assert similarity(score(threshold)) == pytest.approx(threshold, abs=1e-9)


def test_rounding_beyond_one_is_cut_off() -> None:
    assert similarity(1.0000001) == 100
    assert similarity(-1.0000001) == 0
