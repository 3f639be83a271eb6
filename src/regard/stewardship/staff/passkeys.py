"""Passkeys (WebAuthn): registered by an invitation, asked for at sign-in and before what counts. The person's device
checks who they are each time: by a finger, a face or a PIN.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    CollectedClientData,
    PublicKeyCredentialRpEntity,
    UserVerificationRequirement,
)
from sqlalchemy import Engine, func, select

from regard.database import reading
from regard.stewardship.records.sealed_rows import insert_sealed, is_told_of, update_sealed
from regard.stewardship.staff.challenges import BadChallenge, Challenges
from regard.stewardship.staff.staff import BadLink, Person, Staff, found
from regard.stewardship.staff.tables import passkeys

MOST_OF_A_PERSON = 10
_of = passkeys.c


class BadPasskey(PermissionError):
    """What a browser sent is no answer of a passkey that counts here; the text says no more than what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the console is, as browsers know it: such as https://faces.example.org."""

    origin: str

    @property
    def rp_id(self) -> str:
        """The name that passkeys are bound to."""
        return urlsplit(self.origin).hostname or ""


class Passkeys:
    """Registers passkeys and asks for them. Thread-safe."""

    def __init__(
        self, engine: Engine, staff: Staff, challenges: Challenges, clock: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._staff = staff
        self._challenges = challenges
        self._clock = clock

    def creation(self, place: Place, person: Person) -> dict[str, Any]:
        """The options of a new passkey for somebody, as JSON (PublicKeyCredentialCreationOptionsJSON)."""
        user = {"id": person.handle, "name": person.name, "displayName": f"{person.name} ({person.role})"}
        options, _ = _server(place).register_begin(
            user,  # type: ignore[arg-type]
            self._theirs(person),
            resident_key_requirement="required",  # type: ignore[arg-type]
            user_verification=UserVerificationRequirement.REQUIRED,
            challenge=self._challenges.make(_registering(person)),
        )
        return dict(options.public_key)

    def request(self, place: Place, act: str, person: Person | None = None) -> dict[str, Any]:
        """The options to ask a passkey with, as JSON: anybody's, or one of a person's, for one act."""
        options, _ = _server(place).authenticate_begin(
            self._theirs(person) if person else None,
            UserVerificationRequirement.REQUIRED,
            self._challenges.make(act),
        )
        return dict(options.public_key)

    def register(self, place: Place, token: str, answer: str) -> Person:
        """Take in a passkey for whom a link is for, which is used up. `answer` is JSON as browsers give it.

        Raises BadLink, BadPasskey, BadChallenge.
        """
        person, _ = self._staff.look(token)
        told = _read(answer)
        challenge = _challenge_in(told)
        self._challenges.check(challenge, _registering(person))
        try:
            made = _server(place).register_complete(_state(challenge), told)
        except Exception as error:
            raise BadPasskey(f"The passkey was not taken: {error}. Try again.") from None
        credential = made.credential_data
        assert credential is not None
        self._challenges.use(challenge)
        self._staff.redeem(token)
        row = {
            "id": credential.credential_id,
            "organization": person.organization,
            "name": person.name,
            "credential": bytes(credential),
            "counter": made.counter,
            "added_at": self._clock(),
        }
        with self._engine.begin() as connection:
            same = (_of.organization == person.organization) & (_of.name == person.name)
            if (connection.execute(select(func.count()).where(same)).scalar() or 0) >= MOST_OF_A_PERSON:
                raise BadLink(f"{person.name} has {MOST_OF_A_PERSON} passkeys already, and more are not taken.")
            if connection.execute(select(_of.id).where(_of.id == credential.credential_id)).first() is not None:
                raise BadPasskey("This passkey is registered already. Sign in with it.")
            insert_sealed(connection, passkeys, row)
        return person

    def verify(self, place: Place, act: str, answer: str, by: Person | None = None) -> Person:
        """Whose passkey answered a challenge for `act`; where `by` is given, it must be theirs.

        Raises BadPasskey, BadChallenge.
        """
        told = _read(answer)
        challenge = _challenge_in(told)
        self._challenges.check(challenge, act)
        try:
            asserted = AuthenticationResponse.from_dict(told)
        except Exception:
            raise BadPasskey("This is no answer of a passkey. Try again.") from None
        person, row = self._whose(bytes(asserted.raw_id))
        if by is not None and (person.organization, person.name) != (by.organization, by.name):
            raise BadPasskey("This is somebody else's passkey. Use yours.")
        try:
            _server(place).authenticate_complete(_state(challenge), [AttestedCredentialData(row.credential)], asserted)
        except Exception as error:
            raise BadPasskey(f"The passkey's answer does not hold: {error}. Try again.") from None
        self._challenges.use(challenge)
        self._count(row, asserted.response.authenticator_data.counter)
        return person

    def of(self, person: Person) -> int:
        """How many passkeys somebody has."""
        return len(self._theirs(person))

    def _theirs(self, person: Person) -> list[AttestedCredentialData]:
        same = (_of.organization == person.organization) & (_of.name == person.name)
        with reading(self._engine) as connection:
            rows = connection.execute(select(passkeys).where(same).order_by(_of.added_at)).all()
        return [AttestedCredentialData(row.credential) for row in rows]

    def _whose(self, credential_id: bytes) -> tuple[Person, Any]:
        with reading(self._engine) as connection:
            row = connection.execute(select(passkeys).where(_of.id == credential_id)).first()
            whole = row is not None and is_told_of(connection, passkeys, row, "a passkey")
            person = found(connection, row.organization, row.name) if row is not None and whole else None
        if person is None:
            raise BadPasskey("This passkey opens nothing here. Ask for an invitation: `regard console invite`.")
        return person, row

    def _count(self, row: Any, counter: int) -> None:
        """Note how often a passkey signed. One that counts and went back is a copy (WebAuthn, 6.1.1)."""
        if counter <= row.counter and (counter or row.counter):
            raise BadPasskey("This passkey was copied: it counted less than before. Ask for another invitation.")
        with self._engine.begin() as connection:
            update_sealed(connection, passkeys, _of.id == row.id, counter=counter)


def _server(place: Place) -> Fido2Server:
    # The browser says where it is: there, and nowhere else.
    party = PublicKeyCredentialRpEntity(id=place.rp_id, name="regard")
    return Fido2Server(party, verify_origin=lambda origin: origin == place.origin)


def _state(challenge: bytes) -> dict[str, Any]:
    return {"challenge": websafe_encode(challenge), "user_verification": UserVerificationRequirement.REQUIRED}


def _registering(person: Person) -> str:
    return f"register/{person.handle.hex()}"


def _read(answer: str) -> Mapping[str, Any]:
    try:
        told = json.loads(answer)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise BadPasskey("No passkey answered. It takes a browser with scripts; try again.")
    return told


def _challenge_in(told: Mapping[str, Any]) -> bytes:
    try:
        return CollectedClientData(websafe_decode(told["response"]["clientDataJSON"])).challenge
    except Exception:
        raise BadChallenge("This is no answer of a passkey. Try again.") from None
