"""Rows of stream processors: their seals, their keys, and what is sealed in them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, insert, select, update

from regard.gallery.gallery import Gallery
from regard.row_seals import is_sealed, row_seal
from regard.sealing import SealBroken, SealingKey
from regard.streams import tables
from regard.streams.errors import ProcessorChanged
from regard.streams.processor import Processor, Session, Status

_of = tables.stream_processors.c
_KIND = "stream_processors"


class _Made(msgspec.Struct, frozen=True):
    """What is sealed of a processor."""

    name: str
    region: str
    given: dict[str, Any]
    tags: dict[str, str]
    cause: str


class Rows:
    """Writes and reads rows of stream processors. Thread-safe. `key` is the root key: digests of names are under it."""

    def __init__(self, gallery: Gallery, key: SealingKey) -> None:
        self._gallery = gallery
        self._naming = key.derived("streams/names")

    def digest(self, name: str) -> bytes:
        """What a processor is found by: nobody can test a guess against it without the key."""
        return hmac.digest(self._naming, name.encode(), hashlib.sha256)

    def insert(self, connection: Connection, processor: Processor) -> None:
        """Insert the row of a new processor. Its id is the database's to give: the one it has is not written."""
        key = secrets.token_hex(16)
        row = {
            "key": key,
            "organization": processor.organization,
            "name": self.digest(processor.name),
            "turn": processor.turn,
            "created_at": processor.created_at,
            **self._told(key, processor, make=True),
        }
        connection.execute(insert(tables.stream_processors).values(**row, seal=_seal(connection, row)))

    def write(self, connection: Connection, processor: Processor) -> None:
        """Write a processor that was read as it stands now."""
        row = connection.execute(select(tables.stream_processors).where(_of.id == processor.id)).one()._asdict()
        row |= self._told(row["key"], processor) | {"turn": processor.turn}
        kept = {name: value for name, value in row.items() if name not in ("id", "seal")}
        values = kept | {"seal": _seal(connection, row)}
        connection.execute(update(tables.stream_processors).where(_of.id == processor.id).values(values))

    def find(self, connection: Connection, *which: ColumnElement[bool]) -> Processor | None:
        """The one processor, or None. Raises ProcessorChanged."""
        found = self.all(connection, select(tables.stream_processors).where(*which))
        return found[0] if found else None

    def all(self, connection: Connection, wanted: Select[Any]) -> list[Processor]:
        """The processors of some rows. Raises ProcessorChanged."""
        return [self._processor(connection, row._asdict()) for row in connection.execute(wanted).all()]

    def destroy(self, key: str) -> None:
        """Destroy the key of a processor: what it sealed is gone for good."""
        self._gallery.destroy_house_keys([_name(key)])

    def _told(self, key: str, processor: Processor, make: bool = False) -> dict[str, Any]:
        of = self._gallery.house_key(_name(key), make)
        if of is None:
            raise ProcessorChanged("what was kept of the stream processor is gone")
        made = _Made(processor.name, processor.region, processor.given, processor.tags, processor.cause)
        session = processor.session
        return {
            "sealed": of.seal(msgspec.json.encode(made), f"stream/{key}/made".encode()),
            "sealed_session": session and of.seal(msgspec.json.encode(session), f"stream/{key}/session".encode()),
            "status": processor.status,
            "updated_at": processor.updated_at,
        }

    def _processor(self, connection: Connection, row: Mapping[str, Any]) -> Processor:
        of, key = self._gallery.house_key(_name(row["key"])), row["key"]
        try:
            if of is None or not is_sealed(connection, _KIND, _values(row), row["seal"]):
                raise SealBroken
            made = msgspec.json.decode(of.open(row["sealed"], f"stream/{key}/made".encode()), type=_Made)
            session = row["sealed_session"] and of.open(row["sealed_session"], f"stream/{key}/session".encode())
        except SealBroken:
            raise ProcessorChanged(
                f"the stream processor {row['id']} was changed in the database, and is not worked on"
            ) from None
        return Processor(
            id=row["id"],
            organization=row["organization"],
            name=made.name,
            region=made.region,
            given=made.given,
            tags=made.tags,
            cause=made.cause,
            status=Status(row["status"]),
            session=msgspec.json.decode(session, type=Session) if session else None,
            turn=row["turn"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
        )


def _name(key: str) -> str:
    return f"stream/{key}"


def _values(row: Mapping[str, Any]) -> list[Any]:
    return [row.get(column.name) for column in _of if column.name not in ("id", "seal")]


def _seal(connection: Connection, row: Mapping[str, Any]) -> bytes:
    return row_seal(connection, _KIND, _values(row))
