"""An organization has another name in the log each period, and opens all of its own and nobody else's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from regard.sealing import SealingKey
from regard.stewardship.records.pseudonyms import Pseudonyms, pseudonym

ORGANIZATIONS = st.from_regex(r"[0-9]{12}", fullmatch=True)
PERIODS = st.from_regex(r"20[0-9]{2}-(0[1-9]|1[0-2])", fullmatch=True)
NAMES = Pseudonyms(SealingKey(bytes(32)))


@given(ORGANIZATIONS, PERIODS, PERIODS)
def test_the_holder_of_the_secret_opens_every_period(organization: str, one: str, other: str) -> None:
    secret = NAMES.secret(organization)
    assert NAMES.of(organization, one) == pseudonym(secret, one)
    assert (NAMES.of(organization, one) == NAMES.of(organization, other)) == (one == other)


@given(ORGANIZATIONS, ORGANIZATIONS, PERIODS)
def test_two_organizations_never_share_a_name(one: str, other: str, period: str) -> None:
    assert (NAMES.of(one, period) == NAMES.of(other, period)) == (one == other)


def test_another_service_gives_other_names() -> None:
    assert NAMES.of("1" * 12, "2026-11") != Pseudonyms(SealingKey(bytes(31) + b"\1")).of("1" * 12, "2026-11")
