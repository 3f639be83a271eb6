"""Tokens that travel through clients: where a listing goes on, and which request was made before."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from regard.database import take
from regard.gallery.collections import tables
from regard.gallery.collections.errors import BadPageToken, TokenReused
from regard.sealing import SealBroken, SealingKey
from regard.traces import owe

PAGE_SECONDS = 24 * 3600
REQUEST_SECONDS = 7 * 24 * 3600
_requests = tables.requests.c
_FACE_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class PageTokens:
    """NextTokens: sealed, so that they tell nothing and cannot be forged; good for one listing, for 24 hours."""

    def __init__(self, key: SealingKey, clock: Callable[[], float]) -> None:
        self._key = key
        self._clock = clock

    def issue(self, listing: object, last: int) -> str:
        """A token to go on with `listing` behind the row `last`; 66 characters at most."""
        clear = f"{int(self._clock() + PAGE_SECONDS)}/{last}".encode()
        return base64.urlsafe_b64encode(self._key.seal(clear, _context(listing))).decode()

    def read(self, listing: object, token: str | None) -> int:
        """The row to go on behind; 0 without a token. Raises BadPageToken."""
        if token is None:
            return 0
        try:
            sealed = base64.b64decode(token, altchars=b"-_", validate=True)
            expires, last = map(int, self._key.open(sealed, _context(listing)).split(b"/"))
        except (ValueError, SealBroken):
            raise BadPageToken from None
        if expires < self._clock():
            raise BadPageToken
        return last


class Requests:
    """ClientRequestTokens: a request that is sent again within 7 days is answered again, and done once."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def answer(
        self,
        connection: Connection,
        organization: str,
        operation: str,
        token: str | None,
        parameters: dict[str, Any],
        work: Callable[[], dict[str, Any]],
        *,
        keep: bool = True,
    ) -> dict[str, Any]:
        """What `work` answers, in the caller's transaction, or what it answered then. Raises TokenReused.

        Without `keep` the answer is not kept: what is sent again is done again.
        """
        if token is None:
            return work()
        # Of two that are sent at once, for two collections, one waits for what the other was answered.
        take(connection, f"request/{organization}/{operation}/{token}")
        self.expire(connection)
        name = {"organization": organization, "operation": operation, "token": token}
        digest = hashlib.sha256(_canonical(parameters)).hexdigest()
        wanted = select(_requests.parameters, _requests.answer).filter_by(**name)
        known = connection.execute(wanted).one_or_none()
        if known is not None:
            if known.parameters != digest:
                raise TokenReused(token)
            earlier: dict[str, Any] = known.answer
            return earlier
        answer = work()
        if not keep:
            return answer
        connection.execute(
            insert(tables.requests).values(**name, parameters=digest, answer=answer, created_at=self._clock())
        )
        return answer

    def expire(self, connection: Connection) -> None:
        """Forget the requests of more than 7 days ago."""
        oldest = self._clock() - REQUEST_SECONDS
        if connection.execute(delete(tables.requests).where(_requests.created_at < oldest)).rowcount:
            owe(connection)


def forget(connection: Connection, organization: str, face_ids: Collection[str]) -> None:
    """Forget the requests of an organization whose answers name one of these faces."""
    rows = connection.execute(select(tables.requests).filter_by(organization=organization)).all()
    for row in rows:
        if not set(_FACE_ID.findall(json.dumps(row.answer))).isdisjoint(face_ids):
            same = {"organization": organization, "operation": row.operation, "token": row.token}
            connection.execute(delete(tables.requests).filter_by(**same))


def _context(listing: object) -> bytes:
    return b"page/" + hashlib.sha256(_canonical(listing)).digest()


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
