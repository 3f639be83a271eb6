"""What pages share of an HTTP exchange: a body read within bounds, a request id, a status for each error."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping

from starlette.requests import Request


class TooLarge(ValueError):
    """The body is larger than the page takes."""


async def body_within(request: Request, most: int, seconds: float) -> bytes:
    """The body of a request, at most `most` bytes. Raises TooLarge, TimeoutError, and ClientDisconnect."""
    body = b""
    async with asyncio.timeout(seconds):
        async for part in request.stream():
            body += part
            if len(body) > most:
                raise TooLarge
    return body


def named() -> dict[str, str]:
    """Headers that give an answer an id of its own, as those of AWS have one."""
    return {"x-amzn-requestid": str(uuid.uuid4())}


def status_of(error: Exception, statuses: Mapping[type[Exception], int]) -> int:
    """The HTTP status of the first kind in `statuses` that the error is of. Raises StopIteration for none."""
    return next(status for kind, status in statuses.items() if isinstance(error, kind))
