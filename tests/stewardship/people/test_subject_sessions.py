"""A token opens a quarter of an hour for one person, and what is kept of that says neither who nor that they came."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text

from regard.sealing import SealingKey
from regard.stewardship.people.subject_sessions import SECONDS, SessionOver, SubjectSessions
from regard.stewardship.people.subject_tokens import BadToken, SubjectTokens
from regard.stewardship.records import tables
from tests.helpers.fakes import Clock
from tests.helpers.peopled import House

KEY = SealingKey(b"k" * 32)


class Desk:
    """Where tokens are given out, and people come with them."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.tokens = SubjectTokens(house.engine, house.clock)
        self.sessions = SubjectSessions(house.engine, KEY, self.tokens, house.clock)

    def come(self, name: str = "alice") -> str:
        return self.sessions.open(self.tokens.issue(self.house.caller, name, "passport"))

    def kept(self) -> int:
        with self.house.engine.connect() as connection:
            return len(connection.execute(select(tables.subject_sessions)).all())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    house = House(tmp_path / "data", Clock())
    yield Desk(house)
    house.close()


def test_a_token_opens_one_session_for_its_person(desk: Desk) -> None:
    token = desk.tokens.issue(desk.house.caller, "alice", "passport")
    session = desk.sessions.look(desk.sessions.open(token))
    told = session.bearer
    assert (told.organization, told.subject, told.identity_check) == (desk.house.organization, "alice", "passport")
    with pytest.raises(BadToken):
        desk.sessions.open(token)


def test_it_is_over_after_a_quarter_of_an_hour_however_it_was_used(desk: Desk) -> None:
    secret = desk.come()
    desk.house.clock.now += SECONDS - 1
    assert desk.sessions.look(secret).bearer.subject == "alice"
    desk.house.clock.now += 1
    with pytest.raises(SessionOver):
        desk.sessions.look(secret)
    desk.come("bob")
    assert desk.kept() == 1


def test_one_that_was_ended_opens_in_no_process(desk: Desk) -> None:
    secret = desk.come()
    desk.sessions.end(desk.sessions.look(secret))
    with pytest.raises(SessionOver):
        SubjectSessions(desk.house.engine, KEY, desk.tokens, desk.house.clock).look(secret)


def test_what_is_kept_names_nobody_and_an_edited_one_opens_nothing(desk: Desk) -> None:
    secret = desk.come("alice-in-the-files")
    desk.house.erase("alice-in-the-files")
    with desk.house.engine.connect() as connection:
        row = connection.execute(select(tables.subject_sessions)).one()
    assert b"alice" not in bytes(row.sealed)
    assert secret.encode() not in bytes(row.digest)
    assert desk.sessions.look(secret).bearer.subject == "alice-in-the-files"
    with desk.house.engine.begin() as connection:
        connection.execute(text("UPDATE subject_sessions SET ends_at = ends_at + 900"))
    with pytest.raises(SessionOver):
        desk.sessions.look(secret)


def test_a_mark_is_of_one_session_and_one_form(desk: Desk) -> None:
    alice, bob = (desk.sessions.look(desk.come(name)) for name in ("alice", "bob"))
    marks = {desk.sessions.mark(session, place) for session in (alice, bob) for place in ("erase", "leave")}
    assert len(marks) == 4
    assert desk.sessions.mark(alice, "erase") in marks
