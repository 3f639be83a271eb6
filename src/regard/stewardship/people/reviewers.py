"""Reviewers: the people who decide on matches and human loops, and how they log in. What they decide is in `review`."""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine, delete, select

from regard.database import asking, reading
from regard.stewardship.people.secret_digest import secret_digest
from regard.stewardship.records import tables
from regard.stewardship.records.sealed_rows import insert_sealed, is_row_sealed

_reviewers = tables.reviewers.c
_log = logging.getLogger(__name__)


class NotAReviewer(PermissionError):
    """The name and the secret are not those of a reviewer."""


@dataclass(frozen=True, slots=True)
class Reviewer:
    """A person who decides on candidates. `keys` are the access keys that this person asks with.

    `mark` is nobody else's, and the same in each service on the database: forms are marked with it.
    """

    organization: str
    name: str
    keys: frozenset[str]
    mark: bytes = field(repr=False)


class Reviewers:
    """Appoints people and knows them again, by secrets of which only digests are kept. Thread-safe."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def appoint(self, organization: str, name: str, keys: Sequence[str] = ()) -> str:
        """Make a person a reviewer, or give one another secret, which is told this once."""
        secret = secrets.token_urlsafe(32)
        row = {"organization": organization, "name": name, "keys": sorted(keys), "digest": secret_digest(secret)}
        same = (_reviewers.organization == organization) & (_reviewers.name == name)
        with self._engine.begin() as connection:
            connection.execute(delete(tables.reviewers).where(same))
            insert_sealed(connection, tables.reviewers, row)
        return secret

    def asks_with(self, organization: str, name: str) -> frozenset[str]:
        """The access keys that a reviewer of this name asks with; none where nobody is appointed so."""
        same = (_reviewers.organization == organization) & (_reviewers.name == name)
        with asking(self._engine) as connection:
            return frozenset(connection.execute(select(_reviewers["keys"]).where(same)).scalar() or ())

    def log_in(self, organization: str, name: str, secret: str) -> Reviewer:
        """Who logs in. Raises NotAReviewer."""
        same = (_reviewers.organization == organization) & (_reviewers.name == name)
        with reading(self._engine) as connection:
            row = connection.execute(select(tables.reviewers).where(same)).first()
            if row is not None and not is_row_sealed(connection, tables.reviewers, row):
                _log.error("the reviewer %s of %s was changed in the database: appoint them again", name, organization)
                row = None
        if row is None or not hmac.compare_digest(row.digest, secret_digest(secret)):
            raise NotAReviewer("This is no reviewer's name and secret.")
        return Reviewer(organization, name, frozenset(row.keys), row.digest)
