"""The pages `/appeal` and `/appeal/ID`: a form that anyone files, and where it stands; `people.inbox` keeps it.

Programs file at `reports`. What was written is shown to nobody again, and its number is the only way back.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from regard.pages.exchanges import TooLarge, form_within, is_from_elsewhere, named
from regard.pages.frame import HEADERS, page
from regard.stewardship.logbook.logbook import NotLogged
from regard.stewardship.people.inbox import Filing, Inbox, Receipt, TooMany, UnknownReport
from regard.wire.senders import NoSender, address_of

PATH = "/appeal"
_FIELDS = ("about", "text", "contact", "entry")
# 8,000 characters of four bytes, each byte as %XX, and what stands beside them.
MOST_BYTES = 112 * 1024
_SECONDS = 10.0
_ID = re.compile(r"[0-9a-f]{32}")
_ENTRY = re.compile(r"(\d{4}(?:-\d{2})?)/(\d{1,18})", re.ASCII)
_UNKNOWN = "No appeal of this number was filed here. A number has 32 letters and digits, from 0 to 9 and a to f."
_PROBLEMS = {
    "about": "Say what it is about: a decision about you, or abuse.",
    "text": "Say what happened, in at most 8,000 characters.",
    "contact": "Say how to reach you in at most 320 characters, or leave it out.",
    "entry": "Write the entry as it stands on the refusal, such as 2026-11/1204, or leave it out.",
}
_OUTCOMES = {
    "upheld": "you were right.",
    "rejected": "it was not found to be right.",
    "referred": "the council decides about it by a motion.",
}
_PRIVATE = {"cache-control": "no-store"}


def appeal_pages(inbox: Inbox, *, behind_proxy: bool = False) -> list[Route]:
    """The routes. Behind a proxy a sender's address is the one that the proxy saw."""

    def form(given: dict[str, str], problems: dict[str, str], status: int = 200, **told: Any) -> Response:
        given = {name: given.get(name, "") for name in _FIELDS}
        told = {"full": "", "asked": "", "days": inbox.days} | told
        return page("appeal.html", status, _PRIVATE, here=PATH, given=given, problems=problems, **told)

    def empty(request: Request) -> Response:
        asked = request.query_params.get("report")
        if asked is None:
            return form({}, {})
        if _ID.fullmatch(number := asked.strip().lower()):
            return _sent_to(f"{PATH}/{number}")
        return form({}, {"report": _UNKNOWN}, 400, asked=asked[:100])

    async def file(request: Request) -> Response:
        if is_from_elsewhere(request):
            return form({}, {}, 403, full="This form was sent by another site. Nothing was filed; write it here.")
        try:
            given = await form_within(request, MOST_BYTES, _SECONDS)
        except TooLarge:
            return form({}, {"text": _PROBLEMS["text"]}, 413)
        except (TimeoutError, ClientDisconnect, ValueError):
            return form({}, {"text": "The form did not arrive whole. Send it again."}, 400)
        problems = _problems(given)
        if problems:
            return form(given, problems, 400)
        try:
            sender = address_of(request.scope, behind_proxy=behind_proxy)
            receipt = await run_in_threadpool(inbox.file, _filing(given), sender)
        except NoSender as error:
            return form(given, {}, 400, full=str(error))
        except TooMany as error:
            return form(given, {}, 429, full=str(error))
        except NotLogged as error:
            return form(given, {}, 503, full=f"Nothing is taken that cannot be logged: {error}. Try again later.")
        return _sent_to(_place(receipt))

    def standing(request: Request) -> Response:
        number = request.path_params["report"]
        try:
            if not _ID.fullmatch(number):
                raise UnknownReport(number)
            found = inbox.standing(number)
        except UnknownReport:
            return form({}, {"report": _UNKNOWN}, 404, asked=number[:100])
        entry = _ENTRY.fullmatch(request.query_params.get("entry", ""))
        told = {"standing": found, "entry": entry.groups() if entry else None, "outcomes": _OUTCOMES}
        return page("standing.html", 200, _PRIVATE, here=PATH, **told)

    return [
        Route(PATH, empty, methods=["GET"]),
        Route(PATH, file, methods=["POST"]),
        Route(PATH + "/{report}", standing, methods=["GET"]),
    ]


def _filing(given: dict[str, str]) -> Filing:
    """What was filled in. Raises msgspec.ValidationError."""
    told = {name: given.get(name, "") for name in _FIELDS}
    told |= {name: told[name].strip() for name in ("text", "contact", "entry")}
    return msgspec.convert(told, Filing)


def _problems(given: dict[str, str]) -> dict[str, str]:
    """What is wrong with which field: each is tried beside others that are right."""
    right = {"about": "appeal", "text": "words", "contact": "", "entry": ""}
    found = {}
    for name, words in _PROBLEMS.items():
        try:
            _filing(right | {name: given.get(name, "")})
        except msgspec.ValidationError:
            found[name] = words
    return found


def _place(receipt: Receipt) -> str:
    """The page of what was filed; the entry is known now alone, and stands in its address."""
    written = receipt.written
    return f"{PATH}/{receipt.report}" + (f"?entry={written.period}/{written.index}" if written else "")


def _sent_to(place: str) -> Response:
    return RedirectResponse(place, 303, HEADERS | named() | _PRIVATE)
