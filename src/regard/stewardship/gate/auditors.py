"""Quotas of outside auditors: how many pictures a day their batches may hold. An operator's own are in `audits`."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
from sqlalchemy import Engine, select

from regard.gallery.collections.errors import QuotaExceeded
from regard.stewardship.records import records, tables

_DAY = 86_400
_BATCH = "audit-batch"  # a kind of record


class Auditors:
    """Counts the pictures of each organization's batches. Thread-safe; `a_day` in any 24 hours."""

    def __init__(self, engine: Engine, a_day: int, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._a_day = a_day
        self._clock = clock

    def take(self, organization: str, pictures: int) -> int:
        """Record a batch; how many pictures are left. Raises QuotaExceeded, and then nothing is recorded."""
        of, now = tables.records.c, self._clock()
        with self._engine.begin() as connection:
            # What is added first holds the lock that keeps two batches from being counted apart.
            records.append(connection, _BATCH, now, {"organization": organization, "pictures": pictures})
            kept = select(of.body).where(of.kind == _BATCH, of.at > now - _DAY)
            bodies = [msgspec.json.decode(body) for body in connection.scalars(kept)]
            left: int = self._a_day - sum(each["pictures"] for each in bodies if each["organization"] == organization)
            if left < 0:
                raise QuotaExceeded(
                    f"A batch of {pictures} pictures is more than are left of the {self._a_day} that an auditor may "
                    "submit in 24 hours. Submit fewer, or ask the operator (REGARD_AUDIT_PICTURES)."
                )
        return left
