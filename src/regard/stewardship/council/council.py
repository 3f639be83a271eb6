"""The council: proposes, votes, settles; and any member can stop a capability for a while."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, insert, select, update

from regard.ledger.tree.notes import Note, NoteError, Signer
from regard.stewardship.council import suspensions
from regard.stewardship.council.chain import CARRIED, BrokenChain, Law, apply
from regard.stewardship.council.charter import Charter, Member, Quota
from regard.stewardship.council.collections import check_loosening, loosen
from regard.stewardship.council.law import (
    BALLOT,
    FOUNDED,
    MOTION_CARRIED,
    MOTION_CLOSED,
    read_ballots,
    read_closed,
    read_law,
)
from regard.stewardship.council.member_keys import operator_key
from regard.stewardship.council.motions import BadMotion, Ballot, Kind, Motion, Tally, Vote, check_length, tally
from regard.stewardship.council.suspensions import STOPPABLE, Suspension
from regard.stewardship.council.vectors import check_mark, heed_basis, settle_mark
from regard.stewardship.parties.admission import write_decision
from regard.stewardship.parties.organization import Standing
from regard.stewardship.parties.organization_rows import read_standing
from regard.stewardship.policy.packs import FIRST_PACK, OPEN_PACK, BadPack, Pack
from regard.stewardship.policy.policy import Policy
from regard.stewardship.records import records, tables
from regard.stewardship.records.revision import changed

SENSITIVE = ("emotions",)
_OVERTAKEN = "overtaken"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Docket:
    """A motion and where it stands."""

    motion: Motion
    outcome: str
    tally: Tally


class Council:
    """The council of one service. Thread-safe; every change counts from the next call on."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    def law(self) -> Law:
        """What is in force, checked from the genesis on. Raises BrokenChain."""
        with self._reading() as connection:
            return read_law(connection, self._clock())

    def pack(self) -> Pack:
        """The pack in force. Raises BrokenChain, and BadPack when it is not the one that was voted for."""
        with self._reading() as connection:
            return read_pack(connection, read_law(connection, self._clock()).policy)

    def opening(self) -> list[str]:
        """What everybody should see when the service starts, a line each; what was refused, and why."""
        try:
            law, policy = self.law(), Policy(self.pack())
        except (BrokenChain, BadPack) as error:
            return [f"NO POLICY IS IN FORCE AND EVERYTHING IS DENIED: {error}."]
        lines = [f"The policy in force is {law.pack} ({policy.pack.hash[:12]}); genesis {law.genesis}."]
        if law.pack == OPEN_PACK:
            lines.append('THE PACK "open" IS IN FORCE: everything is permitted to whoever calls from this machine.')
        if law.charter.alone:
            lines.append("The council is one person, who can change every rule. `regard council` adds others.")
        lines += [f"Stopped: {stop.capability}, by {stop.member}: {stop.reason}" for stop in self.suspensions()]
        return lines + [f"Suspended by motion: {capability}" for capability in sorted(law.suspended)]

    def stored(self, pack_hash: str) -> Pack:
        """A pack that is kept, in force or not. Raises BadPack."""
        with self._reading() as connection:
            return read_pack(connection, pack_hash)

    # Founding.

    def found(self, signer: Signer, role: str = "operator", pack: Pack | None = None) -> Law:
        """On a new database: a council of one, and the first pack. Elsewhere nothing happens."""
        pack = pack or Pack.shipped(FIRST_PACK)
        charter = Charter((Member(signer.name, role, str(signer.verifier)),), {"default": Quota(1)}).check()
        payload = {"charter": msgspec.to_builtins(charter), "policy": pack.hash, "pack": pack.name}
        now = self._clock()
        motion = Motion(Kind.GENESIS, "The first charter", "", signer.name, int(now), payload)
        with self._engine.begin() as connection:
            if connection.execute(select(tables.motions.c.hash).limit(1)).first() is None:
                store_pack(connection, pack, now)
                row = {
                    "hash": motion.hash,
                    "note": motion.signed(signer),
                    "outcome": CARRIED,
                    "settled_at": now,
                }
                connection.execute(insert(tables.motions).values(row))
                records.append(connection, FOUNDED, now, {"motion": motion.hash, "text": motion.text})
                changed(connection)
            return read_law(connection, now)

    # Motions.

    def store(self, pack: Pack) -> str:
        """Keep a pack so that a motion can name it; its hash. It is not in force by that. Raises BadPack."""
        Policy(pack)
        with self._engine.begin() as connection:
            store_pack(connection, pack, self._clock())
        return pack.hash

    def draft(self, kind: Kind, title: str, payload: dict[str, Any], proposer: str) -> Motion:
        """A motion that follows the head of the chain, for its proposer to sign."""
        return Motion(kind, title, self.law().head, proposer, int(self._clock()), payload)

    def propose(self, note: bytes) -> Motion:
        """Put a signed motion to the vote. Raises BadMotion, BadPack."""
        now = self._clock()
        with self._engine.begin() as connection:
            law = read_law(connection, now)
            motion = Motion.opened_from(note, law.charter)
            check_length("title", motion.title)
            if motion.previous != law.head:
                raise BadMotion("another motion carried since this one was drafted. Draft it again.")
            if not now - law.charter.expires < motion.opened <= now + 60:
                raise BadMotion("the motion was not opened now")
            self._check(connection, law, motion)
            connection.execute(insert(tables.motions).values(hash=motion.hash, note=note))
            records.append(connection, "motion", now, {"motion": motion.hash, "note": note.decode()})
            changed(connection)
        return motion

    def cast(self, motion_hash: str, note: bytes) -> Tally:
        """Cast a signed ballot; dissent is kept like approval. Raises BadMotion, LookupError."""
        now, table = self._clock(), tables.ballots
        with self._engine.begin() as connection:
            law = read_law(connection, now)
            motion = _open_motion(connection, law, motion_hash)
            ballot = Ballot.opened_from(note, motion, law.charter)
            check_length("reason", ballot.reason)
            if abs(ballot.at - now) > law.charter.expires:
                raise BadMotion("the ballot was not cast now")
            if ballot.vote is Vote.REFUSE and not ballot.reason.strip():
                raise BadMotion("a dissent says why")
            same = (table.c.motion == motion_hash) & (table.c.member == ballot.member)
            if connection.execute(select(table.c.member).where(same)).first():
                raise BadMotion(f"{ballot.member} has voted on this motion")
            row = {"motion": motion_hash, "member": ballot.member, "note": note, "cast_at": now}
            connection.execute(insert(table).values(row))
            records.append(connection, BALLOT, now, {"motion": motion_hash, "note": note.decode()})
            changed(connection)
            return tally(motion, read_ballots(connection)[motion_hash], law.charter, now)

    def settle(self) -> list[Docket]:
        """Bring into force what has carried, and close what was vetoed, expired or overtaken."""
        settled = []
        with self._engine.begin() as connection:
            for docket in self._dockets(connection):
                if docket.outcome in ("open",):
                    continue
                settled.append(self._close(connection, docket))
        return settled

    def vote(self, motion: Motion, vote: Vote, reason: str, signer: Signer) -> Tally:
        """Sign and cast a ballot, and settle what it decides."""
        ballot = Ballot(motion.hash, signer.name, vote, reason, int(self._clock()))
        count = self.cast(motion.hash, ballot.signed(motion, signer))
        self.settle()
        return count

    def dockets(self) -> list[Docket]:
        """Every motion that is not yet settled, and where it stands."""
        with self._reading() as connection:
            return self._dockets(connection)

    def history(self) -> list[dict[str, Any]]:
        """Every motion with its outcome and its ballots, dissent included, oldest first, as plain data."""
        with self._reading() as connection:
            notes = read_ballots(connection)
            rows = connection.execute(select(tables.motions)).all()
        found = [_plain(row, notes[row.hash]) for row in rows]
        return sorted(found, key=lambda each: each.get("opened", 0))

    # The stop button.

    def suspend(self, capability: str, reason: str, signer: Signer, seconds: int | None = None) -> Suspension:
        """Stop a capability at once, for a bounded time; a motion may ratify it. Raises BadMotion.

        The same member cannot stop the same capability again until as long a time has passed.
        """
        with self._engine.begin() as connection:
            now = self._clock()
            charter = read_law(connection, now).charter
            return suspensions.stop(connection, charter, capability, reason, signer, int(now), seconds)

    def suspensions(self) -> list[Suspension]:
        """The stops that are signed by members and have neither lapsed nor been lifted."""
        with self._reading() as connection:
            now = self._clock()
            law = read_law(connection, now)
            found = suspensions.read(connection, law.charter)
        return [stop for stop in found if stop.stands(law.lifted, now)]

    def _dockets(self, connection: Connection) -> list[Docket]:
        now = self._clock()
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
            outcome = count.outcome if motion.previous == law.head else _OVERTAKEN
            dockets.append(Docket(motion, outcome, count))
        return sorted(dockets, key=lambda docket: docket.motion.opened)

    def _close(self, connection: Connection, docket: Docket) -> Docket:
        motion, now = docket.motion, self._clock()
        # One that carried before it in this very sweep moved the head.
        outcome = docket.outcome if motion.previous == read_law(connection, now).head else _OVERTAKEN
        of = tables.motions
        connection.execute(update(of).where(of.c.hash == motion.hash).values(outcome=outcome, settled_at=now))
        if outcome == CARRIED and motion.kind is Kind.ADMISSION:
            self._admit(connection, motion)
        if outcome == CARRIED and motion.kind is Kind.TAGS:
            loosen(connection, motion.payload)
            heed_basis(connection, motion.payload["organization"], motion.payload["collection"])
        if outcome == CARRIED and motion.kind is Kind.VECTORS:
            settle_mark(connection, motion)
        votes = [msgspec.to_builtins(ballot) for ballot in docket.tally.ballots]
        body = {"motion": motion.hash, "outcome": outcome, "ballots": votes}
        records.append(connection, MOTION_CARRIED if outcome == CARRIED else MOTION_CLOSED, now, body)
        changed(connection)
        return Docket(motion, outcome, docket.tally)

    def _admit(self, connection: Connection, motion: Motion) -> None:
        standing = Standing(motion.payload["standing"])
        by = f"motion {motion.hash[:12]}"
        write_decision(connection, motion.payload["organization"], standing, by, motion.title, self._clock())

    def _check(self, connection: Connection, law: Law, motion: Motion) -> None:
        """Refuse now what could not be done later: nobody should vote on it."""
        payload = motion.payload
        match motion.kind:
            case Kind.POLICY:
                pack = read_pack(connection, str(payload.get("policy")))
                Policy(pack)
                if payload.get("pack") != pack.name:
                    raise BadMotion(f"this hash is of the pack {pack.name}")
            case Kind.FLOOR:
                known = Policy(read_pack(connection, law.policy)).purposes
                if payload.get("purpose") not in known:
                    raise BadMotion(f"{payload.get('purpose')!r} is no purpose. There are: {', '.join(known)}.")
            case Kind.CAPABILITY if payload.get("capability") not in SENSITIVE:
                raise BadMotion(f"a motion enables one of: {', '.join(SENSITIVE)}")
            case Kind.SUSPENSION if payload.get("capability") not in STOPPABLE:
                raise BadMotion(f"a motion suspends one of: {', '.join(STOPPABLE)}")
            case Kind.ADMISSION:
                if payload.get("standing") not in ("admitted", "refused"):
                    raise BadMotion("an admission has the standing admitted or refused")
                read_standing(connection, str(payload.get("organization")))
            case Kind.TAGS:
                check_loosening(connection, payload, Policy(read_pack(connection, law.policy)).purposes)
            case Kind.VECTORS:
                check_mark(connection, payload)
        apply(law, motion, self._clock())

    def _reading(self) -> Connection:
        return self._engine.connect().execution_options(read_only=True)


def first_start(engine: Engine, key_file: Path, clock: Callable[[], float] = time.time) -> Council:
    """The council; on a new database founded with one member, whose key is written to `key_file` (0600)."""
    council = Council(engine, clock)
    with engine.connect().execution_options(read_only=True) as connection:
        if connection.execute(select(tables.motions.c.hash).limit(1)).first():
            return council
    council.found(operator_key(key_file))
    return council


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


def _open_motion(connection: Connection, law: Law, motion_hash: str) -> Motion:
    of = tables.motions
    row = connection.execute(select(of).where(of.c.hash == motion_hash)).one_or_none()
    if row is None:
        raise LookupError(f"there is no motion {motion_hash}")
    if row.outcome is not None or motion_hash in read_closed(connection):
        raise BadMotion(f"the motion is settled: {row.outcome or 'closed'}")
    return Motion.opened_from(row.note, law.charter, motion_hash)


def _plain(row: Any, notes: list[bytes]) -> dict[str, Any]:
    plain: dict[str, Any] = {"hash": row.hash, "outcome": row.outcome or "open", "settled_at": row.settled_at}
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
