"""Page tokens: opaque, short-lived, bound to one listing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.gallery.collections.errors import BadPageToken
from regard.gallery.collections.tokens import PAGE_SECONDS, PageTokens
from regard.sealing import SealingKey
from tests.helpers.fakes import Clock

LISTING = ["111122223333", "ListFaces", {"CollectionId": "a"}]


@given(st.integers(1, 2**62))
def test_a_token_leads_back_to_its_row_and_is_short(last: int) -> None:
    pages = PageTokens(SealingKey(b"m" * 32), Clock())
    token = pages.issue(LISTING, last)
    assert pages.read(LISTING, token) == last
    assert len(token) <= 255


@given(st.text(max_size=300))
def test_no_text_that_was_not_issued_is_a_token(text: str) -> None:
    with pytest.raises(BadPageToken):
        PageTokens(SealingKey(b"m" * 32), Clock()).read(LISTING, text)


def test_a_token_of_another_listing_organization_or_service_is_refused() -> None:
    pages = PageTokens(SealingKey(b"m" * 32), Clock())
    token = pages.issue(LISTING, 5)
    for other in (["444455556666", *LISTING[1:]], [LISTING[0], "ListUsers", LISTING[2]], [*LISTING[:2], {}]):
        with pytest.raises(BadPageToken):
            pages.read(other, token)
    with pytest.raises(BadPageToken):
        PageTokens(SealingKey(b"n" * 32), Clock()).read(LISTING, token)


def test_a_token_is_good_for_a_day() -> None:
    clock = Clock()
    pages = PageTokens(SealingKey(b"m" * 32), clock)
    token = pages.issue(LISTING, 5)
    clock.now += PAGE_SECONDS
    assert pages.read(LISTING, token) == 5
    clock.now += 1
    with pytest.raises(BadPageToken):
        pages.read(LISTING, token)
