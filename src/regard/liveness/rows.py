"""Rows of sessions: their seals, their keys, and what is sealed in them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, insert, select, update

from regard.gallery.gallery import Gallery
from regard.liveness import tables
from regard.liveness.errors import SessionChanged
from regard.liveness.session import Asked, Posed, Result, Session, Status
from regard.row_seals import is_sealed, row_seal
from regard.sealing import SealBroken, SealingKey

_of = tables.liveness_sessions.c
_KIND = "liveness_sessions"


class _Kept(msgspec.Struct, frozen=True):
    """What is sealed of a session."""

    asked: Asked
    posed: Posed | None
    result: Result | None


class Rows:
    """Writes and reads rows of sessions. Thread-safe. `key` is the root key: digests of what clients send are under it.

    The key that pictures lie under belongs to one session, as no template does: who was before the camera is nobody in
    the gallery.
    """

    def __init__(self, gallery: Gallery, key: SealingKey) -> None:
        self._gallery = gallery
        self._naming = key.derived("liveness/digests")

    def digest(self, what: str, value: Any) -> bytes:
        """A keyed digest of what a client sent: nobody can test a guess against it without the key."""
        told = what.encode() + b"/" + msgspec.json.encode(value, order="deterministic")
        return hmac.digest(self._naming, told, hashlib.sha256)

    def insert(self, connection: Connection, session: Session, token: bytes | None, asked: bytes) -> None:
        """Insert the row of a new session, and make its key."""
        row = {
            "id": session.id,
            "organization": session.organization,
            "access_key": session.access_key,
            "token": token,
            "asked": asked,
            "created_at": session.created_at,
            "expires_at": session.expires_at,
            **self._told(session, make=True),
        }
        connection.execute(insert(tables.liveness_sessions).values(**row, seal=_seal(connection, row)))

    def write(self, connection: Connection, session: Session) -> None:
        """Write a session that was read as it stands now. Raises SessionChanged where its key is gone."""
        of = select(tables.liveness_sessions).where(_of.id == session.id)
        row = connection.execute(of).one()._asdict() | self._told(session)
        values = {name: row[name] for name in ("sealed", "status")} | {"seal": _seal(connection, row)}
        connection.execute(update(tables.liveness_sessions).where(_of.id == session.id).values(values))

    def empty(self, connection: Connection, sessions: Sequence[str]) -> None:
        """Say of sessions whose time is over that it is, and nothing more. Their keys are to be destroyed before."""
        of = select(tables.liveness_sessions).where(_of.id.in_(sessions))
        for row in connection.execute(of).all():
            # One that was changed behind the service stays changed.
            intact = is_sealed(connection, _KIND, _values(row._asdict()), row.seal)
            values = {"sealed": None, "token": None, "status": Status.EXPIRED}
            seal = _seal(connection, row._asdict() | values) if intact else row.seal
            connection.execute(update(tables.liveness_sessions).where(_of.id == row.id).values(**values, seal=seal))

    def find(self, connection: Connection, *which: ColumnElement[bool]) -> Mapping[str, Any] | None:
        """The one row of a session, or None. Raises SessionChanged."""
        found = connection.execute(select(tables.liveness_sessions).where(*which)).one_or_none()
        if found is not None and not is_sealed(connection, _KIND, _values(found._asdict()), found.seal):
            raise _changed(found.id)
        return None if found is None else found._asdict()

    def session(self, row: Mapping[str, Any], *, over: bool) -> Session:
        """A session from its row; one whose time is `over` is not opened any more. Raises SessionChanged."""
        kept = _Kept(Asked(), None, None) if over or row["sealed"] is None else self._opened(row)
        return Session(
            id=row["id"],
            organization=row["organization"],
            access_key=row["access_key"],
            status=Status.EXPIRED if over else Status(row["status"]),
            created_at=row["created_at"],
            expires_at=row["expires_at"],
            asked=kept.asked,
            posed=kept.posed,
            result=kept.result,
        )

    def destroy(self, sessions: Sequence[str]) -> None:
        """Destroy the keys of sessions: what they sealed is gone for good."""
        self._gallery.destroy_house_keys([_name(session) for session in sessions])

    def _opened(self, row: Mapping[str, Any]) -> _Kept:
        key = self._gallery.house_key(_name(row["id"]))
        try:
            if key is None:
                raise SealBroken
            return msgspec.msgpack.decode(key.open(row["sealed"], _name(row["id"]).encode()), type=_Kept)
        except SealBroken:
            raise _changed(row["id"]) from None

    def _told(self, session: Session, make: bool = False) -> dict[str, Any]:
        key = self._gallery.house_key(_name(session.id), make)
        if key is None:
            raise _changed(session.id)
        kept = msgspec.msgpack.encode(_Kept(session.asked, session.posed, session.result))
        return {"sealed": key.seal(kept, _name(session.id).encode()), "status": session.status}


def _changed(session: str) -> SessionChanged:
    return SessionChanged(f"the session {session} was changed in the database, and nothing is told of it")


def _name(session: str) -> str:
    return f"liveness/{session}"


def _values(row: Mapping[str, Any]) -> list[Any]:
    return [row.get(column.name) for column in _of if column.name != "seal"]


def _seal(connection: Connection, row: Mapping[str, Any]) -> bytes:
    return row_seal(connection, _KIND, _values(row))
