"""The first page, for people: what is refused, who decides, how log, witnesses and appeals stand. Programs get JSON."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from typing import Any

import msgspec
from starlette.responses import HTMLResponse, Response

from regard.ledger.log.served import Served
from regard.ledger.tree.checkpoints import Checkpoint
from regard.ledger.tree.notes import Note
from regard.ledger.tree.tiles import ENTRIES, WIDTH, Tile, read_bundle
from regard.ledger.witnesses.cosigning import Collector
from regard.pages import exchanges
from regard.pages.exchanges import BY_ACCEPT, named
from regard.pages.frame import HEADERS, page, rendered
from regard.pages.public.council import stops_told
from regard.pages.public.kept import Kept
from regard.stewardship.council.chain import BrokenChain
from regard.stewardship.council.council import Council
from regard.stewardship.council.dockets import OPEN
from regard.stewardship.logbook import public_entries
from regard.stewardship.people.inbox import Inbox
from regard.stewardship.policy.packs import OPEN_PACK, BadPack
from regard.stewardship.policy.policy import rules_of

# Whom each page of the navigation is for, in a line.
_DOORS = {
    "/policy": "You work here, or for a customer: may somebody do something with this?",
    "/council": "You want to know who voted for a rule, and who against it.",
    "/log": "You want to see what was done, call by call, and check that nothing was taken out.",
    "/reports": "You want to know whether it was more or less than before.",
    "/models": "You want to know how often it is wrong, and about whom.",
    "/appeal": "You were refused or treated wrongly, or you saw abuse.",
    "/me": "You are in a picture: see what is held of you, object, or have it erased.",
}


class _Dated(msgspec.Struct):
    """What an entry tells of when."""

    at: str


class Home:
    """The page, made at most once a second. Where no policy is in force it answers 503 and why."""

    def __init__(
        self,
        council: Council,
        inbox: Inbox,
        served: Served,
        cosigning: Collector,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._council = council
        self._inbox = inbox
        self._served = served
        self._cosigning = cosigning
        self._kept = Kept(self._made, clock)

    def __call__(self) -> Response:
        """Answer somebody with a browser."""
        try:
            return HTMLResponse(self._kept(), 200, HEADERS | named() | exchanges.OPEN | BY_ACCEPT)
        except (BrokenChain, BadPack) as error:
            return page("lawless.html", 503, cause=str(error))

    def _made(self) -> bytes:
        law, pack, standings = self._council.law(), self._council.pack(), self._cosigning.standings()
        told: dict[str, Any] = {
            "pack": pack.name,
            "rules": rules_of(pack.rules),
            "open_to_all": pack.name == OPEN_PACK,
            "members": len(law.charter.members),
            "waiting": sum(docket.outcome == OPEN for docket in self._council.dockets()),
            "stops": stops_told(law.suspended, self._council.suspensions()),
            "last": _last(self._served),
            "witnesses": len(standings),
            "cosigning": sum(each.size > 0 and not each.contradicts for each in standings),
            "quorum": self._cosigning.least,
            "unwitnessed": int(self._cosigning.unwitnessed_seconds),
            "overdue": self._inbox.overdue(),
            "doors": _DOORS,
            "version": version("regard"),
        }
        return rendered("home.html", **told)


def _fetch(served: Served, period: str, path: str) -> bytes:
    return served.fetch(f"{period}/{path}")


def _last(served: Served) -> dict[str, Any] | None:
    """The newest entry that is published: its period, its number, and its hour where it tells one."""
    for period in reversed(served.periods()):
        size = Checkpoint.parse(Note.parse(served.note(period)).text).size
        if size:
            at = ""
            with suppress(msgspec.DecodeError, OSError, ValueError):
                tile = Tile(ENTRIES, (size - 1) // WIDTH).within(size)
                bundle = read_bundle(tile, partial(_fetch, served, period))
                # All tell their hour so, whatever they are about.
                told = msgspec.json.decode(bundle[-1], type=_Dated).at
                public_entries.hours(told)
                at = told
            return {"period": period, "index": size - 1, "at": at}
    return None
