"""What lies sealed beside the log: the details that a leaf only commits to.

A leaf holds SHA-256(salt ‖ details). Who has the details and their salt can show that the leaf is about them; who has
not cannot test a guess. Details can be erased one by one, and every proof of the log stays valid.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import rfc8785

from regard.database import keep_private
from regard.sealing import SealingKey

_SALT_BYTES = 32

# Rows are named by digests: the store's user_version from when they are.
_DIGESTED = 1
_CHECKED_BYTES = 65_536

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


def seal(part: Part, key: SealingKey) -> Sealed:
    """Seal a part under a fresh salt."""
    clear = secrets.token_bytes(_SALT_BYTES) + rfc8785.dumps(part.details)
    commitment = hashlib.sha256(clear).hexdigest()
    return Sealed(commitment, part.organization, part.subject, key.seal(clear, _context(commitment)))


def matches(commitment: str, salt: bytes, details: dict[str, Any]) -> bool:
    """Whether a leaf with this commitment is about these details."""
    return hashlib.sha256(salt + rfc8785.dumps(details)).hexdigest() == commitment


class Payloads:
    """Keeps sealed parts, by commitment. Thread-safe. Whom a row is about, it says as a keyed digest alone.

    A part outlives the end of the process from when `keep` returns. The end of the machine it may not outlive: the
    leaf does, and then stays as an entry without details.
    """

    def __init__(self, path: Path, key: SealingKey, keys: PartKeys | None = None) -> None:
        self._key = key
        self._keys = keys
        self._naming = key.derived("payloads/names")
        self._lock = threading.Lock()
        keep_private(path)
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
        for line in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", "PRAGMA secure_delete=ON"):
            self._database.execute(line)
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS payloads (commitment TEXT PRIMARY KEY, organization TEXT NOT NULL,"
            " subject TEXT NOT NULL, at INTEGER NOT NULL, sealed BLOB NOT NULL)"
        )
        self._database.execute("CREATE INDEX IF NOT EXISTS payloads_subject ON payloads (organization, subject)")
        self._digest_names()

    def seal(self, part: Part) -> Sealed:
        """A part made ready to be kept: under the key of its subject, where it is about one."""
        whose = _person(part.subject)
        key = self._keys(part.organization, whose, True) if self._keys and whose else self._key
        assert key is not None
        return replace(seal(part, key), subject=self._name(part.organization, part.subject))

    def keep(self, parts: Iterable[Sealed], at: float) -> None:
        """Keep sealed parts; those there already stay as they are."""
        rows = [
            (part.commitment, part.organization, self._name(part.organization, part.subject), int(at), part.data)
            for part in parts
        ]
        with self._transaction() as database:
            database.executemany("INSERT OR IGNORE INTO payloads VALUES (?, ?, ?, ?, ?)", rows)

    def check(self) -> None:
        """Raise sqlite3.Error while there is no room to keep anything."""
        with self._transaction() as database:
            database.execute("INSERT OR REPLACE INTO payloads VALUES ('', '', '', 0, zeroblob(?))", (_CHECKED_BYTES,))
        with self._transaction() as database:
            database.execute("DELETE FROM payloads WHERE commitment = ''")

    def open(self, commitment: str, whose: str = "") -> dict[str, Any]:
        """The details behind a commitment, `whose` they are given. Raises LookupError: erased, or never kept."""
        with self._lock:
            query = "SELECT organization, sealed FROM payloads WHERE commitment = ?"
            row = self._database.execute(query, (commitment,)).fetchone()
        if row is None:
            raise LookupError(f"nothing is kept for {commitment}")
        organization, sealed = row
        return self._details(organization, whose, sealed, commitment)

    def about(self, organization: str, whose: str) -> dict[str, dict[str, Any]]:
        """All details about one person of an organization, in any collection, by commitment, oldest first."""
        return {commitment: details for commitment, _, details in self.dated(organization, whose)}

    def dated(self, organization: str, whose: str) -> list[tuple[str, int, dict[str, Any]]]:
        """All details about one person, each with its commitment and when it was kept, oldest first."""
        query = "SELECT commitment, at, sealed FROM payloads WHERE organization = ? AND subject = ? ORDER BY rowid"
        with self._lock:
            rows = self._database.execute(query, (organization, self._digest(organization, whose))).fetchall()
        found = []
        for commitment, at, sealed in rows:
            with suppress(Erased):
                found.append((commitment, at, self._details(organization, whose, sealed, commitment)))
        return found

    def erase_person(self, organization: str, whose: str) -> int:
        """Erase all details about one person, in any collection; how many parts there were."""
        with self._lock:
            statement = "DELETE FROM payloads WHERE organization = ? AND subject = ?"
            erased = self._database.execute(statement, (organization, self._digest(organization, whose))).rowcount
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return int(erased)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; what failed leaves no transaction open."""
        with self._lock, self._database:
            self._database.execute("BEGIN IMMEDIATE")
            yield self._database

    def _name(self, organization: str, subject: str) -> str:
        """What a row is named by. Records from before there were digests carry COLLECTION/PERSON."""
        return self._digest(organization, _person(subject)) if "/" in subject else subject

    def _digest(self, organization: str, whose: str) -> str:
        return hmac.digest(self._naming, f"{organization}/{whose}".encode(), "sha256").hex() if whose else ""

    def _digest_names(self) -> None:
        with self._transaction() as database:
            if database.execute("PRAGMA user_version").fetchone()[0] >= _DIGESTED:
                return
            named = database.execute(
                "SELECT DISTINCT organization, subject FROM payloads WHERE subject <> ''"
            ).fetchall()
            database.executemany(
                "UPDATE payloads SET subject = ? WHERE organization = ? AND subject = ?",
                [(self._name(*each), *each) for each in named],
            )
            database.execute(f"PRAGMA user_version = {_DIGESTED}")
        self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _details(self, organization: str, whose: str, sealed: bytes, commitment: str) -> dict[str, Any]:
        key = self._keys(organization, whose, False) if self._keys and whose else self._key
        if key is None:
            raise Erased(f"what was kept for {commitment} was erased")
        clear = key.open(sealed, _context(commitment))
        return dict(json.loads(clear[_SALT_BYTES:]))


def _person(subject: str) -> str:
    return subject.partition("/")[2]


def _context(commitment: str) -> bytes:
    return f"payload/{commitment}".encode()
