"""The chain: carried motions, each naming the one before, from a genesis charter on. Replayed, it is the law.

Nothing here trusts a row: hashes, signatures, quotas and windows are checked again each time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from regard.ledger.tree.notes import Note, NoteError, open_note
from regard.stewardship.council.charter import BadCharter, Charter
from regard.stewardship.council.live_search import End, Leave, Processor, read_live, why_not
from regard.stewardship.council.motions import BadMotion, Kind, Motion, tally

CARRIED = "carried"
_VERSION = re.compile(r"^arn:aws:rekognition:[a-z0-9-]+:\d{12}:project/[^/]+/version/[^/]+/\d+$")


class BrokenChain(ValueError):
    """The motions do not form one chain of carried ones; the text says where it breaks."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A motion as it is kept, with its ballots."""

    hash: str
    note: bytes
    settled_at: float
    ballots: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Law:
    """What the council has decided so far.

    `floors` are similarities from 0 to 100 by purpose; `lifted` says when stops of a capability were last ended.
    `live` are the live searches that motions allowed, lapsed or not, by the ARN of the stream processor; `probed` are
    the versions of people projects, by their ARN, that may start though the probe speaks against it.
    """

    genesis: str
    head: str
    charter: Charter
    policy: str
    pack: str
    floors: Mapping[str, float] = field(default_factory=dict)
    enabled: frozenset[str] = frozenset()
    suspended: frozenset[str] = frozenset()
    lifted: Mapping[str, float] = field(default_factory=dict)
    live: Mapping[str, Leave] = field(default_factory=dict)
    probed: frozenset[str] = frozenset()

    def live_search(self, collection: str, processor: Processor, now: float) -> str:
        """Why `processor` may not look for people of `collection` in live pictures at `now`; empty where it may.

        Whatever changed since the motion carried is looked at here: the processor's name, its stream and where that
        leads, its collection, and the time. Stops and consents are the gate's to look at: `gate.matters`.
        """
        return why_not(self.live.get(processor.arn), collection, processor, now)


def replay(entries: Iterable[Entry]) -> Law:
    """The law that carried motions make, checking each under the charter of its time. Raises BrokenChain."""
    by_previous: dict[str, tuple[Entry, Motion]] = {}
    for entry in entries:
        motion = _motion(entry)
        if motion.previous in by_previous:
            raise BrokenChain(f"two motions follow {motion.previous[:12] or 'nothing'}: {entry.hash[:12]} is one")
        by_previous[motion.previous] = (entry, motion)
    if "" not in by_previous:
        raise BrokenChain("there is no genesis charter")
    law = _genesis(*by_previous.pop(""))
    while law.head in by_previous:
        law = _follow(law, *by_previous.pop(law.head))
    if by_previous:
        entry, _ = next(iter(by_previous.values()))
        raise BrokenChain(f"the motion {entry.hash[:12]} is marked as carried but follows nothing")
    return law


def apply(law: Law, motion: Motion, at: float) -> Law:
    """The law after `motion`, settled `at` seconds since 1970. Raises BadMotion when what it asks for cannot be."""
    payload, head = motion.payload, motion.hash
    try:
        match motion.kind:
            case Kind.POLICY:
                return replace(law, head=head, policy=str(payload["policy"]), pack=str(payload["pack"]))
            case Kind.FLOOR:
                floor = msgspec.convert(payload["floor"], float)
                if not 0 <= floor <= 100:
                    raise BadMotion(f"a floor is a similarity from 0 to 100, not {floor}")
                return replace(law, head=head, floors={**law.floors, str(payload["purpose"]): floor})
            case Kind.CHARTER:
                return replace(law, head=head, charter=read_charter(payload["charter"]))
            case Kind.CAPABILITY:
                name = {str(payload["capability"])}
                enabled = law.enabled | name if payload["enabled"] is True else law.enabled - name
                return replace(law, head=head, enabled=enabled)
            case Kind.SUSPENSION:
                capability = str(payload["capability"])
                if payload["suspended"] is True:
                    return replace(law, head=head, suspended=law.suspended | {capability})
                lifted = {**law.lifted, capability: at}
                return replace(law, head=head, suspended=law.suspended - {capability}, lifted=lifted)
            case Kind.LIVE_SEARCH:
                live = {arn: each for arn, each in law.live.items() if arn != payload["processor"]}
                asked = read_live(payload, motion.opened)
                if not isinstance(asked, End):
                    live[asked.processor] = asked
                return replace(law, head=head, live=live)
            case Kind.PROJECT:
                version = {read_version(payload)}
                probed = law.probed | version if payload["allowed"] is True else law.probed - version
                return replace(law, head=head, probed=probed)
            case Kind.ADMISSION | Kind.TAGS | Kind.VECTORS:
                return replace(law, head=head)
            case Kind.GENESIS:
                raise BadMotion("there is one genesis")
    except (KeyError, msgspec.ValidationError, BadCharter) as error:
        raise BadMotion(f"the motion's payload is wrong: {error!r}") from None


def read_version(payload: Mapping[str, Any]) -> str:
    """The ARN of the version that a motion on a people project names. Raises BadMotion."""
    version = str(payload["version"])
    if not _VERSION.match(version):
        raise BadMotion(f"a motion on a project names the ARN of one of its versions, not {version!r}")
    return version


def read_charter(plain: Any) -> Charter:
    """A charter from plain data. Raises BadCharter."""
    try:
        return msgspec.convert(plain, Charter).check()
    except msgspec.ValidationError as error:
        raise BadCharter(str(error)) from None


def _motion(entry: Entry) -> Motion:
    try:
        motion = Motion.parse(Note.parse(entry.note).text)
    except (NoteError, BadMotion) as error:
        raise BrokenChain(f"the motion {entry.hash[:12]} cannot be read: {error}") from None
    if motion.hash != entry.hash:
        raise BrokenChain(f"the motion {entry.hash[:12]} was changed: it has hash {motion.hash[:12]}")
    return motion


def _genesis(entry: Entry, motion: Motion) -> Law:
    try:
        charter = read_charter(motion.payload["charter"])
        open_note(entry.note, [member.verifier for member in charter.members])
        policy, pack = str(motion.payload["policy"]), str(motion.payload["pack"])
    except (BadCharter, NoteError, KeyError) as error:
        raise BrokenChain(f"the genesis charter is wrong: {error}") from None
    if motion.kind is not Kind.GENESIS:
        raise BrokenChain(f"the chain begins with a motion of kind {motion.kind}, not with a genesis")
    return Law(motion.hash, motion.hash, charter, policy, pack)


def _follow(law: Law, entry: Entry, motion: Motion) -> Law:
    try:
        Motion.opened_from(entry.note, law.charter, entry.hash)
        count = tally(motion, entry.ballots, law.charter, entry.settled_at)
        if count.outcome != CARRIED:
            why = "; ".join((f"missing {count.missing}" if count.missing else count.outcome, *count.void))
            raise BadMotion(f"it did not carry: {why}")
        return apply(law, motion, entry.settled_at)
    except BadMotion as error:
        raise BrokenChain(f"the motion {entry.hash[:12]} does not follow: {error}") from None
