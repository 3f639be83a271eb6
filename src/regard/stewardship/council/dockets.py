"""Dockets: motions as they lie in the database, which are open, where they stand, and the history of all.

What a motion says, and how votes count, is in `motions`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from regard.ledger.tree.notes import Note, NoteError
from regard.stewardship.council.chain import Law
from regard.stewardship.council.law import read_ballots, read_closed, read_law
from regard.stewardship.council.motions import BadMotion, Ballot, Motion, Tally, tally
from regard.stewardship.records import tables

OPEN, OVERTAKEN = "open", "overtaken"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Docket:
    """A motion and where it stands."""

    motion: Motion
    outcome: str
    tally: Tally


def read_dockets(connection: Connection, now: float) -> list[Docket]:
    """Every motion that is not yet settled, and where it stands, the oldest first."""
    law, notes, closed = read_law(connection, now), read_ballots(connection), read_closed(connection)
    dockets = []
    waiting = select(tables.motions).where(tables.motions.c.outcome.is_(None))
    for row in connection.execute(waiting):
        try:
            if row.hash in closed:
                raise BadMotion("the record says that it was closed")
            motion = Motion.opened_from(row.note, law.charter, row.hash)
        except BadMotion as error:
            _log.warning("the motion %s counts for nothing: %s", row.hash[:12], error)
            continue
        count = tally(motion, notes[row.hash], law.charter, now)
        outcome = count.outcome if motion.previous == law.head else OVERTAKEN
        dockets.append(Docket(motion, outcome, count))
    return sorted(dockets, key=lambda docket: docket.motion.opened)


def read_open(connection: Connection, law: Law, motion_hash: str) -> Motion:
    """A motion that is still voted on. Raises LookupError, BadMotion."""
    of = tables.motions
    row = connection.execute(select(of).where(of.c.hash == motion_hash)).one_or_none()
    if row is None:
        raise LookupError(f"there is no motion {motion_hash}")
    if row.outcome is not None or motion_hash in read_closed(connection):
        raise BadMotion(f"the motion is settled: {row.outcome or 'closed'}")
    return Motion.opened_from(row.note, law.charter, motion_hash)


def read_history(connection: Connection) -> list[dict[str, Any]]:
    """Every motion with its outcome and its ballots, dissent included, oldest first, as plain data."""
    notes = read_ballots(connection)
    found = [_plain(row, notes[row.hash]) for row in connection.execute(select(tables.motions))]
    return sorted(found, key=lambda each: each.get("opened", 0))


def _plain(row: Any, notes: list[bytes]) -> dict[str, Any]:
    plain: dict[str, Any] = {"hash": row.hash, "outcome": row.outcome or OPEN, "settled_at": row.settled_at}
    try:
        plain |= msgspec.to_builtins(Motion.parse(Note.parse(row.note).text))
    except (NoteError, BadMotion) as error:
        plain["unreadable"] = str(error)
    signed = [note.decode(errors="replace") for note in notes]
    return plain | {"votes": [vote for note in notes if (vote := _vote(note))], "ballots": signed}


def _vote(note: bytes) -> dict[str, Any] | None:
    # What a ballot says; that it counts was checked when it was cast and is checked at each replay.
    try:
        _, body, _ = Note.parse(note).text.split("\n", 2)
        return dict(msgspec.to_builtins(msgspec.json.decode(body, type=Ballot)))
    except (NoteError, ValueError):
        return None
