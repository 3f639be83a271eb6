"""The law as it is kept: the `chain` replayed from the database's rows, and held against the record."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from regard.stewardship.council.chain import CARRIED, BrokenChain, Entry, Law, replay
from regard.stewardship.records import tables

# Kinds of records. Rows can be edited, records can only be added: what was voted, and when it settled, they say.
FOUNDED, BALLOT, MOTION_CARRIED, MOTION_CLOSED = "genesis", "ballot", "motion-carried", "motion-closed"
_CLOCKS = 60.0  # how far the clocks of machines that share a database may lie apart, in seconds


def read_law(connection: Connection, now: float) -> Law:
    """The law as of `now`, replayed from the motions that the record says carried. Raises BrokenChain."""
    told: dict[str, float] = {}
    for at, body in _recorded(connection, FOUNDED, MOTION_CARRIED):
        told.setdefault(body["motion"], at)
    closed, notes, of = read_closed(connection), read_ballots(connection), tables.motions
    carried = connection.execute(select(of).where(of.c.outcome == CARRIED)).all()
    for row in carried:
        if row.hash not in told or row.hash in closed:
            raise BrokenChain(f"the record does not say that the motion {row.hash[:12]} carried")
        if told[row.hash] > now + _CLOCKS:
            raise BrokenChain(f"the motion {row.hash[:12]} is said to have carried in time to come")
    law = replay(Entry(row.hash, row.note, told[row.hash], tuple(notes[row.hash])) for row in carried)
    if (founded := read_founded(connection)) != [law.genesis]:
        others = ", ".join(each[:12] for each in founded) or "none"
        raise BrokenChain(f"the motions begin with the genesis {law.genesis[:12]}, the record tells of {others}")
    # Motions taken off the end would leave a shorter chain that is whole.
    last = next(reversed(told), "")
    if last != law.head:
        raise BrokenChain(f"the record says that {last[:12]} carried last, the motions end at {law.head[:12]}")
    return law


def decided_alone(connection: Connection, now: float) -> bool:
    """Whether one person decides everything: a council of one, or none founded yet. Raises BrokenChain."""
    row = connection.execute(select(tables.motions.c.hash).limit(1)).first()
    # Motions that were taken out leave the record of the first behind, and with it no one alone.
    if row is None and not read_founded(connection):
        return True
    return read_law(connection, now).charter.alone


def read_ballots(connection: Connection) -> dict[str, list[bytes]]:
    """The ballots of each motion as they were signed, in the order they were cast."""
    found: dict[str, list[bytes]] = defaultdict(list)
    for _, body in _recorded(connection, BALLOT):
        found[body["motion"]].append(body["note"].encode())
    return found


def read_founded(connection: Connection) -> list[str]:
    """The genesis motions of which the record tells, oldest first: one, where nobody founded behind the first."""
    return [body["motion"] for _, body in _recorded(connection, FOUNDED)]


def read_closed(connection: Connection) -> set[str]:
    """The motions that were vetoed, expired or overtaken: they carry no more."""
    return {body["motion"] for _, body in _recorded(connection, MOTION_CLOSED)}


def _recorded(connection: Connection, *kinds: str) -> list[tuple[float, dict[str, Any]]]:
    of = tables.records.c
    query = select(of.at, of.body).where(of.kind.in_(kinds)).order_by(of.sequence)
    return [(row.at, msgspec.json.decode(row.body)) for row in connection.execute(query)]
