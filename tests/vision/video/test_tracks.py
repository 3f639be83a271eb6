"""A face keeps its number from one frame to the next, inside one shot, and no longer."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from regard.vision.pictures.findings import Box
from regard.vision.pictures.images import Picture
from regard.vision.video.tracks import Tracks


def shot(level: int = 40) -> Picture:
    return Picture(np.full((90, 160, 3), level, np.uint8), "PNG")


ANN, BEN = Box(0.1, 0.1, 0.2, 0.3), Box(0.6, 0.1, 0.2, 0.3)


def test_who_stays_about_where_they_were_keeps_their_number_in_whatever_order_they_come() -> None:
    tracks = Tracks()
    assert tracks.numbered(shot(), [ANN, BEN]) == [0, 1]
    moved = Box(0.13, 0.12, 0.2, 0.3)
    assert tracks.numbered(shot(45), [BEN, moved]) == [1, 0]


def test_nobody_is_known_again_after_a_cut() -> None:
    tracks = Tracks()
    assert tracks.numbered(shot(), [ANN]) == [0]
    assert tracks.numbered(shot(120), [ANN]) == [1]
    assert tracks.numbered(shot(), [ANN]) == [2]


def test_who_was_away_for_a_frame_is_somebody_new() -> None:
    tracks = Tracks()
    assert tracks.numbered(shot(), [ANN]) == [0]
    assert tracks.numbered(shot(), []) == []
    assert tracks.numbered(shot(), [ANN]) == [1]


def test_numbering_goes_on_where_it_was() -> None:
    tracks = Tracks(shot(), [(4, ANN)], first=7)
    assert tracks.numbered(shot(), [BEN, ANN]) == [7, 4]


boxes = st.lists(
    st.builds(Box, *(st.floats(0, 0.6) for _ in range(2)), *(st.floats(0.05, 0.4) for _ in range(2))), max_size=5
)


@given(st.lists(st.tuples(st.integers(0, 255), boxes), max_size=8))
def test_no_number_is_given_twice_in_a_frame_and_none_returns(film: list[tuple[int, list[Box]]]) -> None:
    tracks, seen, last = Tracks(), set[int](), set[int]()
    for level, found in film:
        numbers = tracks.numbered(shot(level), found)
        assert len(set(numbers)) == len(numbers) == len(found)
        assert not (set(numbers) - last) & seen
        last = set(numbers)
        seen |= last
