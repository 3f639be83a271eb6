"""What the client tells is held against what was asked and what the film shows."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.vision.liveness.challenge import Challenge, Oval, draw
from regard.vision.liveness.light import reflection
from regard.vision.liveness.timing import fit, starts, timing
from regard.vision.liveness.told import InOval, Shown, Told
from regard.vision.pictures.findings import Box
from tests.helpers.filmed import FACE, POINTS, painted, sight

CHALLENGE = draw(96, 72, light=True, random=Random(3))


def _told(challenge: Challenge = CHALLENGE, begun: float = 1e12) -> Told:
    at, shown = begun + 800, []
    for place, flash in enumerate(challenge.flashes):
        shown.append(Shown(place, at))
        at += (flash.scroll_ms if place else 0) + flash.flat_ms
    return Told(begun, at + 200, FACE, InOval(begun + 500, begun + 700, FACE), tuple(shown), 96, 72)


TOLD = _told()
LOOKED = painted(CHALLENGE.flashes, starts(CHALLENGE, TOLD), 0.3, behind=0.0)
LOOKED = replace(LOOKED, last_ms=TOLD.ended_ms - TOLD.begun_ms)


def test_a_session_as_asked_is_off_by_nothing() -> None:
    assert timing(LOOKED, CHALLENGE, TOLD).off == pytest.approx(0, abs=1e-3)


def test_each_colour_begins_when_it_is_told_first() -> None:
    twice = msgspec.structs.replace(
        TOLD, shown=tuple(each for one in TOLD.shown for each in (one, Shown(one.flash, one.start_ms + 90)))
    )
    assert starts(CHALLENGE, twice) == starts(CHALLENGE, TOLD)
    assert starts(CHALLENGE, TOLD)[0] == 800


@pytest.mark.parametrize(
    "shown",
    [
        TOLD.shown[:-1],
        TOLD.shown[::-1],
        (),
        tuple(Shown(each.flash, 2 * TOLD.begun_ms - each.start_ms) for each in TOLD.shown),
        tuple(Shown(each.flash + 1, each.start_ms) for each in TOLD.shown),
    ],
    ids=["one too few", "backward", "none", "against time", "others"],
)
def test_colours_that_were_not_told_in_their_order_count_for_nothing(shown: tuple[Shown, ...]) -> None:
    told = msgspec.structs.replace(TOLD, shown=shown)
    assert starts(CHALLENGE, told) == ()
    assert timing(LOOKED, CHALLENGE, told).off == math.inf


def test_colours_before_the_face_is_in_the_oval_are_not_what_was_asked() -> None:
    early = msgspec.structs.replace(TOLD, face_in_oval=InOval(TOLD.begun_ms + 900, TOLD.begun_ms + 1000, FACE))
    assert timing(LOOKED, CHALLENGE, early).off == math.inf


def test_a_film_of_another_length_is_off_by_it() -> None:
    assert timing(replace(LOOKED, last_ms=LOOKED.last_ms - 900), CHALLENGE, TOLD).off == pytest.approx(900, abs=1)


def test_a_face_fills_its_own_oval_and_no_other() -> None:
    face = sight(0, 0)
    across = (2 * face.eyes + 1.8 * 21) / 2
    own = Oval(50, 50.5, across, 1.618 * across)
    assert fit(face, own) == pytest.approx(1, abs=0.01)
    assert fit(face, Oval(50, 50.5, 2 * across, 3.236 * across)) == pytest.approx(0.25, abs=0.01)
    assert fit(face, Oval(500, 50, across, across)) == 0
    assert fit(sight(0, 0, points=POINTS / 2), own) < 0.3


def test_a_film_without_a_face_fits_nothing() -> None:
    found = timing(replace(LOOKED, sights=()), CHALLENGE, TOLD)
    assert (found.fits, found.off) == (0.0, math.inf)


TIMES = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=30)
@given(TIMES, TIMES, TIMES, TIMES, st.lists(st.tuples(st.integers(-2, 8), TIMES), max_size=12), st.integers(-9, 9))
def test_whatever_a_client_tells_nothing_is_raised(
    begun: float, ended: float, start: float, end: float, shown: list[tuple[int, float]], width: int
) -> None:
    told = Told(begun, ended, FACE, InOval(start, end, FACE), tuple(Shown(*each) for each in shown), width, 0)
    assert not timing(LOOKED, CHALLENGE, told).off <= 600
    assert reflection(LOOKED, CHALLENGE.flashes, starts(CHALLENGE, told)).follows <= 1


def test_boxes_are_told_as_ratios() -> None:
    assert msgspec.json.decode(msgspec.json.encode(TOLD), type=Told) == TOLD
    assert isinstance(TOLD.initial_face, Box)
