"""Motions and ballots: immutable texts with a hash, signed as notes that a stranger's tool verifies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any

import msgspec

from regard.ledger.tree.notes import Note, NoteError, Signer, open_note, sign_note
from regard.stewardship.council.charter import Charter

_MOTION = "regard.motion/v1"
_BALLOT = "regard.ballot/v1"
MOST_TEXT_BYTES = 8 * 1024


class BadMotion(ValueError):
    """A motion or a ballot that cannot count; the text says why."""


class Repeated(BadMotion):
    """A motion or a ballot that is there already: it counts once."""


def check_length(what: str, text: str) -> None:
    """Raise BadMotion for words that are too long to go into the log."""
    if (size := len(text.encode())) > MOST_TEXT_BYTES:
        raise BadMotion(f"the {what} has {size:,} bytes; at most {MOST_TEXT_BYTES:,}. Link to what is longer.")


class Kind(StrEnum):
    """What a motion can change."""

    GENESIS = "genesis"
    POLICY = "policy"
    FLOOR = "floor"
    CHARTER = "charter"
    ADMISSION = "admission"
    CAPABILITY = "capability"
    SUSPENSION = "suspension"
    TAGS = "tags"
    VECTORS = "vectors"
    LIVE_SEARCH = "live-search"
    PROJECT = "project"


class Vote(StrEnum):
    """What a ballot says."""

    APPROVE = "approve"
    REFUSE = "refuse"
    VETO = "veto"


class Motion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """A motion. `previous` is the hash of the last motion carried before it; `opened` is in seconds since 1970."""

    kind: Kind
    title: str
    previous: str
    proposer: str
    opened: int
    payload: dict[str, Any]

    @cached_property
    def text(self) -> str:
        """The text that is signed: its form, then the motion as JSON with sorted names."""
        body = json.dumps(msgspec.to_builtins(self), indent=2, sort_keys=True, ensure_ascii=False)
        return f"{_MOTION}\n{body}\n"

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the text, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @staticmethod
    @lru_cache(maxsize=256)
    def parse(text: str) -> Motion:
        """Read a text. Raises BadMotion, also for a text that this program would have written differently.

        The law is replayed again and again: what a text says is read once.
        """
        form, _, body = text.partition("\n")
        if form != _MOTION:
            raise BadMotion(f"the text of a motion begins with {_MOTION}")
        try:
            motion = msgspec.json.decode(body, type=Motion)
        except msgspec.MsgspecError as error:
            raise BadMotion(f"the motion cannot be read: {error}") from None
        if motion.text != text:
            raise BadMotion("the motion is not in its canonical form")
        return motion

    def signed(self, signer: Signer) -> bytes:
        """The motion as a note signed by its proposer."""
        return sign_note(self.text, [signer])

    @classmethod
    def opened_from(cls, note: bytes, charter: Charter, expected: str | None = None) -> Motion:
        """The motion in `note`, if its proposer, a member, signed it. Raises BadMotion."""
        try:
            motion = cls.parse(Note.parse(note).text)
            proposer = charter.member(motion.proposer)
            if proposer is None:
                raise BadMotion(f"{motion.proposer} is not on the council")
            open_note(note, [proposer.verifier])
        except NoteError as error:
            raise BadMotion(str(error)) from None
        if expected is not None and motion.hash != expected:
            raise BadMotion(f"the motion was changed: it has hash {motion.hash}, not {expected}")
        return motion


class Ballot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A ballot on one text. `at` is when its member says it was cast, in seconds since 1970."""

    motion: str
    member: str
    vote: Vote
    reason: str
    at: int

    @classmethod
    def motion_of(cls, note: bytes) -> str:
        """The hash of the motion that the ballot in `note` says it is on; nothing is believed. Raises BadMotion."""
        try:
            form, _, below = Note.parse(note).text.partition("\n")
            if form != _BALLOT:
                raise BadMotion(f"the text of a ballot begins with {_BALLOT}")
            return msgspec.json.decode(below.partition("\n")[0], type=cls).motion
        except (NoteError, msgspec.MsgspecError) as error:
            raise BadMotion(f"the ballot does not count: {error}") from None

    def signed(self, motion: Motion, signer: Signer) -> bytes:
        """The ballot as a signed note, which repeats the motion's whole text."""
        return sign_note(self._text(motion), [signer])

    def _text(self, motion: Motion) -> str:
        body = json.dumps(msgspec.to_builtins(self), sort_keys=True, ensure_ascii=False)
        return f"{_BALLOT}\n{body}\n{motion.text}"

    @classmethod
    def opened_from(cls, note: bytes, motion: Motion, charter: Charter) -> Ballot:
        """The ballot in `note`, if a member signed it on this very text in time. Raises BadMotion."""
        try:
            text = Note.parse(note).text
            form, body, _ = text.split("\n", 2)
            ballot = msgspec.json.decode(body, type=cls)
            member = charter.member(ballot.member)
            if form != _BALLOT or member is None:
                raise BadMotion(f"{ballot.member} is not on the council, or this is no ballot")
            open_note(note, [member.verifier])
        except (NoteError, msgspec.MsgspecError, ValueError) as error:
            raise BadMotion(f"the ballot does not count: {error}") from None
        if ballot.motion != motion.hash or ballot._text(motion) != text:
            raise BadMotion(f"the ballot of {ballot.member} is on another text than this motion's")
        if not motion.opened <= ballot.at <= motion.opened + charter.expires:
            raise BadMotion(f"the ballot of {ballot.member} was not cast while the motion was open")
        return ballot


@dataclass(frozen=True, slots=True)
class Tally:
    """Where a motion stands. `outcome` is open, carried, vetoed or expired; `void` tells what did not count."""

    outcome: str
    ballots: tuple[Ballot, ...]
    missing: str
    void: tuple[str, ...]


def tally(motion: Motion, notes: Iterable[bytes], charter: Charter, at: float) -> Tally:
    """Count the ballots on `motion` under `charter`, as of the time `at`."""
    ballots: dict[str, Ballot] = {}
    void = []
    for note in notes:
        try:
            ballot = Ballot.opened_from(note, motion, charter)
        except BadMotion as error:
            void.append(str(error))
            continue
        ballots.setdefault(ballot.member, ballot)
    missing = _missing(motion, list(ballots.values()), charter)
    return Tally(_outcome(motion, ballots, charter, at, missing), tuple(ballots.values()), missing, tuple(void))


def _outcome(motion: Motion, ballots: dict[str, Ballot], charter: Charter, at: float, missing: str) -> str:
    vetoes = (member for member, ballot in ballots.items() if ballot.vote is Vote.VETO)
    if any((found := charter.member(name)) and found.role in charter.veto for name in vetoes):
        return "vetoed"
    if at >= motion.opened + charter.expires:
        return "expired"
    return "open" if missing or at < motion.opened + charter.window else "carried"


def _missing(motion: Motion, ballots: list[Ballot], charter: Charter) -> str:
    approving = [
        charter.member(ballot.member)
        for ballot in ballots
        if ballot.vote is Vote.APPROVE and (charter.alone or ballot.member != motion.proposer)
    ]
    quota = charter.quota(motion.kind)
    wanting = []
    if len(approving) < quota.approvals:
        wanting.append(f"{quota.approvals - len(approving)} more")
    for role, number in sorted(quota.roles.items()):
        there = sum(member is not None and member.role == role for member in approving)
        if there < number:
            wanting.append(f"{number - there} of role {role}")
    return ", ".join(wanting)
