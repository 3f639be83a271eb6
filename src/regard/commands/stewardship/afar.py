"""A council from afar: what a member signs here goes to a service elsewhere. Keys stay on this machine."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

import msgspec

from regard.commands.common.output import say
from regard.fetching import fetched
from regard.ledger.tree.notes import Signer, sign_note
from regard.pages.public.kept import KEPT_SECONDS
from regard.pages.public.votes import BALLOTS, MOTIONS, READINGS, ROOT, SUSPENSIONS
from regard.stewardship.council.charter import Charter
from regard.stewardship.council.dockets import OPEN
from regard.stewardship.council.motions import BadMotion, Ballot, Kind, Motion, Vote
from regard.stewardship.council.readings import Reading
from regard.stewardship.council.suspensions import Suspension
from regard.wire.exposure import is_loopback

_SECONDS, _MOST_BYTES = 30, 64 << 20


def checked_address(service: str) -> str:
    """The address of a service. Raises ValueError where others would read or change what is said there."""
    parts = urlsplit(service)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise ValueError(f"what is said to {service} could be read and changed on the way: give an address with https")
    return service.rstrip("/")


class _Genesis(msgspec.Struct):
    hash: str


class _Charter(msgspec.Struct):
    """What the page of the charter tells."""

    genesis: _Genesis
    head: str
    charter: Charter


class Afar:
    """The council of a service elsewhere, for one member. Raises ValueError with what the service refused, OSError."""

    def __init__(self, service: str, signer: Signer) -> None:
        self._service = checked_address(service)
        self._signer = signer

    def propose(self, kind: Kind, title: str, payload: dict[str, Any]) -> str:
        """Sign a motion and put it to the vote; its hash."""
        head = self._charter().head
        try:
            return self._propose(kind, title, payload, head)
        except ValueError:
            # The page of the charter is as old as a second: a motion may have carried meanwhile.
            time.sleep(KEPT_SECONDS)
            if (now := self._charter().head) == head:
                raise
            return self._propose(kind, title, payload, now)

    def _propose(self, kind: Kind, title: str, payload: dict[str, Any], head: str) -> str:
        motion = Motion(kind, title, head, self._signer.name, int(time.time()), payload)
        told = self._asked(MOTIONS, motion.signed(self._signer))
        if told.get("motion") != motion.hash:
            raise ValueError(f"{self._service} took another motion than the one that was signed, {motion.hash}")
        return motion.hash

    def vote(self, beginning: str, vote: Vote, reason: str) -> tuple[str, str]:
        """Sign and cast a ballot on the open motion whose hash begins so; the outcome, and what is missing."""
        motion = self._motion(beginning)
        say(f"{motion.hash[:12]}, a motion of kind {motion.kind} by {motion.proposer}: {motion.title}")
        ballot = Ballot(motion.hash, self._signer.name, vote, reason, int(time.time()))
        told = self._asked(BALLOTS, ballot.signed(motion, self._signer))
        return str(told["outcome"]), str(told["missing"])

    def suspend(self, capability: str, reason: str, seconds: int | None) -> Suspension:
        """Sign a stop and send it."""
        found, now = self._charter(), int(time.time())
        longest = found.charter.suspension
        ends = now + min(seconds or longest, longest)
        stop = Suspension(capability, self._signer.name, reason, now, ends, found.genesis.hash)
        self._asked(SUSPENSIONS, sign_note(stop.text(), [self._signer]))
        return stop

    def _charter(self) -> _Charter:
        return msgspec.convert(self._asked(f"{ROOT}/charter"), _Charter)

    def _motion(self, beginning: str) -> Motion:
        found = self._beginning(beginning)
        if len(found) != 1:
            # The page is as old as a second: what was just proposed may not stand on it yet.
            time.sleep(KEPT_SECONDS)
            found = self._beginning(beginning)
        if len(found) != 1:
            raise LookupError(f"{len(found)} open motions begin with {beginning}")
        plain, named = found[0], str(found[0]["hash"])
        if "payload" not in plain:
            asked = Reading(named, self._signer.name, int(time.time()), self._charter().genesis.hash)
            plain = self._asked(READINGS, sign_note(asked.text(), [self._signer]))
        motion = msgspec.convert({name: plain[name] for name in Motion.__struct_fields__}, Motion)
        if motion.hash != named:
            raise BadMotion(f"{self._service} shows another text than that of the motion {named}: do not vote on it")
        return motion

    def _beginning(self, beginning: str) -> list[dict[str, Any]]:
        motions = self._asked(MOTIONS)["motions"]
        return [each for each in motions if each["outcome"] == OPEN and each["hash"].startswith(beginning)]

    def _asked(self, path: str, note: bytes | None = None) -> dict[str, Any]:
        status, body = fetched(f"{self._service}{path}", note, most=_MOST_BYTES, seconds=_SECONDS)
        try:
            told: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.MsgspecError:
            told = {}
        if status in (200, 201) and told:
            return told
        raise ValueError(told.get("cause") or f"{self._service}{path} answers {status}: is that the service?")
