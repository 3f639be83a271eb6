"""Challenges that passkeys sign: each for one act, for a while, and answered once.

A challenge says itself until when it counts and carries an HMAC over what it is for. A row is written when one was
answered rightly, so that strangers who ask for many fill no table.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import struct
import time
from collections.abc import Callable

from sqlalchemy import Engine, delete

from regard.database import insert_new
from regard.sealing import SealingKey
from regard.stewardship.staff.tables import used_challenges

# As long as a page may lie open before what it asks is done; WebAuthn, 15.1, lets a person take 10 minutes.
SECONDS = 15 * 60
_NONCE_BYTES = 16
_UNTIL = struct.Struct(">Q")


class BadChallenge(PermissionError):
    """A challenge that was not given out for this, has run out, or was answered before."""


class Challenges:
    """Gives out challenges and knows them again, in any process that has the key. Thread-safe."""

    def __init__(self, engine: Engine, key: SealingKey, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._key = key.derived("staff/challenges")
        self._clock = clock

    def make(self, act: str) -> bytes:
        """56 bytes that are to be signed for `act`, a name that says for whom and what."""
        told = secrets.token_bytes(_NONCE_BYTES) + _UNTIL.pack(int(self._clock()) + SECONDS)
        return told + self._mark(told, act)

    def check(self, challenge: bytes, act: str) -> None:
        """Whether a challenge was given out for `act` and has not run out. Raises BadChallenge."""
        told = challenge[: _NONCE_BYTES + _UNTIL.size]
        if not hmac.compare_digest(challenge[len(told) :], self._mark(told, act)):
            raise BadChallenge("This was signed for something else. Go back to the page, and try again.")
        if _UNTIL.unpack(told[_NONCE_BYTES:])[0] < self._clock():
            raise BadChallenge("The page lay open for too long. Load it again, and try again.")

    def use(self, challenge: bytes) -> None:
        """Let a challenge that was checked, and signed, count no second time. Raises BadChallenge."""
        now, until = self._clock(), _UNTIL.unpack_from(challenge, _NONCE_BYTES)[0]
        row = {"digest": hashlib.sha256(challenge).digest(), "expires_at": float(until)}
        with self._engine.begin() as connection:
            connection.execute(delete(used_challenges).where(used_challenges.c.expires_at < now))
            if not insert_new(connection, used_challenges, [row]):
                raise BadChallenge("This was done a moment ago. Load the page again.")

    def _mark(self, told: bytes, act: str) -> bytes:
        return hmac.digest(self._key, told + act.encode(), "sha256")
