"""Motions that wait for votes: their exact text, whom a policy would affect, the command that signs a ballot elsewhere,
and the note taken in.

The signature is the credential. No private key comes here, and none could: a passkey makes no signed note.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from regard.ledger.tree.notes import NoteError, UnsignedNote
from regard.pages.console.desk import Desk, Visit
from regard.pages.public.votes import Votes
from regard.stewardship.council.council import Council
from regard.stewardship.council.dockets import Docket
from regard.stewardship.council.motions import BadMotion, Kind
from regard.stewardship.gate.effects import Affected, Effects, Foresight, Refusal
from regard.stewardship.gate.snapshot import NotInForce
from regard.stewardship.policy.call import Capability, DataClass, Operation
from regard.stewardship.policy.packs import BadPack, Pack
from regard.stewardship.staff.staff import Role

MOST_SHOWN = 10
MOST_REFUSALS = MOST_AFFECTED = 10
# A page has 100 KB; what has no room on it a command prints. A motion has 64 KiB at most, and few are near that.
MOST_TEXT = 40_000
# So long a page waits for what is worked out for all of its motions together.
WAIT_SECONDS = 0.1
_LIST = Operation("ListMotions", Capability.READ, DataClass.SETTINGS)
_VOTE = Operation("CastBallot", Capability.MANAGE, DataClass.SETTINGS)
_READERS = frozenset({Role.OPERATOR, Role.COUNCIL, Role.AUDITOR})
_VOTERS = frozenset({Role.OPERATOR, Role.COUNCIL})


@dataclass(frozen=True, slots=True)
class Waiting:
    """A motion that waits; of one about the policy, the lines by which that differs, and whom it would affect.

    Of other organizations than one's own only the keeper is told which they are: of them there are `others`.
    """

    docket: Docket
    text: str = ""
    differs: str = ""
    effects: Effects | None = None
    affected: tuple[Affected, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    others: int = 0


def motion_pages(desk: Desk, council: Council, votes: Votes, foresight: Foresight) -> list[Route]:
    """The routes."""

    def waits(visit: Visit, docket: Docket, until: float) -> Waiting:
        if docket.motion.kind is not Kind.POLICY:
            return Waiting(docket, docket.motion.text)
        try:
            after = council.stored(str(docket.motion.payload.get("policy", "")))
            effects = foresight.of(after, until - time.monotonic())
        except (BadPack, NotInForce) as error:
            return Waiting(docket, docket.motion.text, f"The policy that it names cannot be read: {error}")
        mine = {visit.organization} if not desk.keeps(visit) else {each.organization for each in effects.affected}
        affected = tuple(each for each in effects.affected if each.organization in mine)
        refusals = tuple(each for each in effects.refusals if desk.keeps(visit) or each.organization in mine)
        others = len({each.organization for each in effects.affected} - mine)
        differs, text = _difference(council.pack(), after), docket.motion.text
        return Waiting(docket, text, differs, effects, affected, refusals[:MOST_REFUSALS], others)

    def shown(visit: Visit, status: int = 200, **told: Any) -> Response:
        dockets = council.dockets()
        until = time.monotonic() + WAIT_SECONDS
        waiting = _with_room([waits(visit, each, until) for each in dockets[:MOST_SHOWN]])
        around = {"done": "", "problems": {}, "note": ""}
        return desk.show(
            visit,
            "motions.html",
            status,
            here="/motions",
            waiting=waiting,
            number=len(dockets),
            origin=visit.place.origin,
            most_affected=MOST_AFFECTED,
            **around | told,
        )

    def take(visit: Visit) -> Response:
        file = visit.files.get("file")
        note = file.data if file else "\n".join(visit.given("note").splitlines()).encode() + b"\n"
        try:
            told = votes.cast(note)
        except (UnsignedNote, NoteError, BadMotion, LookupError) as error:
            problem = {"note": f"The note was not taken: {error}."}
            return shown(visit, 400, problems=problem, note=visit.given("note"))
        missing = f", missing {told['missing']}" if told["missing"] else ""
        return shown(visit, 201, done=f"The ballot was taken. The motion is {told['outcome']}{missing}.")

    return [
        desk.page("/motions", shown, _READERS, _LIST),
        desk.form("/motions", take, _VOTERS, _VOTE),
    ]


def _with_room(waiting: list[Waiting]) -> list[Waiting]:
    """The motions, of which those keep their texts for which the page has room; the oldest first."""
    room, found = MOST_TEXT, []
    for each in waiting:
        long = len(each.text) + len(each.differs)
        found.append(each if long <= room else replace(each, text="", differs=""))
        room -= long if long <= room else 0
    return found


def _difference(before: Pack, after: Pack) -> str:
    """How a motion's policy differs from the one in force, as a unified diff."""
    from difflib import unified_diff

    lines = unified_diff(before.rules.splitlines(), after.rules.splitlines(), "in force", "moved", lineterm="", n=2)
    return "\n".join(lines)
