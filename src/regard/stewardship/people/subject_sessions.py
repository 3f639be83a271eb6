"""Sessions of the people pictured: a one-time token opens a quarter of an hour, in which they ask and decide at ease.

What is kept of one opens with its secret alone, which is nowhere but in the person's browser: who has the files learns
neither whom it is of nor that they were here, also of somebody who was erased meanwhile.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from sqlalchemy import Engine, delete, select

from regard.database import reading
from regard.sealing import SealingKey
from regard.stewardship.people.secret_digest import secret_digest
from regard.stewardship.people.subject_tokens import Bearer, SubjectTokens
from regard.stewardship.records import tables
from regard.stewardship.records.sealed_rows import insert_sealed, is_told_of

SECONDS = 15 * 60
_of = tables.subject_sessions.c
_log = logging.getLogger(__name__)


class SessionOver(PermissionError):
    """No session, or one whose time is over; the text does not say which."""


@dataclass(frozen=True, slots=True)
class SubjectSession:
    """Whom a session speaks for, and until when, in seconds since 1970. `digest` is what it is known by."""

    bearer: Bearer
    ends_at: float
    digest: bytes


class SubjectSessions:
    """Opens sessions by tokens, and finds and ends them. Thread-safe."""

    def __init__(
        self, engine: Engine, key: SealingKey, tokens: SubjectTokens, clock: Callable[[], float] = time.time
    ) -> None:
        """The marks of forms are made under a key derived from `key`."""
        self._engine = engine
        self._marks = key.derived("subjects/marks")
        self._tokens = tokens
        self._clock = clock

    def open(self, token: str) -> str:
        """Use a token up, and give the secret of the session that it opens: what the cookie holds. Raises BadToken."""
        bearer, secret, now = self._tokens.redeem(token), secrets.token_urlsafe(32), self._clock()
        sealed = _key_of(secret).seal(msgspec.json.encode(bearer), secret_digest(secret))
        row = {"digest": secret_digest(secret), "sealed": sealed, "ends_at": now + SECONDS}
        with self._engine.begin() as connection:
            connection.execute(delete(tables.subject_sessions).where(_of.ends_at <= now))
            insert_sealed(connection, tables.subject_sessions, row)
        return secret

    def look(self, secret: str) -> SubjectSession:
        """Whose session it is. Raises SessionOver."""
        digest = secret_digest(secret)
        wanted = select(tables.subject_sessions).where(_of.digest == digest, _of.ends_at > self._clock())
        with reading(self._engine) as connection:
            row = connection.execute(wanted).first()
            if row is None or not is_told_of(connection, tables.subject_sessions, row, "a person's session"):
                raise SessionOver("Your quarter of an hour is over. Ask the organization for another token.")
        bearer = msgspec.json.decode(_key_of(secret).open(row.sealed, digest), type=Bearer)
        return SubjectSession(bearer, row.ends_at, digest)

    def end(self, session: SubjectSession) -> None:
        """End a session before its time, in every process."""
        with self._engine.begin() as connection:
            connection.execute(delete(tables.subject_sessions).where(_of.digest == session.digest))

    def mark(self, session: SubjectSession, place: str) -> str:
        """64 hexadecimal digits that a form at `place` carries, and nobody else's form does."""
        return hmac.digest(self._marks, session.digest + place.encode(), "sha256").hex()


def _key_of(secret: str) -> SealingKey:
    return SealingKey(hmac.digest(secret.encode(), b"subjects/session", "sha256"))
