"""Uploads: bounded in all and for one key, and given back whatever happens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.wire.pool import Full
from regard.wire.uploads import Uploads


def test_one_key_cannot_take_the_room_of_others() -> None:
    uploads = Uploads(most=100, most_of_a_key=60)
    with uploads.of("greedy", "here") as greedy, uploads.of("other", "here") as other:
        greedy(60)
        with pytest.raises(Full):
            greedy(1)
        other(40)
        with pytest.raises(Full):
            other(1)


def test_who_knows_the_id_of_a_key_cannot_take_the_room_of_its_holder_elsewhere() -> None:
    uploads = Uploads(most=100, most_of_a_key=30, most_of_an_address=50)
    with uploads.of("key", "attacker") as attacker, uploads.of("another", "attacker") as again:
        attacker(30)
        with pytest.raises(Full):
            attacker(1)
        again(20)
        with pytest.raises(Full):
            again(1)
        with uploads.of("key", "holder") as holder:
            holder(30)


def test_room_is_given_back_at_the_end() -> None:
    uploads = Uploads(most=10, most_of_a_key=10)
    with uploads.of("key", "here") as count:
        count(10)
        with pytest.raises(Full):
            count(1)
    with uploads.of("key", "here") as count:
        count(10)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50))))
def test_what_is_buffered_never_exceeds_the_bounds(sizes: list[tuple[str, int]]) -> None:
    uploads = Uploads(most=100, most_of_a_key=60)
    taken = dict.fromkeys("abc", 0)
    with uploads.of("a", "1") as a, uploads.of("b", "2") as b, uploads.of("c", "3") as c:
        for key, size in sizes:
            fits = taken[key] + size <= 60 and sum(taken.values()) + size <= 100
            try:
                {"a": a, "b": b, "c": c}[key](size)
                assert fits
                taken[key] += size
            except Full:
                assert not fits
