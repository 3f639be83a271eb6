"""The law as it is kept: the `chain` replayed from the database's rows, and held against the record."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from regard.stewardship.council.chain import CARRIED, BrokenChain, Entry, Law, replay
from regard.stewardship.records import tables

# Kinds of records. Rows can be edited, records can only be added: what was voted, and when it settled, they say.
FOUNDED, BALLOT, MOTION_CARRIED, MOTION_CLOSED = "genesis", "ballot", "motion-carried", "motion-closed"
CLOCKS = 60.0  # how far the clocks of machines that share a database may lie apart, in seconds


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
        if told[row.hash] > now + CLOCKS:
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


def unlike_the_record(connection: Connection) -> list[str]:
    """Motions and ballots that are not as they were recorded, a line each: rows that were changed, put in or taken out.

    The law stands on the record alone. This is so that an edit of what only repeats it does not stay there.
    """
    wanted: dict[str, tuple[Any, ...]] = {}
    for at, body in _recorded(connection, FOUNDED, "motion"):
        founded = "text" in body
        wanted[body["motion"]] = (body.get("text"), CARRIED, at) if founded else (body["note"], None, None)
    for at, body in _recorded(connection, MOTION_CARRIED, MOTION_CLOSED):
        wanted[body["motion"]] = (wanted.get(body["motion"], ("",))[0], body.get("outcome", CARRIED), at)
    rows = connection.execute(select(tables.motions)).all()
    found = {row.hash: (_note(row.note, wanted.get(row.hash)), row.outcome, row.settled_at) for row in rows}
    told = [f"the motion {each[:12]} is not as it was recorded" for each in _unlike(wanted, found)]
    cast = {(body["motion"], body["note"]): at for at, body in _recorded(connection, BALLOT)}
    of = tables.ballots.c
    ballots = connection.execute(select(of.motion, of.member, of.note, of.cast_at)).all()
    there = {(motion, _cast(note, member)): at for motion, member, note, at in ballots}
    return told + [f"a ballot on {motion[:12]} is not as it was recorded" for motion, _ in _unlike(cast, there)]


def _unlike(wanted: dict[Any, Any], found: dict[Any, Any]) -> list[Any]:
    return [each for each in {**wanted, **found} if wanted.get(each) != found.get(each)]


def _note(note: bytes, recorded: tuple[Any, ...] | None) -> str:
    """A motion as the record repeats it: of the genesis the text without its signature."""
    whole = note.decode(errors="replace")
    text = whole.rpartition("\n\n")[0] + "\n"
    return text if recorded is not None and recorded[0] == text else whole


def _cast(note: bytes, member: str) -> str:
    """A ballot as it was signed; nothing that was signed where it is another member's."""
    whole = note.decode(errors="replace")
    return whole if f'"member": {json.dumps(member, ensure_ascii=False)},' in whole.split("\n", 2)[1] else ""


def _recorded(connection: Connection, *kinds: str) -> list[tuple[float, dict[str, Any]]]:
    of = tables.records.c
    query = select(of.at, of.body).where(of.kind.in_(kinds)).order_by(of.sequence)
    return [(row.at, msgspec.json.decode(row.body)) for row in connection.execute(query)]
