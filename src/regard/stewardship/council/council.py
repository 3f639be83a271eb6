"""The council: proposes, votes, settles; and any member can stop a capability for a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Insert, insert, select, update
from sqlalchemy.exc import IntegrityError

from regard.database import reading
from regard.ledger.tree.notes import Signer, sign_note
from regard.stewardship.council import suspensions
from regard.stewardship.council.chain import CARRIED, BrokenChain, Law
from regard.stewardship.council.charter import Charter, Member, Quota
from regard.stewardship.council.dockets import (
    OPEN,
    OVERTAKEN,
    Docket,
    read_dockets,
    read_history,
    read_open,
)
from regard.stewardship.council.effects import carry_out, check
from regard.stewardship.council.law import BALLOT, FOUNDED, MOTION_CARRIED, MOTION_CLOSED, read_ballots, read_law
from regard.stewardship.council.member_keys import operator_key
from regard.stewardship.council.motions import (
    BadMotion,
    Ballot,
    Kind,
    Motion,
    Repeated,
    Tally,
    Vote,
    check_length,
    tally,
)
from regard.stewardship.council.readings import Reading
from regard.stewardship.council.stored_packs import read_pack, store_pack
from regard.stewardship.council.suspensions import Suspension
from regard.stewardship.policy.packs import FIRST_PACK, OPEN_PACK, BadPack, Pack
from regard.stewardship.policy.policy import policy_of
from regard.stewardship.records import records, tables
from regard.stewardship.records.revision import changed

_NUL = "\\u0000"  # as JSON writes it


class Council:
    """The council of one service. Thread-safe; every change counts from the next call on.

    One thing: how a motion gets from draft to outcome. What it does then, and how it is read, are files of their own.
    """

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    def law(self) -> Law:
        """What is in force, checked from the genesis on. Raises BrokenChain."""
        with reading(self._engine) as connection:
            return read_law(connection, self._clock())

    def pack(self) -> Pack:
        """The pack in force. Raises BrokenChain, and BadPack when it is not the one that was voted for."""
        with reading(self._engine) as connection:
            return read_pack(connection, read_law(connection, self._clock()).policy)

    def opening(self) -> list[str]:
        """What everybody should see when the service starts, a line each; what was refused, and why."""
        try:
            law, policy = self.law(), policy_of(self.pack())
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
        with reading(self._engine) as connection:
            return read_pack(connection, pack_hash)

    # Founding.

    def found(
        self,
        signer: Signer,
        role: str = "operator",
        pack: Pack | None = None,
        pin: Callable[[Connection, str], None] = lambda _connection, _genesis: None,
    ) -> Law:
        """On a new database: a council of one, and the first pack. Elsewhere nothing happens.

        `pin` is given the hash of the genesis in the same transaction.
        """
        pack = pack or Pack.shipped(FIRST_PACK)
        charter = Charter((Member(signer.name, role, str(signer.verifier)),), {"default": Quota(1)}).check()
        payload = {"charter": msgspec.to_builtins(charter), "policy": pack.hash, "pack": pack.name}
        now = self._clock()
        motion = Motion(Kind.GENESIS, "The first charter", "", signer.name, int(now), payload)
        with self._engine.begin() as connection:
            if is_new(connection):
                store_pack(connection, pack, now)
                row = {
                    "hash": motion.hash,
                    "note": motion.signed(signer),
                    "outcome": CARRIED,
                    "settled_at": now,
                }
                connection.execute(insert(tables.motions).values(row))
                records.append(connection, FOUNDED, now, {"motion": motion.hash, "text": motion.text})
                pin(connection, motion.hash)
                changed(connection)
            return read_law(connection, now)

    # Motions.

    def store(self, pack: Pack) -> str:
        """Keep a pack so that a motion can name it; its hash. It is not in force by that. Raises BadPack."""
        policy_of(pack)
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
            if _NUL in motion.text:
                raise BadMotion("the motion has a NUL character, which no name here has")
            if motion.previous != law.head:
                raise BadMotion("another motion carried since this one was drafted. Draft it again.")
            if not now - law.charter.expires < motion.opened <= now + 60:
                raise BadMotion("the motion was not opened now")
            check(connection, law, motion, now)
            self._once(connection, insert(tables.motions).values(hash=motion.hash, note=note), "was proposed before")
            records.append(connection, "motion", now, {"motion": motion.hash, "note": note.decode()})
            changed(connection)
        return motion

    def cast(self, motion_hash: str, note: bytes) -> Tally:
        """Cast a signed ballot; dissent is kept like approval. Raises BadMotion, LookupError."""
        now, table = self._clock(), tables.ballots
        with self._engine.begin() as connection:
            law = read_law(connection, now)
            motion = read_open(connection, law, motion_hash)
            ballot = Ballot.opened_from(note, motion, law.charter)
            check_length("reason", ballot.reason)
            if abs(ballot.at - now) > law.charter.expires:
                raise BadMotion("the ballot was not cast now")
            if ballot.vote is Vote.REFUSE and not ballot.reason.strip():
                raise BadMotion("a dissent says why")
            same = (table.c.motion == motion_hash) & (table.c.member == ballot.member)
            if connection.execute(select(table.c.member).where(same)).first():
                raise Repeated(f"{ballot.member} has voted on this motion")
            row = {"motion": motion_hash, "member": ballot.member, "note": note, "cast_at": now}
            self._once(connection, insert(table).values(row), f"has a ballot of {ballot.member}")
            records.append(connection, BALLOT, now, {"motion": motion_hash, "note": note.decode()})
            changed(connection)
            return tally(motion, read_ballots(connection)[motion_hash], law.charter, now)

    def settle(self) -> list[Docket]:
        """Bring into force what has carried, and close what was vetoed, expired or overtaken."""
        settled = []
        with self._engine.begin() as connection:
            for docket in read_dockets(connection, self._clock()):
                if docket.outcome != OPEN:
                    settled.append(self._close(connection, docket))
        return settled

    def vote(self, motion: Motion, vote: Vote, reason: str, signer: Signer) -> Tally:
        """Sign and cast a ballot, and settle what it decides."""
        ballot = Ballot(motion.hash, signer.name, vote, reason, int(self._clock()))
        return self.ballot(ballot.signed(motion, signer))

    def ballot(self, note: bytes) -> Tally:
        """Cast a ballot that a member signed, and settle what it decides. Raises BadMotion, LookupError."""
        count = self.cast(Ballot.motion_of(note), note)
        self.settle()
        return count

    def read_out(self, note: bytes) -> Motion:
        """The open motion that a member asks for in a signed note, whomever it names. Raises BadMotion, LookupError."""
        with reading(self._engine) as connection:
            now = self._clock()
            law = read_law(connection, now)
            return read_open(connection, law, Reading.opened_from(note, law, now).motion)

    def dockets(self) -> list[Docket]:
        """Every motion that is not yet settled, and where it stands."""
        with reading(self._engine) as connection:
            return read_dockets(connection, self._clock())

    def history(self) -> list[dict[str, Any]]:
        """Every motion with its outcome and its ballots, dissent included, oldest first, as plain data."""
        with reading(self._engine) as connection:
            return read_history(connection)

    # The stop button.

    def suspend(self, capability: str, reason: str, signer: Signer, seconds: int | None = None) -> Suspension:
        """Stop a capability at once, for a bounded time; a motion may ratify it. Raises BadMotion.

        The same member cannot stop the same capability again until as long a time has passed.
        """
        made = suspensions.draft(self.law(), signer.name, capability, reason, int(self._clock()), seconds)
        return self.stop(sign_note(made.text(), [signer]))

    def stop(self, note: bytes) -> Suspension:
        """Take a stop that a member signed. Raises BadMotion."""
        with self._engine.begin() as connection:
            now = self._clock()
            return suspensions.keep(connection, read_law(connection, now), note, now)

    def suspensions(self) -> list[Suspension]:
        """The stops that are signed by members and have neither lapsed nor been lifted."""
        with reading(self._engine) as connection:
            now = self._clock()
            law = read_law(connection, now)
            found = suspensions.read(connection, law.charter)
        return [stop for stop in found if stop.stands(law.lifted, now)]

    @staticmethod
    def _once(connection: Connection, row: Insert, there: str) -> None:
        """Insert what must be there once, also where two bring it at the same time. Raises Repeated."""
        try:
            connection.execute(row)
        except IntegrityError:
            raise Repeated(f"the motion {there}: it counts once") from None

    def _close(self, connection: Connection, docket: Docket) -> Docket:
        motion, now = docket.motion, self._clock()
        # One that carried before it in this very sweep moved the head.
        outcome = docket.outcome if motion.previous == read_law(connection, now).head else OVERTAKEN
        of = tables.motions
        connection.execute(update(of).where(of.c.hash == motion.hash).values(outcome=outcome, settled_at=now))
        if outcome == CARRIED:
            carry_out(connection, motion, now)
        votes = [msgspec.to_builtins(ballot) for ballot in docket.tally.ballots]
        body = {"motion": motion.hash, "outcome": outcome, "ballots": votes}
        records.append(connection, MOTION_CARRIED if outcome == CARRIED else MOTION_CLOSED, now, body)
        changed(connection)
        return Docket(motion, outcome, docket.tally)


def is_new(connection: Connection) -> bool:
    """Whether nothing was ever decided, recorded or issued here: only then may a council be founded.

    Where one of these is left, motions that are not there were taken out.
    """
    told = (tables.motions, tables.records, tables.policies, tables.ballots, tables.access_keys, tables.pins)
    return not any(connection.execute(select(table).limit(1)).first() for table in told)


def first_start(
    engine: Engine,
    key_file: Path,
    clock: Callable[[], float] = time.time,
    pin: Callable[[Connection, str], None] = lambda _connection, _genesis: None,
) -> Council:
    """The council; on a new database founded with one member, whose key is written to `key_file` (0600).

    `pin` is as :meth:`Council.found` has it.
    """
    council = Council(engine, clock)
    with reading(engine) as connection:
        new = is_new(connection)
    if new:
        council.found(operator_key(key_file), pin=pin)
    return council
