"""Access keys: what an organization signs with, and the purpose that the signature states."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, Row, insert, select, update

from regard.database import reading
from regard.sealing import SealingKey
from regard.stewardship.policy import vocabulary
from regard.stewardship.policy.call import Caller
from regard.stewardship.records import records, tables
from regard.stewardship.records.revision import Revision, changed

DAY = 86_400.0
_ID_ALPHABET = string.ascii_uppercase + "234567"
_SECRET_ALPHABET = string.ascii_letters + string.digits + "+/"


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key, open. Times are seconds since 1970; the secret is not part of its text form."""

    access_key_id: str
    secret: str = field(repr=False)
    session_token: str | None = field(repr=False)
    caller: Caller
    created: float
    expires: float
    enabled: bool


class AccessKeys:
    """Issues, finds and revokes access keys. Secrets lie sealed under the master key. Thread-safe."""

    def __init__(self, engine: Engine, sealing_key: SealingKey, revision: Revision, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._sealing_key = sealing_key
        self._revision = revision
        self._clock = clock
        self._seen: tuple[int, dict[str, AccessKey]] = (-1, {})

    def key(self, access_key_id: str) -> AccessKey | None:
        """The key, or None. It is kept in memory until any process changes something."""
        number, known = self._seen
        current = self._revision.current()
        if number != current:
            known = {}
            self._seen = (current, known)
        found = known.get(access_key_id)
        if found is None:
            found = self._read(access_key_id)
            if found is not None:
                known[access_key_id] = found
        return found

    def issue(
        self,
        organization: str,
        purpose: str,
        *,
        days: float = 90,
        operations: Iterable[str] | None = None,
        basis: str | None = None,
        session_token: bool = False,
        loopback_only: bool = False,
        most_faces: int | None = None,
    ) -> AccessKey:
        """A new key; this is the one time that anybody is told its secret without asking for it.

        `operations` limits what it may call; `basis` is what its collections stand on when their tags do not
        say, by default the purpose's own. Raises UnknownWord.
        """
        vocabulary.require_purpose(purpose)
        basis = vocabulary.require_basis(basis or vocabulary.purposes()[purpose].basis)
        now = self._clock()
        key_id = ("ASIA" if session_token else "AKIA") + _random(_ID_ALPHABET, 16)
        token = _random(_SECRET_ALPHABET, 120) if session_token else None
        row = {
            "id": key_id,
            "organization": organization,
            "sealed_secret": self._seal(_random(_SECRET_ALPHABET, 40), key_id, "secret"),
            "sealed_session_token": self._seal(token, key_id, "token") if token else None,
            "purpose": purpose,
            "basis": basis,
            "operations": sorted(operations) if operations is not None else None,
            "loopback_only": loopback_only,
            "most_faces": most_faces,
            "created_at": now,
            "expires_at": now + days * DAY,
        }
        with self._engine.begin() as connection:
            connection.execute(insert(tables.access_keys).values(row))
            _tell(connection, "issued", organization, purpose, now)
            changed(connection)
        issued = self._read(key_id)
        assert issued is not None
        return issued

    def revoke(self, access_key_id: str) -> None:
        """End a key for good, in every process, from the next call on. Raises LookupError."""
        table = tables.access_keys
        with self._engine.begin() as connection:
            same = table.c.id == access_key_id
            of = connection.execute(select(table.c.organization, table.c.purpose).where(same)).one_or_none()
            if of is None:
                raise LookupError(f"there is no access key {access_key_id}")
            connection.execute(update(table).where(same).values(revoked_at=self._clock()))
            _tell(connection, "revoked", of.organization, of.purpose, self._clock())
            changed(connection)

    def all(self, organization: str | None = None) -> list[AccessKey]:
        """All keys, or those of one organization, oldest first."""
        table = tables.access_keys
        query = select(table).order_by(table.c.created_at, table.c.id)
        if organization is not None:
            query = query.where(table.c.organization == organization)
        with reading(self._engine) as connection:
            return [self._open(row) for row in connection.execute(query)]

    def _read(self, access_key_id: str) -> AccessKey | None:
        table = tables.access_keys
        with reading(self._engine) as connection:
            row = connection.execute(select(table).where(table.c.id == access_key_id)).one_or_none()
        return self._open(row) if row else None

    def _open(self, row: Row[tuple[object, ...]]) -> AccessKey:
        token = row.sealed_session_token
        caller = Caller(
            access_key_id=row.id,
            organization=row.organization,
            purpose=row.purpose,
            basis=row.basis,
            operations=frozenset(row.operations) if row.operations is not None else None,
            loopback_only=row.loopback_only,
            most_faces=row.most_faces,
        )
        return AccessKey(
            access_key_id=row.id,
            secret=self._unseal(row.sealed_secret, row.id, "secret"),
            session_token=self._unseal(token, row.id, "token") if token else None,
            caller=caller,
            created=row.created_at,
            expires=row.expires_at,
            enabled=row.revoked_at is None,
        )

    def _seal(self, clear: str, key_id: str, part: str) -> bytes:
        return self._sealing_key.seal(clear.encode(), f"access-key/{key_id}/{part}".encode())

    def _unseal(self, sealed: bytes, key_id: str, part: str) -> str:
        return self._sealing_key.open(sealed, f"access-key/{key_id}/{part}".encode()).decode()


def _tell(connection: Connection, change: str, organization: str, purpose: str, now: float) -> None:
    body = {"change": change, "organization": organization, "purpose": purpose}
    records.append(connection, "regard/key", now, body)


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
