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
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regard.ledger.entries import canonical
from regard.sealing import SealingKey

_SALT_BYTES = 32


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
    clear = secrets.token_bytes(_SALT_BYTES) + canonical(part.details)
    commitment = hashlib.sha256(clear).hexdigest()
    return Sealed(commitment, part.organization, part.subject, key.seal(clear, _context(commitment)))


def matches(commitment: str, salt: bytes, details: dict[str, Any]) -> bool:
    """Whether a leaf with this commitment is about these details."""
    return hashlib.sha256(salt + canonical(details)).hexdigest() == commitment


class Payloads:
    """Keeps sealed parts, by commitment. Thread-safe.

    A part outlives the end of the process from when `keep` returns. The end of the machine it may not outlive: the
    leaf does, and then stays as an entry without details.
    """

    def __init__(self, path: Path, key: SealingKey) -> None:
        self._key = key
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
        for line in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", "PRAGMA secure_delete=ON"):
            self._database.execute(line)
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS payloads (commitment TEXT PRIMARY KEY, organization TEXT NOT NULL,"
            " subject TEXT NOT NULL, at INTEGER NOT NULL, sealed BLOB NOT NULL)"
        )
        self._database.execute("CREATE INDEX IF NOT EXISTS payloads_subject ON payloads (organization, subject)")

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
            row = self._database.execute("SELECT sealed FROM payloads WHERE commitment = ?", (commitment,)).fetchone()
        if row is None:
            raise LookupError(f"nothing is kept for {commitment}")
        return self._details(row[0], commitment)

    def about(self, organization: str, subject: str) -> dict[str, dict[str, Any]]:
        """All details about one subject of an organization, by commitment, oldest first."""
        query = "SELECT commitment, sealed FROM payloads WHERE organization = ? AND subject = ? ORDER BY rowid"
        with self._lock:
            rows = self._database.execute(query, (organization, subject)).fetchall()
        return {commitment: self._details(sealed, commitment) for commitment, sealed in rows}

    def erase(self, organization: str, subject: str) -> int:
        """Erase all details about one subject of an organization; how many parts there were."""
        with self._lock:
            statement = "DELETE FROM payloads WHERE organization = ? AND subject = ?"
            erased = self._database.execute(statement, (organization, subject)).rowcount
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return int(erased)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _details(self, sealed: bytes, commitment: str) -> dict[str, Any]:
        clear = self._key.open(sealed, _context(commitment))
        return dict(json.loads(clear[_SALT_BYTES:]))


def _context(commitment: str) -> bytes:
    return f"payload/{commitment}".encode()
