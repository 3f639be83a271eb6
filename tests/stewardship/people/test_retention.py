"""Retention: when a term is over its faces are gone, the log says so, and nothing else is gone."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from regard.gallery.collections.tables import requests
from regard.gallery.collections.tokens import REQUEST_SECONDS
from regard.operations.common.errors import ApiError
from tests.helpers.fakes import Clock
from tests.helpers.peopled import House

ALICE, BOB = 1, 2
DAY = 86_400.0
YEARS = 3 * 365 * DAY


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "data", Clock())


def test_a_face_is_there_until_the_last_second_of_its_term(house: House) -> None:
    house.collection("a", **{"regard:retention-days": "10"})
    house.index("a", ALICE, name="alice")
    house.clock.now += 5 * DAY
    house.index("a", BOB, name="bob")
    house.clock.now += 5 * DAY - 1
    assert len(house.search("a", ALICE)) == 1
    house.clock.now += 1
    assert house.search("a", ALICE) == []
    assert len(house.search("a", BOB)) == len(house.faces("a")) == 1
    told = [entry for entry in house.entries() if entry["kind"] == "regard/retention"]
    assert [(entry["reason"], entry["faces"]) for entry in told] == [("term", 1)]


def test_a_sweep_forgets_the_requests_of_more_than_a_week_ago(house: House) -> None:
    house.collection("a")
    for user in ("u", "v"):
        house.ask("CreateUser", CollectionId="a", UserId=user, ClientRequestToken=user)
        house.clock.now += REQUEST_SECONDS / 2 + 1
    house.retention.sweep()
    with house.gallery.reading() as connection:
        assert connection.execute(select(requests.c.token)).scalars().all() == ["v"]


def test_a_withdrawal_takes_the_faces_with_it_on_the_next_call(house: House) -> None:
    house.collection("a", "consent")
    receipt = house.consent("alice", "a")
    house.consent("bob", "a")
    house.index("a", ALICE, name="alice")
    house.index("a", BOB, name="bob")
    other = House(house.folder, house.clock)
    house.consents.withdraw(house.organization, receipt)
    assert other.search("a", ALICE) == []
    assert len(other.search("a", BOB)) == len(other.faces("a")) == 1
    with pytest.raises(ApiError, match="consent-needs-receipt"):
        house.index("a", ALICE, mark=1, name="alice")


def test_an_expired_receipt_covers_nothing_from_its_second_on(house: House) -> None:
    house.collection("a", "consent")
    house.consent("alice", "a", days=30)
    house.consent("bob", "a", days=60)
    house.index("a", ALICE, name="alice")
    house.index("a", BOB, name="bob")
    house.clock.now += 30 * DAY - 1
    assert len(house.faces("a")) == 2
    house.clock.now += 1
    assert len(house.faces("a")) == 1
    assert house.search("a", ALICE) == []


def test_a_second_receipt_carries_on_where_the_first_ends(house: House) -> None:
    house.collection("a", "consent")
    house.consent("alice", "a", days=30)
    house.consent("alice", "a", days=60)
    house.index("a", ALICE, name="alice")
    house.clock.now += 31 * DAY
    assert len(house.search("a", ALICE)) == 1
    assert house.retention.sweep() == []


def test_three_years_after_the_last_interaction_everything_of_a_person_goes(house: House) -> None:
    house.collection("a")
    house.collection("b")
    house.index("a", ALICE, name="alice")
    house.index("b", BOB, name="bob")
    house.clock.now += YEARS / 2
    house.index("b", ALICE, name="alice")
    house.clock.now += YEARS / 2 + 1
    assert [(swept.collection, swept.reason, swept.faces) for swept in house.retention.sweep()] == [("b", "cap", 1)]
    assert len(house.search("a", ALICE)) == 1
    house.clock.now += YEARS / 2
    assert {(swept.collection, swept.faces) for swept in house.retention.sweep()} == {("a", 1), ("b", 1)}
    assert house.faces("a") == house.faces("b") == []
    assert house.logbook.payloads.about(house.organization, "external/alice") == {}


def test_being_searched_for_is_no_interaction(house: House) -> None:
    house.collection("a")
    house.index("a", ALICE, name="alice")
    house.clock.now += YEARS
    house.search("a", ALICE)
    house.clock.now += 1
    assert [swept.faces for swept in house.retention.sweep()] == [1]


def test_a_consent_is_an_interaction(house: House) -> None:
    house.collection("a")
    house.index("a", ALICE, name="alice")
    house.clock.now += YEARS - DAY
    house.consent("alice", "a")
    house.clock.now += 2 * DAY
    assert house.retention.sweep() == []


def test_what_went_has_no_key_any_more(house: House) -> None:
    house.collection("a", **{"regard:retention-days": "1"})
    house.index("a", ALICE, name="alice")
    house.clock.now += DAY
    house.retention.sweep()
    assert all("external/alice" not in holders for holders in house.keys().values())


def test_a_sweep_that_was_stopped_goes_on_at_the_next_start(house: House) -> None:
    house.collection("a", **{"regard:retention-days": "1"})
    house.index("a", ALICE, name="alice")
    house.clock.now += DAY
    house.close()
    assert [swept.faces for swept in House(house.folder, house.clock).retention.sweep()] == [1]


def test_a_basis_tightened_to_consent_counts_for_those_already_there(house: House) -> None:
    house.collection("a")
    house.index("a", ALICE, name="alice")
    house.index("a", BOB, name="bob")
    house.consent("bob", "a")
    assert len(house.faces("a")) == 2
    with house.gallery.writing() as connection:
        house.gallery.collections.tag(connection, house.organization, "a", {"regard:basis": "consent"})
    assert house.search("a", ALICE) == []
    assert len(house.faces("a")) == 1
