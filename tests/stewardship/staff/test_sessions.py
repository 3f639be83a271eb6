"""Sessions: they end by themselves, by hand and with their person, in every process."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select, text

from regard.stewardship.staff.sessions import IDLE_SECONDS, MOST_SECONDS, SignedOut
from regard.stewardship.staff.staff import Kind, Role
from regard.stewardship.staff.tables import staff_links, staff_sessions
from tests.stewardship.staff.test_passkeys import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "room")


def _open(desk: Desk, name: str = "ada") -> str:
    person = desk.reception.staff.redeem(desk.invited(name))
    return desk.reception.sessions.open(person, Kind.INVITATION)


def test_a_session_knows_its_person_until_it_was_idle_for_thirty_minutes(desk: Desk) -> None:
    secret = _open(desk)
    for _ in range(3):
        desk.room.now += IDLE_SECONDS - 1
        assert desk.another().sessions.look(secret).person.name == "ada"
    desk.room.now += IDLE_SECONDS + 60
    with pytest.raises(SignedOut):
        desk.reception.sessions.look(secret)


def test_eight_hours_end_it_however_busy_it_is(desk: Desk) -> None:
    secret = _open(desk)
    for _ in range(MOST_SECONDS // 1200 - 1):
        desk.room.now += 1200
        desk.reception.sessions.look(secret)
    desk.room.now += 1200
    with pytest.raises(SignedOut):
        desk.reception.sessions.look(secret)
    assert desk.reception.sessions.all() == []


def test_signing_out_and_being_let_go_end_it_everywhere(desk: Desk) -> None:
    first, second, third = _open(desk), _open(desk), _open(desk, "ben")
    sessions = desk.reception.sessions
    sessions.end(sessions.look(first))
    assert [each.person.name for each in sessions.all()] == ["ada", "ben"]
    assert sessions.end_by_id(sessions.look(third).id).person.name == "ben"
    desk.reception.staff.revoke(desk.organization, "ada")
    for secret in (first, second, third, "guessed"):
        with pytest.raises(SignedOut):
            desk.another().sessions.look(secret)
    with pytest.raises(LookupError, match="regard console sessions"):
        sessions.end_by_id("000000000000")


def test_a_role_that_changes_counts_at_once(desk: Desk) -> None:
    secret = _open(desk)
    desk.invited(role=Role.AUDITOR)
    assert desk.reception.sessions.look(secret).person.role is Role.AUDITOR


def test_a_form_is_marked_for_one_session_and_one_place(desk: Desk) -> None:
    sessions = desk.reception.sessions
    ada, ben = sessions.look(_open(desk)), sessions.look(_open(desk, "ben"))
    marks = {sessions.mark(each, place) for each in (ada, ben) for place in ("/a", "/b")}
    assert len(marks) == 4
    assert desk.another().sessions.mark(ada, "/a") in marks


def test_the_key_that_was_chosen_stays_chosen(desk: Desk) -> None:
    secret = _open(desk)
    assert desk.reception.sessions.look(secret).access_key is None
    desk.reception.sessions.act_under(desk.reception.sessions.look(secret), "AKIA234")
    assert desk.another().sessions.look(secret).access_key == "AKIA234"


def test_nothing_that_opens_something_lies_in_the_database(desk: Desk) -> None:
    token, secret = desk.invited(), _open(desk)
    with desk.room.engine.connect() as connection:
        rows = [*connection.execute(select(staff_links)), *connection.execute(select(staff_sessions))]
    assert len(rows) == 3
    assert not any(told in str(tuple(row)) for row in rows for told in (token, secret))


@pytest.mark.parametrize("edit", ["opened_at = opened_at + 9", "name = 'ben'", "how = 'local'"])
def test_a_session_that_was_edited_is_none(desk: Desk, edit: str) -> None:
    secret = _open(desk)
    desk.invited("ben", Role.OPERATOR)
    with desk.room.engine.begin() as connection:
        connection.execute(text(f"UPDATE staff_sessions SET {edit}"))
    with pytest.raises(SignedOut):
        desk.reception.sessions.look(secret)
