"""Digests of the record, to be pinned: a row that was changed or taken out since is noticed, whatever its kind.

A digest a lot of records, and one of the last lot as far as it goes: the newest can be held against the pin at every
start, and the older ones while the service runs.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from sqlalchemy import Connection

LOT = 2048
_ALL = 2**62
_WANTED = {
    dialect: f"SELECT sequence, kind, at, body FROM records WHERE sequence BETWEEN {mark} AND {mark} ORDER BY sequence"
    for dialect, mark in (("sqlite", "?"), ("postgresql", "%s"))
}


class RecordsChanged(RuntimeError):
    """Records are not as they were recorded; the text says which."""


class Digests(msgspec.Struct, frozen=True):
    """SHA-256 of the records up to number `upto`, in hexadecimal, by lot: those numbered n * 2048 and up."""

    upto: int = 0
    lots: dict[int, str] = {}


class Growing:
    """Digests that grow with the record. What they have is not read again: edits of it do not get into them."""

    def __init__(self, connection: Connection, before: Digests) -> None:
        """Go on from digests that were pinned. Raises RecordsChanged where the last lot is not as it was."""
        self._upto = before.upto
        self._lot = before.upto // LOT
        self._lots = {lot: digest for lot, digest in before.lots.items() if lot < self._lot}
        _, found = _hashed(connection, self._lot * LOT, before.upto)
        self._last = found.get(self._lot, hashlib.sha256())
        if before.lots.get(self._lot, self._last.hexdigest()) != self._last.hexdigest():
            raise RecordsChanged(_told(self._lot, before.upto))

    def grow(self, connection: Connection, upto: int | None = None) -> Digests:
        """The digests of all records up to a number, or of all."""
        last, found = _hashed(connection, self._upto + 1, upto, {self._lot: self._last})
        if last:
            self._upto, self._lot = last, last // LOT
            self._last = found.pop(self._lot)
            self._lots |= {lot: digest.hexdigest() for lot, digest in found.items()}
        return self.told

    @property
    def told(self) -> Digests:
        """The digests so far."""
        own = {self._lot: self._last.hexdigest()} if self._upto else {}
        return Digests(self._upto, self._lots | own)


def changed_lots(connection: Connection, pinned: Digests, *, newest: bool) -> list[str]:
    """What of the records that were pinned is other now, a line each: of the newest two lots, or of all before."""
    border = max(pinned.upto // LOT - 1, 0) * LOT
    start, end = (border, pinned.upto) if newest else (0, border - 1)
    if end < start:
        return []
    wanted = {lot: digest for lot, digest in pinned.lots.items() if start // LOT <= lot <= end // LOT}
    found = {lot: digest.hexdigest() for lot, digest in _hashed(connection, start, end)[1].items()}
    return [
        _told(lot, pinned.upto)
        for lot in sorted(wanted.keys() | found.keys())
        if wanted.get(lot) != found.get(lot, hashlib.sha256().hexdigest())
    ]


def _hashed(
    connection: Connection, start: int, end: int | None, begun: dict[int, Any] | None = None
) -> tuple[int, dict[int, Any]]:
    """The number of the last record in a range, 0 where there is none, and the hashes of its lots, `begun` or new."""
    # The driver's own rows: a start waits for thousands of them.
    driver: Any = connection.connection.driver_connection
    last, hashes = 0, dict(begun or {})
    for last, kind, at, body in driver.execute(_WANTED[connection.dialect.name], (start, _ALL if end is None else end)):
        lot = last // LOT
        if lot not in hashes:
            hashes[lot] = hashlib.sha256()
        hashes[lot].update(f"{last}\n{kind}\n{at!r}\n{len(body)}\n{body}".encode())
    return last, hashes


def _told(lot: int, upto: int) -> str:
    first, last = max(lot * LOT, 1), min(lot * LOT + LOT - 1, upto)
    return f"the records from {first} to {last} are not as they were recorded"
