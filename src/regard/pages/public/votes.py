"""The pages where members of the council propose, vote and stop from afar: signed notes in, what came of them out.

The signature is the credential: `stewardship.council` believes nothing else, here as on the command line. What nobody
on the council signed is refused before any row is read.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from regard.ledger.tree.notes import NoteError, UnsignedNote, open_note
from regard.pages.exchanges import TooLarge, body_within, named, status_of
from regard.pages.public.tries import TooMany, Tries
from regard.stewardship.council.chain import BrokenChain
from regard.stewardship.council.council import Council
from regard.stewardship.council.motions import BadMotion, Repeated
from regard.stewardship.council.seats import Seats
from regard.stewardship.policy.packs import BadPack
from regard.wire.pool import Full
from regard.wire.senders import share_of
from regard.wire.uploads import Uploads

ROOT = "/stewardship/v1"
MOTIONS, BALLOTS, SUSPENSIONS = f"{ROOT}/motions", f"{ROOT}/ballots", f"{ROOT}/suspensions"
READINGS = f"{ROOT}/motions/readings"
# A motion has 64 KiB at most, and a ballot repeats it beside a reason of 8.
MOST_MOTION_BYTES = 64 * 1024
_MOST_BYTES = {MOTIONS: MOST_MOTION_BYTES, BALLOTS: MOST_MOTION_BYTES + 16 * 1024}
_OTHER_BYTES = 16 * 1024
_SECONDS = 10.0
# Bodies under way, of all senders together and of one network: nobody has signed for them yet.
_UNDER_WAY, _OF_A_NETWORK = 8 * 1024 * 1024, 512 * 1024
# Each motion, ballot and suspension stands in the log for ever; a network that is no member's is looked at seldom.
TRIES_A_MINUTE, ACTS_AN_HOUR = 20, 60

_STATUS: dict[type[Exception], int] = {
    UnsignedNote: 403,
    NoteError: 400,
    Repeated: 409,
    BadMotion: 400,
    BadPack: 400,
    LookupError: 404,
    BrokenChain: 503,
    TooLarge: 413,
    TimeoutError: 408,
    ClientDisconnect: 400,
}

_Act = Callable[[Council, bytes], dict[str, Any]]


class Votes:
    """Takes what members signed, each so often an hour. Thread-safe."""

    def __init__(self, council: Council, clock: Callable[[], float] = time.monotonic) -> None:
        self._council = council
        self._seats = Seats(council.law, clock)
        self._members = Tries(ACTS_AN_HOUR, 3600, clock)

    def done(self, act: _Act, body: bytes) -> dict[str, Any]:
        """What came of a note. Raises UnsignedNote, NoteError, TooMany, and what `act` raises."""
        note = open_note(body, self._seats.verifiers())
        for signature in note.signatures:
            self._members.check(signature.name)
        # Signatures of strangers below it go nowhere.
        found = act(self._council, note.encode())
        # Only what was taken counts: notes are public once they are cast, and whoever sends one again uses up nothing.
        for signature in note.signatures:
            self._members.count(signature.name)
        return found

    def cast(self, body: bytes) -> dict[str, Any]:
        """Take a ballot: the outcome of its motion, and what is missing. Raises as `done` does, BadMotion,
        LookupError."""
        return self.done(_vote, body)


def vote_pages(
    council: Council,
    *,
    behind_proxy: bool = False,
    clock: Callable[[], float] = time.monotonic,
    votes: Votes | None = None,
) -> list[Route]:
    """The routes. Behind a proxy a sender's address is the one that the proxy saw."""
    votes = votes or Votes(council, clock)
    uploads = Uploads(_UNDER_WAY, _OF_A_NETWORK, _OF_A_NETWORK)
    networks = Tries(TRIES_A_MINUTE, 60, clock)

    def page(path: str, act: _Act, status: int = 201) -> Route:
        async def endpoint(request: Request) -> Response:
            sender = share_of(request.scope, behind_proxy=behind_proxy)
            most = _MOST_BYTES.get(path, _OTHER_BYTES)
            try:
                networks.count(sender)
                with uploads.of("", sender) as count:
                    body = await body_within(request, most, _SECONDS, count)
                return _told(await run_in_threadpool(votes.done, act, body), status)
            except (TooMany, Full) as error:
                seconds = error.seconds if isinstance(error, TooMany) else 1
                return _told(
                    {"cause": str(error) or "Too many send at once. Try again."}, 429, {"retry-after": str(seconds)}
                )
            except (*_STATUS,) as error:
                return _told({"cause": _cause(error, most)}, status_of(error, _STATUS))

        return Route(path, endpoint, methods=["POST"])

    return [page(MOTIONS, _propose), page(READINGS, _read, 200), page(BALLOTS, _vote), page(SUSPENSIONS, _stop)]


def _propose(council: Council, note: bytes) -> dict[str, Any]:
    return {"motion": council.propose(note).hash}


def _read(council: Council, note: bytes) -> dict[str, Any]:
    return dict(msgspec.to_builtins(council.read_out(note)))


def _vote(council: Council, note: bytes) -> dict[str, Any]:
    tally = council.ballot(note)
    return {"outcome": tally.outcome, "missing": tally.missing}


def _stop(council: Council, note: bytes) -> dict[str, Any]:
    stop = council.stop(note)
    return {"capability": stop.capability, "ends": stop.ends}


def _cause(error: Exception, most: int) -> str:
    match error:
        case UnsignedNote():
            return f"No member of the council signed this: {error}. {ROOT}/charter lists them with their keys."
        case NoteError():
            return f"This is no signed note (c2sp.org/signed-note): {error}. `regard council --help` makes them."
        case TooLarge():
            return f"The note has more than {most} bytes. Link to what is longer."
        case TimeoutError():
            return f"The note did not arrive within {_SECONDS:.0f} seconds. Send it again."
        case ClientDisconnect():
            return "The connection ended before the note did."
        case _:
            return str(error)


def _told(plain: dict[str, Any], status: int, more: dict[str, str] | None = None) -> Response:
    return JSONResponse(plain, status, named() | {"cache-control": "no-store"} | (more or {}))
