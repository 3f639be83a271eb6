"""Sessions of all organizations: made, used once, and gone three minutes after they were made."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Engine, delete, func, select

from regard.database import reading, take, writing
from regard.gallery.gallery import Gallery
from regard.liveness import tables
from regard.liveness.errors import NoSuchSession, OtherSession, SessionUsed, TooManySessions
from regard.liveness.rows import Rows
from regard.liveness.session import Asked, Posed, Result, Session, Status
from regard.sealing import SealingKey
from regard.traces import owe

# The API's: a session, and all that is known of it, is there for so long.
TERM_SECONDS = 180.0
# For how long a session that is over is told to be EXPIRED, and its id refused for that reason.
REMEMBERED_SECONDS = 24 * 3600.0
# So many of one organization may wait or run at once.
MOST_OPEN = 1000
_of = tables.liveness_sessions.c
_OPEN = tuple(each for each in Status if each.open)


class Sessions:
    """Sessions. Thread-safe. Each method that takes a connection works in the caller's transaction."""

    def __init__(
        self, engine: Engine, gallery: Gallery, key: SealingKey, clock: Callable[[], float] = time.time
    ) -> None:
        self._rows = Rows(gallery, key)
        self._gallery = gallery
        self._engine = engine
        self.clock = clock

    def create(
        self, connection: Connection, organization: str, access_key: str, asked: Asked, token: str | None
    ) -> str:
        """The id of a session for what is asked: a new one, or the one this key made with this token, not yet over.

        Raises OtherSession for a token that came with other parameters, TooManySessions.
        """
        take(connection, f"liveness/{organization}")
        now = self.clock()
        name = None if token is None else self._rows.digest("token", [access_key, token])
        digest = self._rows.digest("asked", asked)
        if name is not None:
            row = self._rows.find(connection, _of.organization == organization, _of.token == name)
            if row is not None and row["expires_at"] > now:
                if row["asked"] != digest:
                    raise OtherSession("this ClientRequestToken came with other parameters before")
                return str(row["id"])
            if row is not None:
                self._let_go(connection, [row["id"]])
        count = select(func.count()).where(
            _of.organization == organization, _of.status.in_(_OPEN), _of.expires_at > now
        )
        if connection.execute(count).scalar_one() >= MOST_OPEN:
            raise TooManySessions(f"{MOST_OPEN} sessions wait or run; each is over within {TERM_SECONDS:.0f} seconds.")
        of = str(uuid4()), organization, access_key
        made = Session(*of, Status.CREATED, now, now + TERM_SECONDS, asked, None, None)
        self._rows.insert(connection, made, name, digest)
        return made.id

    def get(self, organization: str, session: str) -> Session:
        """A session of an organization. Raises NoSuchSession, SessionChanged."""
        with reading(self._engine) as connection:
            return self._found(connection, session, _of.organization == organization)

    def ticket(self, session: str) -> str:
        """What proves that somebody was sent here with a session, by whoever made it: on a page, in place of a key."""
        return self._rows.digest("ticket", session).hex()

    def by_ticket(self, session: str, ticket: str) -> Session:
        """The session of whichever organization that a ticket is for. Raises NoSuchSession, SessionChanged."""
        if not hmac.compare_digest(self.ticket(session).encode(), ticket.encode()):
            raise NoSuchSession(f"There is no session {session}.")
        with reading(self._engine) as connection:
            return self._found(connection, session)

    def begin(self, connection: Connection, organization: str, access_key: str, session: str, posed: Posed) -> Session:
        """Take a session into use, once, by the key that made it. Raises NoSuchSession, SessionUsed, SessionChanged."""
        take(connection, f"liveness/{organization}")
        found = self._found(connection, session, _of.organization == organization)
        if found.access_key != access_key:
            raise NoSuchSession(f"There is no session {session} of this access key.")
        if found.status is Status.EXPIRED:
            raise SessionUsed(f"The session {session} has expired. Create another.")
        if found.status is not Status.CREATED:
            raise SessionUsed(f"The session {session} was used already. Create another for each check.")
        begun = replace(found, status=Status.IN_PROGRESS, posed=posed)
        self._rows.write(connection, begun)
        return begun

    def end(self, session: Session, result: Result | None) -> bool:
        """End a session that is in progress: with what came of it, or as failed. Whether there was time for that."""
        with writing(self._engine) as connection:
            try:
                found = self._found(connection, session.id)
            except NoSuchSession:
                return False
            if found.status is not Status.IN_PROGRESS:
                return False
            status = Status.FAILED if result is None else Status.SUCCEEDED
            self._rows.write(connection, replace(found, status=status, result=result))
        return True

    def expire(self) -> int:
        """Let go of what is known of sessions whose time is over, and forget those that were over long ago; how many.

        Broken off between, what it leaves opens with no key.
        """
        now = self.clock()
        over = select(_of.id).where(_of.expires_at <= now, _of.sealed.is_not(None))
        old = _of.expires_at <= now - REMEMBERED_SECONDS
        with reading(self._engine) as connection:
            if not any(connection.execute(each.limit(1)).first() for each in (over, select(_of.id).where(old))):
                return 0
        with self._gallery.overwriting(), writing(self._engine) as connection:
            ended = list(connection.execute(over).scalars())
            self._let_go(connection, ended)
            connection.execute(delete(tables.liveness_sessions).where(old))
        return len(ended)

    def _let_go(self, connection: Connection, sessions: list[str]) -> None:
        # First the keys: whatever comes between, no picture outlives its session.
        self._rows.destroy(sessions)
        self._rows.empty(connection, sessions)
        if sessions:
            owe(connection)

    def _found(self, connection: Connection, session: str, *which: ColumnElement[bool]) -> Session:
        row = self._rows.find(connection, _of.id == session, *which)
        if row is None:
            raise NoSuchSession(f"There is no session {session}.")
        return self._rows.session(row, over=row["expires_at"] <= self.clock())
