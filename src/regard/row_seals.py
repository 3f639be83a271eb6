"""Row seals: a digest over what a row says, under a key that the database does not have (HMAC-SHA256).

Whoever edits a row behind the service cannot make the seal of what it says then. A row that is taken out, or put back
as it was once, leaves no trace by this alone. Where an engine was given no key, as in tests, the seal shows mistakes.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine

from regard.sealing import SealingKey

_OPTION = "row_seals"


def keep_row_seals(engine: Engine, key: SealingKey) -> None:
    """Seal rows under a key derived from this one, by whichever connection of the engine."""
    engine.update_execution_options(**{_OPTION: key.derived("row-seals")})


def row_seal(within: Engine | Connection, kind: str, values: Iterable[Any]) -> bytes:
    """The 32 bytes of the seal of a row of this kind. Numbers and truths are the same in every database: floats."""
    told = msgspec.json.encode([kind, *map(_plain, values)])
    return hmac.digest(within.get_execution_options().get(_OPTION, b""), told, "sha256")


def row_seals(within: Engine | Connection, kind: str, rows: Iterable[list[Any]]) -> list[bytes]:
    """The seals of many rows of this kind, sooner. Values are taken as they are: as SQLAlchemy reads the columns."""
    key, encode = within.get_execution_options().get(_OPTION, b""), msgspec.json.Encoder().encode
    return [hmac.digest(key, encode([kind, *values]), "sha256") for values in rows]


def is_sealed(within: Engine | Connection, kind: str, values: Iterable[Any], seal: bytes | None) -> bool:
    """Whether the seal of a row is of what it says now."""
    return seal is not None and hmac.compare_digest(row_seal(within, kind, values), bytes(seal))


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return float(value)
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else value
