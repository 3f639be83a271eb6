"""The page where anyone files an appeal or a report of abuse, which `people.inbox` keeps; not that of a month."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from regard.pages.exchanges import OPEN, TooLarge, body_within, named
from regard.stewardship.logbook.logbook import NotLogged
from regard.stewardship.people.inbox import Filing, Inbox, Receipt, TooMany, UnknownReport
from regard.wire.senders import NoSender, address_of

PATH = "/stewardship/v1/reports"
MOST_BYTES = 64 * 1024
BODY_SECONDS = 10.0
_MEDIA = "application/json"
_ID = re.compile(r"[0-9a-f]{32}")


class _Refused(Exception):
    def __init__(self, status: int, cause: str) -> None:
        super().__init__(cause)
        self.status = status


def report_pages(inbox: Inbox, *, behind_proxy: bool = False) -> list[Route]:
    """The routes. Behind a proxy a sender's address is the one that the proxy saw."""

    async def file(request: Request) -> Response:
        try:
            sender = address_of(request.scope, behind_proxy=behind_proxy)
            filing = _read(request.headers.get("content-type", ""), await _body(request))
            receipt = await run_in_threadpool(inbox.file, filing, sender)
        except _Refused as refused:
            return _told(refused.status, str(refused))
        except NoSender as error:
            return _told(400, str(error))
        except ClientDisconnect:
            return _told(400, "The connection ended before the report did.")
        except TooMany as full:
            return _told(429, str(full), {"retry-after": str(full.seconds)})
        except NotLogged as error:
            return _told(503, f"Nothing is taken that cannot be logged: {error}. Try again later.")
        return _filed(receipt)

    def standing(request: Request) -> Response:
        name = request.path_params["report"]
        try:
            if not _ID.fullmatch(name):
                raise UnknownReport(name)
            return JSONResponse(msgspec.to_builtins(inbox.standing(name)), headers=named() | OPEN)
        except UnknownReport:
            return _told(404, "No report of this id was filed here; an id has 32 hexadecimal digits.")

    return [
        Route(PATH, file, methods=["POST"]),
        Route(PATH + "/{report}", standing, methods=["GET"]),
    ]


async def _body(request: Request) -> bytes:
    try:
        return await body_within(request, MOST_BYTES, BODY_SECONDS)
    except TooLarge:
        raise _Refused(413, f"A report has at most {MOST_BYTES} bytes.") from None
    except TimeoutError:
        raise _Refused(408, f"The report did not arrive within {BODY_SECONDS:.0f} seconds.") from None


def _read(media: str, data: bytes) -> Filing:
    if media.partition(";")[0].strip().lower() != _MEDIA:
        raise _Refused(415, f"A report is sent as {_MEDIA}.")
    try:
        return msgspec.json.decode(data, type=Filing)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _Refused(400, f"The report is not of the form that docs/reports.md describes: {error}") from None


def _filed(receipt: Receipt) -> Response:
    place = f"{PATH}/{receipt.report}"
    told: dict[str, Any] = {"report": receipt.report, "filed": receipt.filed, "due": receipt.due, "standing": place}
    headers = named() | {"location": place}
    if written := receipt.written:
        told["entry"] = headers["x-regard-entry"] = f"{written.period}/{written.index}"
        told["receipt"] = headers["x-regard-receipt"] = f"/log/{written.period}/receipts/{written.index}"
    return JSONResponse(told, 201, headers)


def _told(status: int, cause: str, more: dict[str, str] | None = None) -> Response:
    return JSONResponse({"cause": cause}, status, named() | (more or {}))
