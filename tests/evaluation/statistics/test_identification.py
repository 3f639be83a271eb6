"""What rates become in galleries, against galleries that are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from regard.evaluation.statistics.identification import any_of, identification
from regard.evaluation.statistics.rates import Rate


def test_the_measured_share_is_that_of_galleries_drawn_from_the_sample() -> None:
    rng = np.random.default_rng(1)
    hits = np.array([0, 1, 5, 0, 40])
    others = np.full(5, 100)
    rate = Rate.of(46, 500, 50, 0.0002, 49, 50)
    found = identification(rate, 20, hits, others)
    drawn = [[(rng.permutation(100)[:20] < hit).any() for hit in hits] for _ in range(4000)]
    assert found.measured == pytest.approx(np.mean(drawn), abs=0.01)
    assert found.false_matches == pytest.approx(20 * 0.092)


def test_a_gallery_larger_than_the_sample_is_not_measured() -> None:
    rate = Rate.of(46, 500, 50, 0.0002, 49, 50)
    assert identification(rate, 101, np.array([3]), np.array([100])).measured is None


def test_a_strict_looking_threshold_is_lax_in_a_gallery() -> None:
    # At one in 100,000, 22 % of probes meet a false match among 25,000 people.
    assert any_of(1e-5, 25_000) == pytest.approx(0.221, abs=1e-3)
    assert any_of(1.0, 10) == 1


def test_without_a_false_match_the_bound_is_carried_into_the_gallery() -> None:
    found = identification(Rate.of(0, 10**6, 100, 0, 99, 3 * 10**5), 25_000, np.zeros(3, int), np.full(3, 30_000))
    assert found.rate == 0
    assert found.interval.low == 0
    assert found.interval.high == pytest.approx(any_of(1e-5, 25_000), rel=0.01)
    assert found.measured == 0
