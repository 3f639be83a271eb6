"""Access keys: what an organization signs with, and the purpose that the signature states."""

from __future__ import annotations

import logging
import secrets
import string
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Row, insert, select, update

from regard.database import asking
from regard.sealing import SealBroken, SealingKey
from regard.stewardship.policy import vocabulary
from regard.stewardship.policy.call import Caller
from regard.stewardship.records import records, tables
from regard.stewardship.records.revision import Revision, changed

DAY = 86_400.0
_WITH_TOKEN = "ASIA"
_TERMS = (
    *("organization", "purpose", "basis", "operations", "loopback_only", "most_faces"),
    *("created_at", "expires_at", "revoked_at"),
)
_ID_ALPHABET = string.ascii_uppercase + "234567"
_SECRET_ALPHABET = string.ascii_letters + string.digits + "+/"
_log = logging.getLogger(__name__)


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

    def works(self, now: float) -> bool:
        """Whether it was neither revoked nor ended by then."""
        return self.enabled and self.expires > now


class AccessKeys:
    """Issues, finds and revokes access keys. Thread-safe.

    Secrets lie sealed under the root key, for the key's terms: where a row says others, the key does not work.
    """

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
        key_id = (_WITH_TOKEN if session_token else "AKIA") + _random(_ID_ALPHABET, 16)
        token = _random(_SECRET_ALPHABET, 120) if session_token else None
        row: dict[str, Any] = {
            "id": key_id,
            "organization": organization,
            "purpose": purpose,
            "basis": basis,
            "operations": sorted(operations) if operations is not None else None,
            "loopback_only": loopback_only,
            "most_faces": most_faces,
            "created_at": now,
            "expires_at": now + days * DAY,
            "revoked_at": None,
        }
        row |= self._sealed(row, _random(_SECRET_ALPHABET, 40), token)
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
            of = connection.execute(select(table).where(same)).one_or_none()
            if of is None:
                raise LookupError(f"there is no access key {access_key_id}")
            ended: dict[str, Any] = {"revoked_at": self._clock()}
            with suppress(SealBroken):
                # One whose terms were changed opens nothing, and stays so.
                ended |= self._sealed(of._asdict() | ended, *self._opened(of._asdict()))
            connection.execute(update(table).where(same).values(ended))
            _tell(connection, "revoked", of.organization, of.purpose, self._clock())
            changed(connection)

    def all(self, organization: str | None = None) -> list[AccessKey]:
        """All keys, or those of one organization, oldest first."""
        table = tables.access_keys
        query = select(table).order_by(table.c.created_at, table.c.id)
        if organization is not None:
            query = query.where(table.c.organization == organization)
        with asking(self._engine) as connection:
            return [key for row in connection.execute(query) if (key := self._open(row)) is not None]

    def purposes(self) -> dict[str, frozenset[str]]:
        """What organizations have keys for that are not revoked and did not end. No key is opened for that."""
        of, found = tables.access_keys.c, dict[str, frozenset[str]]()
        works = (of.revoked_at.is_(None), of.expires_at > self._clock())
        with asking(self._engine) as connection:
            rows = connection.execute(select(of.organization, of.purpose).where(*works).distinct())
            for organization, purpose in rows:
                found[organization] = found.get(organization, frozenset()) | {purpose}
        return found

    def bind_terms(self, connection: Connection) -> None:
        """Seal anew the secrets of keys from before they were bound to the keys' terms. For the first start alone."""
        table = tables.access_keys
        for row in connection.execute(select(table)).all():
            with suppress(SealBroken):
                clear = [
                    self._unseal(sealed, _unbound(row.id, part)) if sealed else None
                    for sealed, part in ((row.sealed_secret, "secret"), (row.sealed_session_token, "token"))
                ]
                bound = self._sealed(row._asdict(), clear[0] or "", clear[1])
                connection.execute(update(table).where(table.c.id == row.id).values(bound))

    def _read(self, access_key_id: str) -> AccessKey | None:
        table = tables.access_keys
        with asking(self._engine) as connection:
            row = connection.execute(select(table).where(table.c.id == access_key_id)).one_or_none()
        return self._open(row) if row else None

    def _open(self, row: Row[tuple[object, ...]]) -> AccessKey | None:
        try:
            secret, token = self._opened(row._asdict())
        except SealBroken:
            _log.error("the access key %s does not work: it was changed in the database", row.id)
            return None
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
            secret=secret,
            session_token=token,
            caller=caller,
            created=row.created_at,
            expires=row.expires_at,
            enabled=row.revoked_at is None,
        )

    def _sealed(self, row: Mapping[str, Any], secret: str, token: str | None) -> dict[str, bytes | None]:
        """The columns of secrets, bound to all that the row says of the key: they open for no other terms."""
        return {
            "sealed_secret": self._sealing_key.seal(secret.encode(), _bound(row, "secret")),
            "sealed_session_token": self._sealing_key.seal(token.encode(), _bound(row, "token")) if token else None,
        }

    def _opened(self, row: Mapping[str, Any]) -> tuple[str, str | None]:
        """The secret and the session token of a row. Raises SealBroken where its terms are not those of the key."""
        token = row["sealed_session_token"]
        # A session token that was taken out of the row would leave a key without one.
        if (token is not None) != row["id"].startswith(_WITH_TOKEN):
            raise SealBroken("the session token is gone")
        secret = self._unseal(row["sealed_secret"], _bound(row, "secret"))
        return secret, self._unseal(token, _bound(row, "token")) if token is not None else None

    def _unseal(self, sealed: bytes, context: bytes) -> str:
        return self._sealing_key.open(sealed, context).decode()


def _bound(row: Mapping[str, Any], part: str) -> bytes:
    """What a secret is sealed for: the key's id, and its terms. Numbers are floats, as every database gives them."""
    terms = [row[name] if not isinstance(row[name], int | float) else float(row[name]) for name in _TERMS]
    return f"access-key/{row['id']}/{part}/".encode() + msgspec.json.encode(terms)


def _unbound(key_id: str, part: str) -> bytes:
    return f"access-key/{key_id}/{part}".encode()


def _tell(connection: Connection, change: str, organization: str, purpose: str, now: float) -> None:
    body = {"change": change, "organization": organization, "purpose": purpose}
    records.append(connection, "regard/key", now, body)


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
