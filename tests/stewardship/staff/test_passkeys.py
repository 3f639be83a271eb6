"""Passkeys: an invitation registers one, once; it signs in where it was registered, until its holder is let go."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from regard.stewardship.staff.challenges import SECONDS, BadChallenge
from regard.stewardship.staff.passkeys import BadPasskey, Place
from regard.stewardship.staff.reception import Reception, open_reception
from regard.stewardship.staff.staff import MINUTES, BadLink, Kind, NoSuchPerson, Person, Role
from tests.helpers.authenticator import Authenticator
from tests.helpers.stewarding import Stewardship

PLACE = Place("https://faces.example.org")


class Desk:
    """A reception with one organization, and somebody who is invited to it."""

    def __init__(self, folder: Path) -> None:
        self.room = Stewardship(folder)
        self.reception = self.another()
        self.organization = self.room.organizations.register("A shop", "retail").id
        self.passkey = Authenticator(PLACE.origin)

    def another(self) -> Reception:
        """The reception as another process would open it."""
        return open_reception(self.room.engine, self.room.key, lambda: self.room.now)

    def invited(self, name: str = "ada", role: Role = Role.REVIEWER) -> str:
        return self.reception.staff.invite(self.organization, name, role)

    def registered(self, name: str = "ada", passkey: Authenticator | None = None) -> Person:
        token = self.invited(name)
        person, _ = self.reception.staff.look(token)
        answer = (passkey or self.passkey).create(self.creation(person))
        return self.reception.passkeys.register(PLACE, token, answer)

    def creation(self, person: Person) -> dict[str, Any]:
        return self.reception.passkeys.creation(PLACE, person)

    def signed(self, act: str = "sign-in", passkey: Authenticator | None = None) -> str:
        return (passkey or self.passkey).get(self.reception.passkeys.request(PLACE, act))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "room")


def test_an_invitation_registers_a_passkey_that_signs_in(desk: Desk) -> None:
    person = desk.registered()
    assert (person.name, person.role, desk.reception.passkeys.of(person)) == ("ada", Role.REVIEWER, 1)
    assert desk.another().passkeys.verify(PLACE, "sign-in", desk.signed()) == person


def test_what_a_browser_is_asked_for_says_who_and_that_they_are_verified(desk: Desk) -> None:
    person, _ = desk.reception.staff.look(desk.invited())
    asked = json.loads(json.dumps(desk.creation(person)))
    assert asked["rp"]["id"] == "faces.example.org"
    assert asked["user"]["name"] == "ada"
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert asked["authenticatorSelection"]["residentKey"] == "required"
    assert json.loads(json.dumps(desk.reception.passkeys.request(PLACE, "x")))["userVerification"] == "required"


def test_an_invitation_works_once_and_for_fifteen_minutes(desk: Desk) -> None:
    used = desk.invited()
    person, kind = desk.reception.staff.look(used)
    assert kind is Kind.INVITATION
    desk.reception.passkeys.register(PLACE, used, desk.passkey.create(desk.creation(person)))
    late = desk.invited()
    desk.room.now += MINUTES * 60 + 1
    for token in (used, late, "guessed"):
        with pytest.raises(BadLink):
            desk.reception.passkeys.register(PLACE, token, Authenticator(PLACE.origin).create(desk.creation(person)))
    assert desk.reception.passkeys.of(person) == 1


@pytest.mark.parametrize("origin", ["https://faces.example.com", "http://faces.example.org", "null"])
def test_a_passkey_of_another_place_is_neither_registered_nor_lets_in(desk: Desk, origin: str) -> None:
    person, _ = desk.reception.staff.look(desk.invited())
    with pytest.raises(BadPasskey):
        desk.reception.passkeys.register(PLACE, desk.invited(), Authenticator(origin).create(desk.creation(person)))
    desk.registered()
    desk.passkey.origin = origin
    with pytest.raises(BadPasskey):
        desk.reception.passkeys.verify(PLACE, "sign-in", desk.signed())


def test_a_passkey_that_did_not_ask_who_its_holder_is_opens_nothing(desk: Desk) -> None:
    person, _ = desk.reception.staff.look(desk.invited())
    loose = Authenticator(PLACE.origin, verified=False)
    with pytest.raises(BadPasskey, match="verif"):
        desk.reception.passkeys.register(PLACE, desk.invited(), loose.create(desk.creation(person)))
    desk.registered()
    desk.passkey.verified = False
    with pytest.raises(BadPasskey, match="verif"):
        desk.reception.passkeys.verify(PLACE, "sign-in", desk.signed())


def test_an_answer_counts_once_for_one_act_and_for_a_while(desk: Desk) -> None:
    desk.registered()
    answer = desk.signed("decide/1")
    with pytest.raises(BadChallenge):
        desk.reception.passkeys.verify(PLACE, "decide/2", answer)
    desk.reception.passkeys.verify(PLACE, "decide/1", answer)
    with pytest.raises((BadChallenge, BadPasskey)):
        desk.another().passkeys.verify(PLACE, "decide/1", answer)
    late = desk.signed()
    desk.room.now += SECONDS + 2
    with pytest.raises(BadChallenge, match="too long"):
        desk.reception.passkeys.verify(PLACE, "sign-in", late)


def test_a_copy_that_counts_less_is_refused(desk: Desk) -> None:
    desk.registered()
    desk.reception.passkeys.verify(PLACE, "sign-in", desk.signed())
    desk.passkey.counter = 0
    with pytest.raises(BadPasskey, match="copied"):
        desk.reception.passkeys.verify(PLACE, "sign-in", desk.signed())


def test_another_passkey_or_a_changed_signature_opens_nothing(desk: Desk) -> None:
    ada = desk.registered()
    with pytest.raises(BadPasskey):
        desk.reception.passkeys.verify(PLACE, "sign-in", desk.signed(passkey=Authenticator(PLACE.origin)))
    bens = Authenticator(PLACE.origin)
    desk.registered("ben", bens)
    with pytest.raises(BadPasskey, match="somebody else"):
        desk.reception.passkeys.verify(PLACE, "touch", desk.signed("touch", bens), by=ada)
    stolen = Authenticator(PLACE.origin, id=desk.passkey.id)
    with pytest.raises(BadPasskey, match="does not hold"):
        desk.reception.passkeys.verify(PLACE, "sign-in", desk.signed(passkey=stolen))


@pytest.mark.parametrize("answer", ["", "null", "[]", "{}", '{"response": {"clientDataJSON": "e30"}}', "\u2713"])
def test_what_is_no_answer_is_refused_in_words(desk: Desk, answer: str) -> None:
    token = desk.invited()
    refusals: list[Callable[[], Person]] = [
        lambda: desk.reception.passkeys.verify(PLACE, "sign-in", answer),
        lambda: desk.reception.passkeys.register(PLACE, token, answer),
    ]
    for refused in refusals:
        with pytest.raises((BadPasskey, BadChallenge), match=r"[tT]ry again"):
            refused()


def test_who_is_let_go_signs_in_no_more_until_invited_again(desk: Desk) -> None:
    person = desk.registered()
    desk.reception.staff.revoke(desk.organization, "ada")
    with pytest.raises(BadPasskey):
        desk.another().passkeys.verify(PLACE, "sign-in", desk.signed())
    with pytest.raises(NoSuchPerson):
        desk.reception.staff.revoke(desk.organization, "nobody")
    assert desk.reception.staff.all()[0].revoked_at == desk.room.now
    again = desk.registered(passkey=Authenticator(PLACE.origin))
    assert again.handle == person.handle


@pytest.mark.parametrize("name", ["", " ada", "a\nda", "a\u202eda", "a" * 65])
def test_a_name_is_one_line_that_shows_itself(desk: Desk, name: str) -> None:
    with pytest.raises(ValueError, match="a name has"):
        desk.invited(name)


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE passkeys SET name = 'ben'",
        "UPDATE passkeys SET counter = 0, credential = id",
        "UPDATE staff SET role = 'operator'",
    ],
)
def test_rows_that_were_edited_let_nobody_in(desk: Desk, edit: str) -> None:
    desk.registered()
    desk.registered("ben", Authenticator(PLACE.origin))
    with desk.room.engine.begin() as connection:
        connection.execute(text(edit))
    with pytest.raises(BadPasskey):
        desk.reception.passkeys.verify(PLACE, "sign-in", desk.signed())
