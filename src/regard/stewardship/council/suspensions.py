"""Suspensions by a single member, who stops a capability at once for a bounded time; longer ones are `motions`."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection, select

from regard.ledger.tree.notes import Note, NoteError, UnsignedNote, open_note
from regard.stewardship.council.chain import Law
from regard.stewardship.council.charter import Charter
from regard.stewardship.council.motions import BadMotion, Repeated, check_length
from regard.stewardship.policy.call import Capability
from regard.stewardship.records import records, tables
from regard.stewardship.records.revision import changed

STOPPABLE = (
    *(Capability.DETECT, Capability.COMPARE, Capability.ENROL, Capability.IDENTIFY),
    *(Capability.LIVENESS, Capability.SEARCH_LIVE),
)
_FORM = "regard.suspension/v1"
_RECORD = "suspension"
# A member signs first and sends then, perhaps from another machine; how far clocks may lie apart.
_SIGNED_SECONDS, _CLOCKS_SECONDS = 600, 60
_log = logging.getLogger(__name__)


class Suspension(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One member's stop: a capability, why, and from when to when in seconds since 1970.

    `genesis` says of which council, so that it stops nothing at another service where its member has a seat too; it is
    empty in those from before it was asked for.
    """

    capability: str
    member: str
    reason: str
    begins: int
    ends: int
    genesis: str = ""

    def stands(self, lifted: Mapping[str, float], now: float) -> bool:
        """Whether it stops anything now. `lifted` says when a motion last ended the stops of each capability."""
        return self.begins <= now < self.ends and self.begins > lifted.get(self.capability, 0)

    def text(self) -> str:
        """The text that the member signs."""
        body = json.dumps(msgspec.to_builtins(self), sort_keys=True, ensure_ascii=False)
        return f"{_FORM}\n{body}\n"


def draft(law: Law, member: str, capability: str, reason: str, now: int, seconds: int | None) -> Suspension:
    """A stop from `now` on for its member to sign, for `seconds` or as long as the charter allows."""
    longest = law.charter.suspension
    return Suspension(capability, member, reason, now, now + min(seconds or longest, longest), law.genesis)


def keep(connection: Connection, law: Law, note: bytes, now: float) -> Suspension:
    """Check a signed stop and keep it: it counts from the next call on. Raises BadMotion."""
    charter = law.charter
    made = _opened(note, charter)
    if made.capability not in STOPPABLE or not made.reason.strip():
        raise BadMotion(f"a suspension says why, and stops one of: {', '.join(STOPPABLE)}")
    check_length("reason", made.reason)
    if made.genesis != law.genesis:
        raise BadMotion(
            f"the suspension is not for this council, whose genesis is {law.genesis}. Sign it for this one."
        )
    if not now - _SIGNED_SECONDS <= made.begins <= now + _CLOCKS_SECONDS:
        raise BadMotion("the suspension does not begin now. Sign a new one.")
    if not 0 < made.ends - made.begins <= charter.suspension:
        raise BadMotion(f"a suspension lasts {charter.suspension} seconds at most, and ends after it begins")
    by, stopped = made.member, made.capability
    earlier = [each.ends for each in read(connection, charter) if (each.member, each.capability) == (by, stopped)]
    if earlier and now < max(earlier) + charter.suspension:
        raise Repeated(f"{by} stopped {stopped} lately; now it takes a motion, or another member")
    records.append(connection, _RECORD, now, {"note": note.decode()})
    changed(connection)
    return made


def read(connection: Connection, charter: Charter) -> list[Suspension]:
    """The stops that members signed and that are no longer than the charter allows, lapsed or not.

    They stand in the record alone, which is only added to: there is no row to delete that would lift one.
    """
    found = []
    of = tables.records.c
    for sequence, body in connection.execute(select(of.sequence, of.body).where(of.kind == _RECORD)):
        try:
            stop = _opened(msgspec.json.decode(body)["note"].encode(), charter)
        except (msgspec.MsgspecError, BadMotion) as error:
            _log.warning("the suspension in record %s counts for nothing: %s", sequence, error)
            continue
        if stop.ends - stop.begins <= charter.suspension:
            found.append(stop)
    return found


def _opened(note: bytes, charter: Charter) -> Suspension:
    """The stop in `note`, if a member signed it. Raises BadMotion."""
    try:
        text = Note.parse(note).text
        form, _, body = text.partition("\n")
        stop = msgspec.json.decode(body, type=Suspension)
        member = charter.member(stop.member)
        if form != _FORM or member is None or text != stop.text():
            raise BadMotion(f"{stop.member} is not on the council, or this is no suspension")
        open_note(note, [member.verifier])
    except UnsignedNote as error:
        raise BadMotion(f"{stop.member} is not on the council, or signs with another key: {error}") from None
    except (NoteError, msgspec.MsgspecError) as error:
        raise BadMotion(f"the suspension does not count: {error}") from None
    return stop
