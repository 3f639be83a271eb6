"""Packs as the council keeps them, by their hash, in force or not. What a pack is, is in `policy.packs`."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from regard.stewardship.policy.packs import BadPack, Pack
from regard.stewardship.records import tables


def read_pack(connection: Connection, pack_hash: str) -> Pack:
    """The pack of this hash. Raises BadPack when there is none, or another text under its name."""
    of = tables.policies
    text = connection.execute(select(of.c.text).where(of.c.hash == pack_hash)).scalar()
    if text is None:
        raise BadPack(f"there is no policy of hash {pack_hash[:12]}")
    return Pack.from_text(text, pack_hash)


def store_pack(connection: Connection, pack: Pack, now: float) -> None:
    """Keep a pack under its hash."""
    of = tables.policies
    if connection.execute(select(of.c.hash).where(of.c.hash == pack.hash)).first() is None:
        row = {"hash": pack.hash, "name": pack.name, "text": pack.text, "added_at": now}
        connection.execute(insert(of).values(row))
