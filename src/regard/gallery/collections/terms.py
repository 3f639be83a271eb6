"""The terms of a collection under a row seal: its name, its owner, its face model and its tags.

What they mean, :mod:`regard.stewardship.council.collections` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Engine, select, update

from regard.gallery.collections import tables
from regard.gallery.collections.errors import TermsChanged
from regard.row_seals import is_sealed, row_seal

_KIND = "collection"
_of, _tags = tables.collections.c, tables.tags.c
SEALED = (_of.id, _of.organization, _of.collection_id, _of.face_model, _of.created_at)
"""The columns that the seal is over, besides the tags."""


def are_sealed(within: Engine | Connection, columns: tuple[Any, ...], tags: Mapping[str, str], seal: Any) -> bool:
    """Whether the columns SEALED and the tags of a collection are what the seal was made over."""
    return is_sealed(within, _KIND, (*columns, sorted(tags.items())), seal)


def seal_terms(connection: Connection, collection: int) -> None:
    """Seal the terms of a collection as they are now, in the transaction that changes them."""
    columns, tags, _ = _read(connection, collection)
    seal = row_seal(connection, _KIND, (*columns, sorted(tags.items())))
    connection.execute(update(tables.collections).where(_of.id == collection).values(seal=seal))


def check_terms(connection: Connection, collection: int) -> None:
    """Raise TermsChanged where the terms of a collection were changed behind the service."""
    columns, tags, seal = _read(connection, collection)
    if not are_sealed(connection, columns, tags, seal):
        raise TermsChanged(columns[2])


def seal_unsealed(connection: Connection) -> None:
    """Seal what is from before there were seals."""
    for collection in connection.execute(select(_of.id).where(_of.seal.is_(None))).scalars().all():
        seal_terms(connection, collection)


def _read(connection: Connection, collection: int) -> tuple[tuple[Any, ...], dict[str, str], bytes | None]:
    row = connection.execute(select(*SEALED, _of.seal).where(_of.id == collection)).one()
    tags = connection.execute(select(_tags.key, _tags.value).where(_tags.collection == collection)).all()
    return tuple(row[:-1]), dict(map(tuple, tags)), row[-1]
