"""The law as it is kept: the chain replayed from the rows, and held against the record."""

from __future__ import annotations

from collections import defaultdict

import msgspec
from sqlalchemy import Connection, select

from regard.stewardship import tables
from regard.stewardship.chain import CARRIED, BrokenChain, Entry, Law, replay

FOUNDED, MOTION_CARRIED = "genesis", "motion-carried"  # kinds of records


def read_law(connection: Connection) -> Law:
    """The law, replayed from the rows. Raises BrokenChain, also when the record tells of a later motion."""
    notes, of = read_ballots(connection), tables.motions
    carried = connection.execute(select(of).where(of.c.outcome == CARRIED)).all()
    entries = (Entry(row.hash, row.note, row.settled_at or 0.0, tuple(notes[row.hash])) for row in carried)
    law = replay(entries)
    told = _last_recorded(connection)
    if told != law.head:
        raise BrokenChain(f"the record says that {told[:12]} carried last, the motions end at {law.head[:12]}")
    return law


def decided_alone(connection: Connection) -> bool:
    """Whether one person decides everything: a council of one, or none founded yet. Raises BrokenChain."""
    founded = connection.execute(select(tables.motions.c.hash).limit(1)).first()
    return founded is None or read_law(connection).charter.alone


def read_ballots(connection: Connection) -> dict[str, list[bytes]]:
    """The ballots of each motion as they were signed, in the order they were cast."""
    found: dict[str, list[bytes]] = defaultdict(list)
    table = tables.ballots
    for row in connection.execute(select(table).order_by(table.c.cast_at, table.c.member)):
        found[row.motion].append(row.note)
    return found


def _last_recorded(connection: Connection) -> str:
    # Motions taken off the end would leave a shorter chain that is whole.
    table = tables.records
    query = select(table.c.body).where(table.c.kind.in_((FOUNDED, MOTION_CARRIED))).order_by(table.c.sequence.desc())
    body = connection.execute(query.limit(1)).scalar()
    return str(msgspec.json.decode(body)["motion"]) if body else ""
