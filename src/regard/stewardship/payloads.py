"""What lies sealed beside the log: the details that a leaf only commits to.

A leaf holds SHA-256(salt ‖ details). Who has the details and their salt can show that the leaf is about them; who has
not cannot test a guess. Details can be erased one by one, and every proof of the log stays valid.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rfc8785

from regard.sealing import SealingKey

_SALT_BYTES = 32

# The key of a person, by organization and subject of a part, made where asked; None when it was destroyed.
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


def seal(part: Part, key: SealingKey) -> Sealed:
    """Seal a part under a fresh salt."""
    clear = secrets.token_bytes(_SALT_BYTES) + rfc8785.dumps(part.details)
    commitment = hashlib.sha256(clear).hexdigest()
    return Sealed(commitment, part.organization, part.subject, key.seal(clear, _context(commitment)))


def matches(commitment: str, salt: bytes, details: dict[str, Any]) -> bool:
    """Whether a leaf with this commitment is about these details."""
    return hashlib.sha256(salt + rfc8785.dumps(details)).hexdigest() == commitment


class Payloads:
    """Keeps sealed parts, by commitment. Thread-safe.

    A part outlives the end of the process from when `keep` returns. The end of the machine it may not outlive: the
    leaf does, and then stays as an entry without details.
    """

    def __init__(self, path: Path, key: SealingKey, keys: PartKeys | None = None) -> None:
        self._key = key
        self._keys = keys
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
        for line in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", "PRAGMA secure_delete=ON"):
            self._database.execute(line)
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS payloads (commitment TEXT PRIMARY KEY, organization TEXT NOT NULL,"
            " subject TEXT NOT NULL, at INTEGER NOT NULL, sealed BLOB NOT NULL)"
        )
        self._database.execute("CREATE INDEX IF NOT EXISTS payloads_subject ON payloads (organization, subject)")

    def seal(self, part: Part) -> Sealed:
        """A part made ready to be kept: under the key of its subject, where it is about one."""
        key = self._keys(part.organization, part.subject, True) if self._keys and part.subject else self._key
        assert key is not None
        return seal(part, key)

    def keep(self, parts: Iterable[Sealed], at: float) -> None:
        """Keep sealed parts; those there already stay as they are."""
        rows = [(part.commitment, part.organization, part.subject, int(at), part.data) for part in parts]
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany("INSERT OR IGNORE INTO payloads VALUES (?, ?, ?, ?, ?)", rows)
            self._database.execute("COMMIT")

    def open(self, commitment: str) -> dict[str, Any]:
        """The details behind a commitment. Raises LookupError where they were erased or never kept."""
        with self._lock:
            query = "SELECT organization, subject, sealed FROM payloads WHERE commitment = ?"
            row = self._database.execute(query, (commitment,)).fetchone()
        if row is None:
            raise LookupError(f"nothing is kept for {commitment}")
        organization, subject, sealed = row
        return self._details(organization, subject, sealed, commitment)

    def about(self, organization: str, subject: str) -> dict[str, dict[str, Any]]:
        """All details about one subject of an organization, by commitment, oldest first."""
        return {commitment: details for commitment, _, details in self.dated(organization, subject)}

    def dated(self, organization: str, subject: str) -> list[tuple[str, int, dict[str, Any]]]:
        """All details about one subject, each with its commitment and when it was kept, oldest first."""
        query = "SELECT commitment, at, sealed FROM payloads WHERE organization = ? AND subject = ? ORDER BY rowid"
        with self._lock:
            rows = self._database.execute(query, (organization, subject)).fetchall()
        found = []
        for commitment, at, sealed in rows:
            with suppress(Erased):
                found.append((commitment, at, self._details(organization, subject, sealed, commitment)))
        return found

    def subjects(self, organization: str, whose: str) -> list[str]:
        """The subjects of parts on one person: COLLECTION/`whose`, of any collection."""
        person = "substr(subject, instr(subject, '/') + 1)"
        query = f"SELECT DISTINCT subject FROM payloads WHERE organization = ? AND {person} = ?"
        with self._lock:
            return [row[0] for row in self._database.execute(query, (organization, whose))]

    def erase(self, organization: str, subject: str) -> int:
        """Erase all details about one subject of an organization; how many parts there were."""
        with self._lock:
            statement = "DELETE FROM payloads WHERE organization = ? AND subject = ?"
            erased = self._database.execute(statement, (organization, subject)).rowcount
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return int(erased)

    def erase_person(self, organization: str, whose: str) -> int:
        """Erase all details about one person, in any collection; how many parts there were."""
        return sum(self.erase(organization, subject) for subject in self.subjects(organization, whose))

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _details(self, organization: str, subject: str, sealed: bytes, commitment: str) -> dict[str, Any]:
        key = self._keys(organization, subject, False) if self._keys and subject else self._key
        if key is None:
            raise Erased(f"what was kept for {commitment} was erased")
        clear = key.open(sealed, _context(commitment))
        return dict(json.loads(clear[_SALT_BYTES:]))


def _context(commitment: str) -> bytes:
    return f"payload/{commitment}".encode()
