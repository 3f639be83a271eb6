"""Payloads: details that are kept sealed beside the log, which itself holds only commitments to them.

A leaf holds SHA-256(salt ‖ details). Who has the details and their salt can show that the leaf is about them; who has
not cannot test a guess. Details can be erased one by one, and every proof of the log stays valid.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from regard.ledger.tree.entries import canonical_json
from regard.sealing import SealingKey
from regard.stewardship.logbook.payload_rows import Row, Rows

_SALT_BYTES = 32

# The key of a person, by organization and name there, made where asked; None when it was destroyed.
PartKeys = Callable[[str, str, bool], SealingKey | None]


class Erased(LookupError):
    """The key of the person whom details are about was destroyed."""


@dataclass(frozen=True, slots=True)
class Part:
    """Details of an entry that are kept, opened and erased together. `subject` is whom they are about, if one."""

    organization: str
    details: dict[str, Any]
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A part, sealed, and the commitment to it that goes into the leaf."""

    commitment: str
    organization: str
    subject: str
    data: bytes


def seal(part: Part, key: SealingKey, subject: str = "") -> Sealed:
    """Seal a part under a fresh salt. `subject` is what its subject is called where it is kept."""
    clear = secrets.token_bytes(_SALT_BYTES) + canonical_json(part.details)
    commitment = hashlib.sha256(clear).hexdigest()
    return Sealed(commitment, part.organization, subject, key.seal(clear, _context(commitment)))


def matches(commitment: str, salt: bytes, details: dict[str, Any]) -> bool:
    """Whether a leaf with this commitment is about these details."""
    return hashlib.sha256(salt + canonical_json(details)).hexdigest() == commitment


class Payloads:
    """Keeps sealed parts, by commitment. Thread-safe. The person whom a row is about stands in it as a keyed digest.

    A part outlives the end of the process from when `keep` returns. The end of the machine it may not outlive: the
    leaf does, and then stays as an entry without details.
    """

    def __init__(self, rows: Rows, key: SealingKey, keys: PartKeys | None = None) -> None:
        self._rows = rows
        self._key = key
        self._keys = keys
        self._naming = key.derived("payloads/names")

    def seal(self, part: Part) -> Sealed:
        """A part made ready to be kept: under the key of its subject, where it is about one."""
        whose = _person(part.subject)
        key = self._keys(part.organization, whose, True) if self._keys and whose else self._key
        assert key is not None
        return seal(part, key, self._name(part.organization, whose))

    def keep(self, parts: Iterable[Sealed], at: float) -> None:
        """Keep sealed parts; those there already stay as they are."""
        self._rows.keep(_rows(parts, at))

    def keep_within(self, connection: Connection, parts: Sequence[Sealed], at: float) -> Sequence[Sealed]:
        """Keep sealed parts in the caller's transaction; answers those that are left for `keep`."""
        left = {row.commitment for row in self._rows.keep_within(connection, _rows(parts, at))}
        return [part for part in parts if part.commitment in left]

    def check(self) -> None:
        """Raise sqlite3.Error or SQLAlchemyError while there is no room to keep anything."""
        self._rows.check()

    def open(self, commitment: str, whose: str = "") -> dict[str, Any]:
        """The details behind a commitment; `whose` is their subject. Raises LookupError: erased, or never kept."""
        row = self._rows.find(commitment)
        if row is None:
            raise LookupError(f"nothing is kept for {commitment}")
        return self._details(row, whose)

    def about(self, organization: str, whose: str) -> dict[str, dict[str, Any]]:
        """All details about one person of an organization, in any collection, by commitment, oldest first."""
        return {commitment: details for commitment, _, details in self.dated(organization, whose)}

    def dated(self, organization: str, whose: str) -> list[tuple[str, int, dict[str, Any]]]:
        """All details about one person, each with its commitment and when it was kept, oldest first."""
        rows = self._rows.about(organization, self._name(organization, whose))
        # All of them are under the one key: it is fetched once, as somebody may be found ten thousand times.
        key = self._key_of(organization, whose) if rows else None
        return [] if key is None else [(row.commitment, row.at, _opened(row, key)) for row in rows]

    def erase_person(self, organization: str, whose: str) -> int:
        """Erase all details about one person, in any collection; how many parts there were."""
        return self._rows.erase(organization, self._name(organization, whose))

    def close(self) -> None:
        """Let go of where they are kept."""
        self._rows.close()

    def _name(self, organization: str, whose: str) -> str:
        return hmac.digest(self._naming, f"{organization}/{whose}".encode(), "sha256").hex() if whose else ""

    def _details(self, row: Row, whose: str) -> dict[str, Any]:
        key = self._key_of(row.organization, whose)
        if key is None:
            raise Erased(f"what was kept for {row.commitment} was erased")
        return _opened(row, key)

    def _key_of(self, organization: str, whose: str) -> SealingKey | None:
        return self._keys(organization, whose, False) if self._keys and whose else self._key


def _opened(row: Row, key: SealingKey) -> dict[str, Any]:
    details: dict[str, Any] = msgspec.json.decode(key.open(row.sealed, _context(row.commitment))[_SALT_BYTES:])
    return details


def _rows(parts: Iterable[Sealed], at: float) -> list[Row]:
    return [Row(part.commitment, part.organization, part.subject, int(at), part.data) for part in parts]


def _person(subject: str) -> str:
    return subject.partition("/")[2]


def _context(commitment: str) -> bytes:
    return f"payload/{commitment}".encode()
