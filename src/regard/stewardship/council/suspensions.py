"""Suspensions by a single member, who stops a capability at once for a bounded time; longer ones are `motions`."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection, select

from regard.ledger.tree.notes import Note, NoteError, Signer, open_note, sign_note
from regard.stewardship.council.charter import Charter
from regard.stewardship.council.motions import BadMotion, check_length
from regard.stewardship.policy.call import Capability
from regard.stewardship.records import records, tables
from regard.stewardship.records.revision import changed

STOPPABLE = (Capability.DETECT, Capability.COMPARE, Capability.ENROL, Capability.IDENTIFY)
_FORM = "regard.suspension/v1"
_RECORD = "suspension"
_log = logging.getLogger(__name__)


class Suspension(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One member's stop: a capability, why, and from when to when in seconds since 1970."""

    capability: str
    member: str
    reason: str
    begins: int
    ends: int

    def stands(self, lifted: Mapping[str, float], now: float) -> bool:
        """Whether it stops anything now. `lifted` says when a motion last ended the stops of each capability."""
        return self.begins <= now < self.ends and self.begins > lifted.get(self.capability, 0)

    def text(self) -> str:
        """The text that the member signs."""
        body = json.dumps(msgspec.to_builtins(self), sort_keys=True, ensure_ascii=False)
        return f"{_FORM}\n{body}\n"


def stop(
    connection: Connection,
    charter: Charter,
    capability: str,
    reason: str,
    signer: Signer,
    now: int,
    seconds: int | None,
) -> Suspension:
    """Sign and keep a stop, for `seconds` or as long as the charter allows. Raises BadMotion."""
    if capability not in STOPPABLE or not reason.strip():
        raise BadMotion(f"a suspension says why, and stops one of: {', '.join(STOPPABLE)}")
    check_length("reason", reason)
    member = charter.member(signer.name)
    if member is None or member.verifier.public != signer.verifier.public:
        raise BadMotion(f"{signer.name} is not on the council, or signs with another key")
    earlier = [
        each.ends for each in read(connection, charter) if (each.member, each.capability) == (signer.name, capability)
    ]
    if earlier and now < max(earlier) + charter.suspension:
        raise BadMotion(f"{signer.name} stopped {capability} lately; now it takes a motion, or another member")
    ends = now + min(seconds or charter.suspension, charter.suspension)
    made = Suspension(capability, signer.name, reason, now, ends)
    note = sign_note(made.text(), [signer])
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
            note = msgspec.json.decode(body)["note"].encode()
            stop = msgspec.json.decode(Note.parse(note).text.partition("\n")[2], type=Suspension)
            member = charter.member(stop.member)
            if member is None or Note.parse(note).text != stop.text():
                raise BadMotion(f"{stop.member} is not on the council, or this is no suspension")
            open_note(note, [member.verifier])
        except (NoteError, msgspec.MsgspecError, BadMotion) as error:
            _log.warning("the suspension in record %s counts for nothing: %s", sequence, error)
            continue
        if stop.ends - stop.begins <= charter.suspension:
            found.append(stop)
    return found
