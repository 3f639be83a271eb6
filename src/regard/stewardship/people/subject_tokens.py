"""One-time tokens of people, issued once the organization knows who they are; `parties.keys` are those of programs."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine, delete, select

from regard.database import reading
from regard.stewardship.people.secret_digest import secret_digest
from regard.stewardship.policy.call import Caller
from regard.stewardship.records import tables
from regard.stewardship.records.sealed_rows import insert_sealed, is_row_sealed, update_sealed

MOST_HOURS = 24 * 7
# How somebody is known whom a search found, and whom the organization reaches by what it knows of them.
FOUND = "found by a search; told at the address that the organization has"
_PREFIX = "regard-subject-"
_of = tables.subject_tokens.c
_log = logging.getLogger(__name__)


class BadToken(PermissionError):
    """A token that was never issued, has run out, or was used; the text does not say which."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom a token speaks for, how the organization knew them, and the access key that it was issued with."""

    organization: str
    subject: str
    identity_check: str
    issued_by: str


class SubjectTokens:
    """Issues and redeems tokens, of which only digests are kept. Thread-safe."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    def issue(self, caller: Caller, subject: str, identity_check: str, hours: float = 24) -> str:
        """A token for `subject`, an ExternalImageId, that works once within `hours`. Raises ValueError."""
        if not identity_check.strip():
            raise ValueError("say how the person's identity was checked: it is written on their receipt")
        if not 0 < hours <= MOST_HOURS:
            raise ValueError(f"a token works for more than 0 and at most {MOST_HOURS} hours")
        token = _PREFIX + secrets.token_urlsafe(32)
        row = {
            "digest": secret_digest(token),
            "organization": caller.organization,
            "subject": subject,
            "identity_check": identity_check.strip(),
            "issued_by": caller.access_key_id,
            "expires_at": self._clock() + hours * 3600,
        }
        with self._engine.begin() as connection:
            insert_sealed(connection, tables.subject_tokens, row)
        return token

    def look(self, token: str) -> Bearer:
        """Whom a token speaks for, without using it. Raises BadToken."""
        wanted = select(tables.subject_tokens).where(
            _of.digest == secret_digest(token), _of.used_at.is_(None), _of.expires_at > self._clock()
        )
        with reading(self._engine) as connection:
            row = connection.execute(wanted).first()
            if row is not None and not is_row_sealed(connection, tables.subject_tokens, row):
                _log.error("a token for a person was changed in the database, and does not work")
                row = None
        if row is None:
            raise BadToken("The token was not issued, has run out, or was used before. Ask the organization for one.")
        return Bearer(row.organization, row.subject, row.identity_check, row.issued_by)

    def redeem(self, token: str) -> Bearer:
        """Whom a token speaks for; it works no second time, in any process. Raises BadToken."""
        bearer = self.look(token)
        with self._engine.begin() as connection:
            unused = (_of.digest == secret_digest(token)) & _of.used_at.is_(None)
            used = update_sealed(connection, tables.subject_tokens, unused, used_at=self._clock())
        if not used:
            raise BadToken("The token was used a moment ago.")
        return bearer

    def void(self, token: str) -> None:
        """Take a token back that reached nobody."""
        with self._engine.begin() as connection:
            connection.execute(delete(tables.subject_tokens).where(_of.digest == secret_digest(token)))

    def restore(self, token: str) -> None:
        """Let a token work again whose use came to nothing."""
        with self._engine.begin() as connection:
            update_sealed(connection, tables.subject_tokens, _of.digest == secret_digest(token), used_at=None)
