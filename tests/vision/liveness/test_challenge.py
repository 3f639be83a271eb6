"""A challenge is one that AWS's client can show, that nobody can guess, and that is safe to look at."""

from __future__ import annotations

from itertools import accumulate, pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from regard.vision.liveness.challenge import COLORS, FLASHES, MOVEMENT, MOVEMENT_AND_LIGHT, draw

SIZES = st.tuples(st.integers(320, 1920), st.integers(240, 1920))
SEEDS = st.integers(0, 10_000)


@given(SIZES, SEEDS)
def test_the_oval_lies_within_the_picture(size: tuple[int, int], seed: int) -> None:
    oval = draw(*size, light=True, random=Random(seed)).oval
    assert min(oval.center_x, oval.center_y, oval.width, oval.height) > 0
    assert oval.center_y - oval.height / 2 + 1 >= 0
    assert oval.center_y + oval.height / 2 <= size[1] + 1
    assert oval.center_x - oval.width / 2 > 0
    assert oval.center_x + oval.width / 2 < size[0]


@given(SEEDS)
def test_colours_follow_each_other_in_any_order_but_never_twice(seed: int) -> None:
    challenge = draw(640, 480, light=True, random=Random(seed))
    colors = [flash.rgb for flash in challenge.flashes]
    assert (challenge.kind, len(colors)) == (MOVEMENT_AND_LIGHT, FLASHES)
    assert set(colors) <= set(COLORS)
    assert all(one != other for one, other in pairwise(colors))


@given(SEEDS)
def test_no_second_sees_more_than_three_changes(seed: int) -> None:
    flashes = draw(640, 480, light=True, random=Random(seed)).flashes
    changes = list(accumulate(flash.scroll_ms + flash.flat_ms for flash in flashes))
    assert all(sum(start <= each < start + 1000 for each in changes) <= 3 for start in changes)


def test_the_one_without_light_has_no_colours() -> None:
    challenge = draw(640, 480, light=False, random=Random(1))
    assert (challenge.kind, challenge.version, challenge.flashes) == (MOVEMENT, "1.0.0", ())
