"""Shares of a secret: any k give it back, and fewer say nothing of it."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.gallery.templates.shamir import combined, split


def test_the_test_vector_of_the_internet_draft_holds() -> None:
    """draft-mcgrew-tss-03, section 9."""
    shares = {1: bytes.fromhex("B9FA07E185"), 2: bytes.fromhex("F5409B4511")}
    assert combined(shares) == bytes.fromhex("7465737400")


@given(st.binary(min_size=1, max_size=32), st.integers(1, 4), st.integers(0, 2))
def test_any_as_many_as_are_needed_give_the_secret(secret: bytes, needed: int, more: int) -> None:
    shares = split(secret, needed, needed + more)
    for numbers in combinations(shares, needed):
        assert combined({number: shares[number] for number in numbers}) == secret
    assert combined(shares) == secret


def test_one_too_few_fit_every_secret_alike() -> None:
    """With one of two shares each value of the other is as likely, and each gives another secret."""
    share = split(b"s", 2, 2)[1]
    assert len({combined({1: share, 2: bytes([other])}) for other in range(256)}) == 256


def test_the_most_shares_there_can_be_work() -> None:
    shares = split(b"secret", 255, 255)
    assert combined(shares) == b"secret"
    shares.pop(7)
    assert combined(shares) != b"secret"


@pytest.mark.parametrize(("needed", "shares"), [(0, 1), (3, 2), (1, 256)])
def test_shares_that_could_never_open_are_not_made(needed: int, shares: int) -> None:
    with pytest.raises(ValueError, match="cannot be needed"):
        split(b"secret", needed, shares)
