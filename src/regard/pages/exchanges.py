"""What pages share of an HTTP exchange: a body read within bounds, a request id, a status for each error, a form."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

# What anyone may read, scripts of other pages may read too: a page that verifies the log, from disk or from a mirror.
# (Fetch standard, CORS). No cookie and no login reaches these pages, so that nothing else is told to a script.
OPEN = {"access-control-allow-origin": "*"}
# Which form an answer has depends on what the request accepts: a cache keeps one for each.
BY_ACCEPT = {"vary": "Accept"}
_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 100
_PAGE, _DATA = ("text/html", "application/xhtml+xml"), ("application/json", "application/x-amz-json-1.1", "text/plain")


class TooLarge(ValueError):
    """The body is larger than the page takes."""


async def body_within(
    request: Request, most: int, seconds: float, count: Callable[[int], None] = lambda _size: None
) -> bytes:
    """The body of a request, at most `most` bytes; `count` is told of each part as it arrives.

    Raises TooLarge, TimeoutError, ClientDisconnect, and what `count` raises.
    """
    body = b""
    async with asyncio.timeout(seconds):
        async for part in request.stream():
            body += part
            if len(body) > most:
                raise TooLarge
            count(len(part))
    return body


def named() -> dict[str, str]:
    """Headers that give an answer an id of its own, as those of AWS have one."""
    return {"x-amzn-requestid": str(uuid.uuid4())}


def page_number(told: str) -> int:
    """The page that an address or a form names, from 1 on; what names none is the first."""
    return max(1, int(told)) if told.isascii() and told.isdigit() and len(told) < 10 else 1


def status_of(error: Exception, statuses: Mapping[type[Exception], int]) -> int:
    """The HTTP status of the first kind in `statuses` that the error is of. Raises StopIteration for none."""
    return next(status for kind, status in statuses.items() if isinstance(error, kind))


def wants_page(request: Request) -> bool:
    """Whether whoever asks wants a page to look at, as browsers do: it names HTML, and nothing for programs before it.

    `*/*` alone is a program's.
    """
    wanted: dict[str, float] = {}
    for part in request.headers.get("accept", "").lower().split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        wanted[media] = _quality(parameters)
    page = max(wanted.get(media, 0.0) for media in _PAGE)
    return page > 0 and page >= max(wanted.get(media, 0.0) for media in _DATA)


def is_from_elsewhere(request: Request) -> bool:
    """Whether a browser says that a form was sent by a page that is not one of ours, or a program says so.

    Browsers tell it by Sec-Fetch-Site where they trust the address, and by Origin; our pages send no referrer, and then
    the Origin of their own forms is "null" (Fetch standard, 3.2). What tells neither is no browser of today.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin", "null")
    return origin != "null" and urlsplit(origin).netloc != request.headers.get("host")


async def form_within(request: Request, most: int, seconds: float) -> dict[str, str]:
    """The fields of a form of at most `most` bytes, each once; lines end as on this machine. Raises as `body_within`.

    What is not sent as a form has no fields.
    """
    body = await body_within(request, most, seconds)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return {}
    told = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    return {name: "\n".join(words.splitlines()) for name, words in told}


def _quality(parameters: list[str]) -> float:
    told = next((each.removeprefix("q=") for each in parameters if each.startswith("q=")), "1")
    try:
        return float(told)
    except ValueError:
        return 0.0
