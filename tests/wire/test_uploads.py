"""Uploads: bounded in all and for one key, and given back whatever happens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.wire.pool import Full
from regard.wire.uploads import Uploads


def test_one_key_cannot_take_the_room_of_others() -> None:
    uploads = Uploads(most=100, most_of_a_key=60)
    with uploads.of("greedy") as greedy, uploads.of("other") as other:
        greedy(60)
        with pytest.raises(Full):
            greedy(1)
        other(40)
        with pytest.raises(Full):
            other(1)


def test_room_is_given_back_at_the_end() -> None:
    uploads = Uploads(most=10, most_of_a_key=10)
    with uploads.of("key") as count:
        count(10)
        with pytest.raises(Full):
            count(1)
    with uploads.of("key") as count:
        count(10)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50))))
def test_what_is_buffered_never_exceeds_the_bounds(sizes: list[tuple[str, int]]) -> None:
    uploads = Uploads(most=100, most_of_a_key=60)
    taken = dict.fromkeys("abc", 0)
    with uploads.of("a") as a, uploads.of("b") as b, uploads.of("c") as c:
        for key, size in sizes:
            fits = taken[key] + size <= 60 and sum(taken.values()) + size <= 100
            try:
                {"a": a, "b": b, "c": c}[key](size)
                assert fits
                taken[key] += size
            except Full:
                assert not fits
