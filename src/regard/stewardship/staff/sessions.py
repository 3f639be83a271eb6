"""Sessions in the console: who is signed in, in which browser, under which access key they act.

30 minutes without a request end one, and 8 hours in any case: OWASP's Session Management Cheat Sheet has 15 to 30
minutes idle for applications of low risk and 4 to 8 hours for a day's work.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Engine, Row, delete, select

from regard.database import reading
from regard.sealing import SealingKey
from regard.stewardship.people.secret_digest import secret_digest
from regard.stewardship.records.sealed_rows import insert_sealed, is_told_of, update_sealed
from regard.stewardship.staff.staff import Kind, Person, found
from regard.stewardship.staff.tables import staff_sessions

IDLE_SECONDS, MOST_SECONDS = 30 * 60, 8 * 3600
# To write on each request would make one writer of all who read.
_NOTED_SECONDS = 60
_ID_BYTES = 6
_of = staff_sessions.c
_log = logging.getLogger(__name__)


class SignedOut(PermissionError):
    """No session, or one that ended; the text does not say which."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in. `access_key` is the id of the key that they chose to act under.

    `digest` is what the session is known by; its first bytes are the `id` that commands call it. `how` says what opened
    it: an invitation, whose passkey signs in from then on, or a local link.
    """

    digest: bytes
    person: Person
    how: Kind
    access_key: str | None
    opened_at: float
    seen_at: float

    @property
    def id(self) -> str:
        """12 hexadecimal digits that name the session and do not open it."""
        return self.digest[:_ID_BYTES].hex()


class Sessions:
    """Opens, finds and ends sessions, of whose secrets only digests are kept. Thread-safe."""

    def __init__(self, engine: Engine, key: SealingKey, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._marks = key.derived("staff/marks")
        self._clock = clock

    def open(self, person: Person, how: Kind) -> str:
        """The secret of a new session, 256 random bits: what the cookie holds."""
        secret, now = secrets.token_urlsafe(32), self._clock()
        row = {
            "digest": secret_digest(secret),
            "organization": person.organization,
            "name": person.name,
            "how": str(how),
            "opened_at": now,
            "seen_at": now,
        }
        with self._engine.begin() as connection:
            connection.execute(delete(staff_sessions).where(self._over()))
            insert_sealed(connection, staff_sessions, row)
        return secret

    def look(self, secret: str) -> Session:
        """Who is signed in, with whom the time begins anew. Raises SignedOut."""
        now = self._clock()
        wanted = select(staff_sessions).where(_of.digest == secret_digest(secret), ~self._over())
        with reading(self._engine) as connection:
            row = connection.execute(wanted).first()
            person = found(connection, row.organization, row.name) if row is not None else None
            if row is None or person is None or not is_told_of(connection, staff_sessions, row, "a session"):
                raise SignedOut("You are signed out. Sign in again.")
        if now - row.seen_at >= _NOTED_SECONDS:
            self._change(bytes(row.digest), seen_at=now)
        return _session(row, person)

    def act_under(self, session: Session, access_key: str) -> None:
        """Choose the access key whose purpose counts from the next request on."""
        self._change(session.digest, access_key=access_key)

    def end(self, session: Session) -> None:
        """Sign out: the secret opens nothing any more, in any process."""
        self._delete(_of.digest == session.digest)

    def end_by_id(self, session_id: str) -> Session:
        """The same by what :meth:`all` calls a session. Raises LookupError."""
        named = next((each for each in self.all() if each.id == session_id), None)
        if named is None:
            raise LookupError(f"there is no session {session_id}; `regard console sessions` lists them")
        self.end(named)
        return named

    def end_those_of(self, organization: str, name: str) -> int:
        """Sign somebody out everywhere; how many sessions that were."""
        return self._delete((_of.organization == organization) & (_of.name == name))

    def all(self) -> list[Session]:
        """Every session that is open, oldest first."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(staff_sessions).where(~self._over()).order_by(_of.opened_at)).all()
            people = [(row, found(connection, row.organization, row.name)) for row in rows]
            return [
                _session(row, person)
                for row, person in people
                if person is not None and is_told_of(connection, staff_sessions, row, "a session")
            ]

    def mark(self, session: Session, place: str) -> str:
        """64 hexadecimal digits that a form at `place` carries, and nobody else's form does."""
        return hmac.digest(self._marks, session.digest + place.encode(), "sha256").hex()

    def _over(self) -> ColumnElement[bool]:
        now = self._clock()
        return (_of.seen_at <= now - IDLE_SECONDS) | (_of.opened_at <= now - MOST_SECONDS)

    def _change(self, digest: bytes, **values: float | str) -> None:
        with self._engine.begin() as connection:
            update_sealed(connection, staff_sessions, _of.digest == digest, **values)

    def _delete(self, which: ColumnElement[bool]) -> int:
        with self._engine.begin() as connection:
            return connection.execute(delete(staff_sessions).where(which)).rowcount


def _session(row: Row[tuple[object, ...]], person: Person) -> Session:
    return Session(bytes(row.digest), person, Kind(row.how), row.access_key, row.opened_at, row.seen_at)
