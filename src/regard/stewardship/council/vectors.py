"""Which collections may have their vectors in the clear, for search in PostgreSQL: by motion, and none on consent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from regard.gallery.collections import marks, tables
from regard.stewardship.council.collections import BASIS, row_of
from regard.stewardship.council.motions import BadMotion, Motion
from regard.stewardship.policy.vocabulary import BASES

CONSENT = BASES[-1]


def check_mark(connection: Connection, payload: Mapping[str, Any]) -> None:
    """Refuse a motion on the vectors of a collection that cannot have them in the clear. Raises BadMotion."""
    if not isinstance(payload.get("clear"), bool):
        raise BadMotion("a motion on vectors says whether they may lie in the clear: true or false")
    row = row_of(connection, payload)
    if row is None:
        raise BadMotion("the organization has no collection of this name")
    if payload["clear"] and _basis(connection, row) in (None, CONSENT):
        raise BadMotion(f"vectors lie in the clear only where {BASIS} is said and is not consent, which covers no such")
    if payload["clear"] and not marks.possible(connection):
        raise BadMotion("this database holds no vectors: start a service with REGARD_SEARCH=pgvector first")


def settle_mark(connection: Connection, motion: Motion) -> None:
    """Mark the collection of a motion that carried, or end its mark; nothing where it is gone or stands on consent."""
    row = row_of(connection, motion.payload)
    if row is None:
        return
    if motion.payload["clear"] and _basis(connection, row) not in (None, CONSENT):
        marks.make(connection, row, motion.hash)
    else:
        marks.end(connection, row)


def heed_basis(connection: Connection, organization: str, collection: str) -> None:
    """End the mark of a collection whose tags changed, if it stands on consent now."""
    row = row_of(connection, {"organization": organization, "collection": collection})
    if row is not None and _basis(connection, row) == CONSENT:
        marks.end(connection, row)


def _basis(connection: Connection, row: int) -> str | None:
    of = tables.tags.c
    return connection.execute(select(of.value).where(of.collection == row, of.key == BASIS)).scalar()
