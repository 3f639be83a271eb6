"""Identification: planted rates in galleries are found, and what a rate becomes in a large one."""

from __future__ import annotations

import numpy as np
import pytest

from regard.evaluation.accuracy.galleries import expected, identified


def _people(number: int, pictures: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(number), pictures)
    rows = rng.standard_normal((number, 64))[subjects] + noise * rng.standard_normal((len(subjects), 64))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), subjects


def test_people_who_are_easy_to_tell_apart_are_all_found() -> None:
    found = identified(*_people(60, 3, 0.1), [10, 40], {80.0: 0.8})
    assert [gallery.people for gallery in found] == [10, 40]
    for gallery in found:
        assert gallery.first_rank == 1
        assert gallery.thresholds[0].false_positive_rate == gallery.thresholds[0].false_negative_rate == 0


def test_more_strangers_meet_a_match_in_a_larger_gallery_and_fewer_at_a_stricter_threshold() -> None:
    found = identified(*_people(300, 2, 1.0), [20, 200], {80.0: 0.3, 99.0: 0.4})
    small, large = ([at.false_positive_rate for at in gallery.thresholds] for gallery in found)
    assert large[0] > 3 * small[0] > 0
    assert small[1] < small[0]
    assert found[1].thresholds[1].false_negative_rate > found[1].thresholds[0].false_negative_rate


def test_a_gallery_of_everybody_leaves_no_stranger_and_is_left_out() -> None:
    assert [gallery.people for gallery in identified(*_people(20, 2, 0.1), [5, 20, 50], {80.0: 0.8})] == [5]


def test_somebody_needs_two_pictures() -> None:
    with pytest.raises(ValueError, match="two pictures"):
        identified(*_people(20, 1, 0.1), [5], {80.0: 0.8})


def test_false_matches_grow_with_the_gallery_and_their_chance_stays_below_one() -> None:
    small, large = expected({80.0: 1e-5}, [1_000, 1_000_000])
    assert (small.false_matches, large.false_matches) == pytest.approx((0.01, 10))
    assert small.any == pytest.approx(0.00995, rel=1e-3)
    assert 0.9999 < large.any < 1
