"""Cuts, stops, repeated moments and other people are seen in a film."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from regard.vision.liveness.looking import Glance, Looked
from regard.vision.liveness.sameness import continuity, sameness
from tests.helpers.filmed import sight


def _film(count: int = 40, seed: int = 0) -> list[Glance]:
    """Something that moves steadily over a wall, with a camera's noise."""
    rng = np.random.default_rng(seed)
    wall = rng.uniform(40, 200, (9, 12, 3)).repeat(8, 0).repeat(8, 1)
    found = []
    for at in range(count):
        pixels = np.roll(wall, at, axis=1)
        pixels[20:50, 20 + at : 50 + at] = (180, 140, 120)
        found.append(Glance(at * 100.0, np.clip(pixels + rng.normal(0, 1, pixels.shape), 0, 255).astype(np.uint8)))
    return found


def test_a_film_that_moves_on_neither_jumps_nor_stands_nor_repeats() -> None:
    found = continuity(_film())
    assert found.jump < 0.4
    assert found.still == 0
    assert found.again > 1


def test_a_cut_jumps() -> None:
    other = [replace(glance, ms=glance.ms + 2000) for glance in _film(20, seed=1)]
    assert continuity([*_film(20), *other]).jump > 0.6


def test_a_film_that_stops_stands_for_as_long() -> None:
    film = _film()
    stopped = [*film[:20], *(Glance(glance.ms, film[19].small) for glance in film[20:])]
    assert continuity(stopped).still == pytest.approx(2000)


def test_a_moment_that_comes_twice_is_found_again() -> None:
    film = _film()
    looped = [*film[:30], *(Glance(film[30 + at].ms, film[15 + at].small) for at in range(10))]
    assert continuity(looped).again == 0


def test_too_short_a_film_is_taken_for_one_that_repeats() -> None:
    assert continuity(_film(2)).again == 0


def test_somebody_else_for_a_moment_is_as_alike_as_they_are() -> None:
    same = Looked((), tuple(sight(at, at * 300.0) for at in range(4)), 4, 0, 900, 96, 72)
    assert sameness(same).alike == pytest.approx(1)
    other = replace(same, sights=(*same.sights[:3], sight(3, 900, at=math.pi / 2)))
    assert sameness(other).alike < 0.5
    assert sameness(replace(same, sights=same.sights[:1])).alike == 0


def test_company_and_absence_are_counted() -> None:
    looked = Looked((), (sight(0, 0), sight(1, 300, faces=2)), 4, 2, 900, 96, 72)
    assert (sameness(looked).company, sameness(looked).missed) == (0.5, 0.5)
    assert sameness(replace(looked, sights=(), missed=0)).missed == 1
