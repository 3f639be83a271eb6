"""The page `/council`: who decides, what a motion takes, each motion with its votes, dissent and ballots as signed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from regard.pages.exchanges import OPEN, named
from regard.pages.frame import HEADERS, fragment, page, rendered
from regard.pages.public.kept import Kept
from regard.pages.public.law_words import charter_words, motions_words
from regard.pages.public.stewardship import public_motions
from regard.stewardship.council.chain import BrokenChain
from regard.stewardship.council.council import Council
from regard.stewardship.council.suspensions import Suspension

PATH = "/council"


def council_page(council: Council, clock: Callable[[], float] = time.monotonic) -> Route:
    """The route. Where the motions form no chain it answers 503 and why."""

    def made() -> bytes:
        law, motions = council.law(), public_motions(council)
        told: dict[str, Any] = {
            "members": len(law.charter.members),
            "motions": len(motions),
            "open": sum(each["outcome"] == "open" for each in motions),
            "stops": stops_told(law.suspended, council.suspensions()),
            "charter": fragment(charter_words(law)),
            "told": fragment(motions_words(motions, 3)),
        }
        return rendered("council.html", here=PATH, **told)

    kept = Kept(made, clock)

    def answer(_: Request) -> Response:
        try:
            return HTMLResponse(kept(), 200, HEADERS | named() | OPEN)
        except BrokenChain as error:
            return page("lawless.html", 503, here=PATH, cause=str(error))

    return Route(PATH, answer, methods=["GET"])


def stops_told(suspended: Iterable[str], stops: Iterable[Suspension]) -> list[str]:
    """What is stopped, by a motion of the council or by a member for a while, a line each."""
    told = [f"Suspended by a motion of the council: {capability}." for capability in sorted(suspended)]
    return told + [
        f"Stopped by {stop.member} until {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime(stop.ends))}: "
        f"{stop.capability}. {stop.reason}"
        for stop in stops
    ]
