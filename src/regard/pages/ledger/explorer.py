"""`/log`: what happened, for whoever reads along. Each entry in words and as it is hashed, with the way to verify it.

Only what the public entries tell is shown: no minute, no name. A page reads no more files than its entries are in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from regard.ledger.log.listing import Entry, Listing, list_entries, read_entry
from regard.ledger.log.served import Served
from regard.pages.exchanges import BY_ACCEPT, OPEN, named, wants_page
from regard.pages.frame import page
from regard.pages.ledger.verifier import VERIFIER
from regard.stewardship.logbook.entry_words import KINDS, hour_in_words, in_words

_HERE = "/log"
# What can be looked for: the members of entries, each told in one text. The first two have a list of what they can be.
_FILTERS = {
    "kind": "Kind",
    "decision": "Decision",
    "operation": "Operation",
    "purpose": "Purpose",
    "sector": "Sector",
    "organization": "Pseudonym",
}
_CHOICES = {"kind": KINDS, "decision": ("allowed", "denied")}
_LONGEST = 200
_HEADERS = OPEN | BY_ACCEPT | {"cache-control": "no-cache"}


def explorer_pages(served: Served) -> list[Route]:
    """The routes, for the log of these public files: what a page shows a browser, a program gets as JSON."""

    def log(request: Request) -> Response:
        asked = {name: text.strip()[:_LONGEST] for name, text in request.query_params.items()}
        periods = served.periods()
        period = asked.get("month") or (periods[-1] if periods else "")
        wanted = {name: asked[name] for name in _FILTERS if asked.get(name)}
        if period not in periods:
            return _nothing(request, f"The log has no month {period!r}.", periods)
        found = list_entries(served, period, wanted, _number(asked.get("before", "")))
        if not wants_page(request):
            return JSONResponse(_listed(period, periods, found), headers=named() | _HEADERS)
        return page("log.html", headers=_HEADERS, **_shown(period, periods, wanted, found))

    def entry(request: Request) -> Response:
        period, told = request.path_params["period"], request.path_params["index"]
        index = _number(told)
        try:
            found = read_entry(served, period, -1 if index is None else index)
        except FileNotFoundError:
            return _nothing(
                request, f"The log has published no entry {told!r} of a month {period!r}.", served.periods()
            )
        if not wants_page(request):
            return Response(found.data, 200, named() | _HEADERS, "application/json")
        return page("entry.html", headers=_HEADERS, **_entry(period, found))

    return [
        Route(_HERE, log, methods=["GET"]),
        Route(_HERE + "/{period}/entries/{index}", entry, methods=["GET"]),
    ]


def _nothing(request: Request, cause: str, periods: list[str]) -> Response:
    if wants_page(request):
        return page("no_log.html", 404, _HEADERS, here=_HERE, cause=cause, periods=periods)
    return PlainTextResponse(f"{cause}\n", 404, named() | _HEADERS)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


def _listed(period: str, periods: list[str], found: Listing) -> dict[str, Any]:
    entries = [{"index": each.index, "words": in_words(each.told), "entry": each.told} for each in found.entries]
    looked = {"first": found.first, "end": found.end, "size": found.size}
    return {"month": period, "months": periods, "looked_through": looked, "entries": entries}


def _shown(period: str, periods: list[str], wanted: Mapping[str, str], found: Listing) -> dict[str, Any]:
    older = urlencode({"month": period, **wanted, "before": found.first}) if found.first else ""
    newest = urlencode({"month": period, **wanted}) if found.end < found.size else ""
    return {
        "here": _HERE,
        "month": period,
        "months": periods[::-1],
        "wanted": wanted,
        "filters": [(name, label, _CHOICES.get(name, ()), wanted.get(name, "")) for name, label in _FILTERS.items()],
        "found": found,
        "entries": [_row(period, each) for each in found.entries],
        "older": older,
        "newest": newest,
    }


def _row(period: str, entry: Entry) -> dict[str, Any]:
    return {
        "index": entry.index,
        "hour": hour_in_words(entry.told.get("at")),
        "words": in_words(entry.told),
        "verify": f"{VERIFIER}#{period}/{entry.index}",
    }


def _entry(period: str, entry: Entry) -> dict[str, Any]:
    return _row(period, entry) | {
        "here": _HERE,
        "month": period,
        "facts": list(_facts(entry.told)),
        "json": msgspec.json.format(entry.data, indent=2).decode(errors="replace") if entry.told else entry.data.hex(),
        "receipt": f"{_HERE}/{period}/receipts/{entry.index}",
    }


def _facts(told: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    return ((label, str(told[name])) for name, label in _FILTERS.items() if name in told)
