"""Who may sign in to the console for an organization, as what; and the links that let them in for the first time."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, Engine, Row, delete, select

from regard.database import reading
from regard.names import legible
from regard.stewardship.people.secret_digest import secret_digest
from regard.stewardship.records import records
from regard.stewardship.records.sealed_rows import insert_sealed, is_told_of, update_sealed
from regard.stewardship.staff.tables import passkeys, staff, staff_links, staff_sessions

MINUTES = 15
MOST_LETTERS = 64
_KIND = "console"
_HANDLE_BYTES = 32
# 192 random bits: a link stays in one line of a terminal.
_TOKEN_BYTES = 24
_links = staff_links.c
_log = logging.getLogger(__name__)


class Role(StrEnum):
    """What somebody does in the console; `pages.console` says which pages are whose."""

    OPERATOR = "operator"
    REVIEWER = "reviewer"
    COUNCIL = "council"
    AUDITOR = "auditor"


class Kind(StrEnum):
    """What a link does: it registers a passkey, or it opens a session at once, from the service's machine alone."""

    INVITATION = "invitation"
    LOCAL = "local"


class BadLink(PermissionError):
    """A link that was never given out, has run out, or was used; the text does not say which."""


class NoSuchPerson(LookupError):
    """Nobody of this name signs in for this organization."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in. `handle` are 32 random bytes that authenticators call them by.

    `keys` are the access keys that they searched with: on what those asked they do not decide as a reviewer.
    """

    organization: str
    name: str
    role: Role
    handle: bytes
    keys: frozenset[str] = frozenset()
    revoked_at: float | None = None


class Staff:
    """Invites people, and lets them go. Thread-safe."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    def invite(self, organization: str, name: str, role: Role, kind: Kind = Kind.INVITATION) -> str:
        """The token of a link that works once, within 15 minutes. Somebody who is there gets another, and the role.

        `organization` is the id of one that is registered. Raises ValueError for a name that is none.
        """
        name = _checked(name)
        token, now = secrets.token_urlsafe(_TOKEN_BYTES), self._clock()
        link = {
            "digest": secret_digest(token),
            "organization": organization,
            "name": name,
            "kind": str(kind),
            "expires_at": now + MINUTES * 60,
        }
        with self._engine.begin() as connection:
            self._enter(connection, organization, name, role, now)
            connection.execute(delete(staff_links).where(_links.expires_at < now))
            insert_sealed(connection, staff_links, link)
            # A start prints a local link each time: that says nothing of who may do what.
            if kind is Kind.INVITATION:
                _tell(connection, "invited", organization, role, now)
        return token

    def look(self, token: str) -> tuple[Person, Kind]:
        """Whom a link is for, without using it. Raises BadLink."""
        wanted = select(staff_links).where(
            _links.digest == secret_digest(token), _links.used_at.is_(None), _links.expires_at >= self._clock()
        )
        with reading(self._engine) as connection:
            row = connection.execute(wanted).first()
            sealed = row is not None and is_told_of(connection, staff_links, row, "a link to the console")
            person = found(connection, row.organization, row.name) if row is not None and sealed else None
        if row is None or person is None:
            raise BadLink(
                "The link was not given out here, has run out, or was used before. Ask for another: "
                "`regard console invite` or, on this machine, `regard console link` prints one."
            )
        return person, Kind(row.kind)

    def redeem(self, token: str) -> Person:
        """Whom a link is for; it works no second time, in any process. Raises BadLink."""
        person, _ = self.look(token)
        with self._engine.begin() as connection:
            unused = (_links.digest == secret_digest(token)) & _links.used_at.is_(None)
            if not update_sealed(connection, staff_links, unused, used_at=self._clock()):
                raise BadLink("The link was used a moment ago.")
        return person

    def all(self, organization: str | None = None) -> list[Person]:
        """Everybody who was invited, or those of one organization, by name; those who were let go, too."""
        wanted = select(staff).order_by(staff.c.organization, staff.c.name)
        if organization is not None:
            wanted = wanted.where(staff.c.organization == organization)
        with reading(self._engine) as connection:
            return [_person(row) for row in connection.execute(wanted) if _is_whole(connection, row)]

    def revoke(self, organization: str, name: str) -> None:
        """Let somebody go: their passkeys, links and sessions end, in every process. Raises NoSuchPerson."""
        with self._engine.begin() as connection:
            same = (staff.c.organization == organization) & (staff.c.name == name)
            row = connection.execute(select(staff).where(same)).first()
            if row is None:
                raise NoSuchPerson(f"there is no {name} of {organization}; `regard console people` lists them")
            for table in (staff_sessions, passkeys, staff_links):
                connection.execute(delete(table).where(table.c.organization == organization, table.c.name == name))
            update_sealed(connection, staff, same, revoked_at=self._clock())
            _tell(connection, "revoked", organization, row.role, self._clock())

    def note_search(self, person: Person, access_key: str) -> None:
        """Keep that somebody searched with a key."""
        if access_key in person.keys:
            return
        same = (staff.c.organization == person.organization) & (staff.c.name == person.name)
        with self._engine.begin() as connection:
            known = connection.execute(select(staff.c["keys"]).where(same)).scalar() or []
            update_sealed(connection, staff, same, keys=sorted({*known, access_key}))

    def _enter(self, connection: Connection, organization: str, name: str, role: Role, now: float) -> None:
        same = (staff.c.organization == organization) & (staff.c.name == name)
        if connection.execute(select(staff.c.name).where(same)).first() is not None:
            update_sealed(connection, staff, same, role=str(role), revoked_at=None)
            return
        handle = secrets.token_bytes(_HANDLE_BYTES)
        row = {"organization": organization, "name": name, "role": str(role), "handle": handle, "keys": []}
        insert_sealed(connection, staff, row | {"invited_at": now})


def found(connection: Connection, organization: str, name: str) -> Person | None:
    """Somebody who may sign in, or None."""
    wanted = select(staff).where(staff.c.organization == organization, staff.c.name == name)
    row = connection.execute(wanted).first()
    if row is None or row.revoked_at is not None or not _is_whole(connection, row):
        return None
    return _person(row)


def _is_whole(connection: Connection, row: Row[tuple[object, ...]]) -> bool:
    return is_told_of(connection, staff, row, f"{row.name} of {row.organization}, who signs in to the console,")


def _person(row: Row[tuple[object, ...]]) -> Person:
    keys = frozenset(row.keys)
    return Person(row.organization, row.name, Role(row.role), bytes(row.handle), keys, row.revoked_at)


def _checked(name: str) -> str:
    if not name or name != legible(name) or len(name) > MOST_LETTERS:
        raise ValueError(f"a name has 1 to {MOST_LETTERS} letters in one line, and no blanks around it")
    return name


def _tell(connection: Connection, change: str, organization: str, role: str, now: float) -> None:
    # The record is for ever: it does not say who.
    records.append(connection, _KIND, now, {"change": change, "organization": organization, "role": str(role)})
