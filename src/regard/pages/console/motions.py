"""Motions that wait for votes: their exact text, the command that signs a ballot elsewhere, and the note taken in.

The signature is the credential. No private key comes here, and none could: a passkey makes no signed note.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from regard.ledger.tree.notes import NoteError, UnsignedNote
from regard.pages.console.desk import Desk, Visit
from regard.pages.public.votes import Votes
from regard.stewardship.council.council import Council
from regard.stewardship.council.dockets import Docket
from regard.stewardship.council.motions import BadMotion, Kind
from regard.stewardship.policy.call import Capability, DataClass, Operation
from regard.stewardship.policy.packs import BadPack, Pack
from regard.stewardship.staff.staff import Role

# A motion has 64 KiB at most, and few are near that.
MOST_SHOWN = 10
_LIST = Operation("ListMotions", Capability.READ, DataClass.SETTINGS)
_VOTE = Operation("CastBallot", Capability.MANAGE, DataClass.SETTINGS)
_READERS = frozenset({Role.OPERATOR, Role.COUNCIL, Role.AUDITOR})
_VOTERS = frozenset({Role.OPERATOR, Role.COUNCIL})


@dataclass(frozen=True, slots=True)
class Waiting:
    """A motion that waits, and the lines by which its policy differs from the one in force."""

    docket: Docket
    differs: str


def motion_pages(desk: Desk, council: Council, votes: Votes) -> list[Route]:
    """The routes."""

    def shown(visit: Visit, status: int = 200, **told: Any) -> Response:
        dockets = council.dockets()
        waiting = [Waiting(each, _difference(council, each)) for each in dockets[:MOST_SHOWN]]
        around = {"done": "", "problems": {}, "note": ""}
        return desk.show(
            visit,
            "motions.html",
            status,
            here="/motions",
            waiting=waiting,
            number=len(dockets),
            origin=visit.place.origin,
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


def _difference(council: Council, docket: Docket) -> str:
    """How a motion's policy differs from the one in force, as a unified diff; empty for a motion of another kind."""
    from difflib import unified_diff

    motion = docket.motion
    if motion.kind is not Kind.POLICY:
        return ""
    read: Callable[[str], Pack] = council.stored
    try:
        after = read(str(motion.payload.get("policy", "")))
    except BadPack as error:
        return f"The policy that it names cannot be read: {error}"
    before = council.pack()
    lines = unified_diff(before.rules.splitlines(), after.rules.splitlines(), "in force", "moved", lineterm="", n=2)
    return "\n".join(lines)
