"""The pages of the transparency log, for outsiders: static files, and receipts made from them for anyone who asks.

Whatever serves files can serve the same paths; only receipts need a program. No page writes, and each reads in a
thread of its own or waits without one, so that no reader keeps the service from answering.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from regard.ledger.log.public import CHECKPOINT
from regard.ledger.log.served import COSIGNED, PERIODS, NotPublished, Served
from regard.ledger.tree.notes import Verifier
from regard.ledger.witnesses.cosigning import Collector
from regard.pages.exchanges import OPEN, named

_TILE = re.compile(r"(entries|[0-7])/(x\d{3}/)*\d{3}(\.p/([1-9]|[1-9]\d|1\d\d|2[0-4]\d|25[0-5]))?", re.ASCII)
_INDEX = re.compile(r"0|[1-9]\d{0,17}", re.ASCII)
# A tile's path never has two contents. A checkpoint is another one every second, and a receipt may have more
# cosignatures the next minute.
_FOR_EVER = "public, max-age=31536000, immutable"
_A_MINUTE = "public, max-age=60"
_NOT_KEPT = "no-cache"
# Whoever asks just after the answer waits for the next publication; nobody can force one.
_WAIT_SECONDS = 3.0
_LOOK_AGAIN_SECONDS = 0.25
_SOON_ENTRIES = 10_000


def log_pages(
    served: Served, keys: Callable[[], Iterable[Verifier]], cosigning: Collector | None = None
) -> list[Route]:
    """The routes, for the log of these public files that is signed with these `keys`."""

    def key(_: Request) -> Response:
        return _found("".join(f"{each}\n" for each in keys()).encode(), _NOT_KEPT)

    def periods(_: Request) -> Response:
        return _found(served.fetch(PERIODS), _NOT_KEPT, "application/json")

    def witnesses(_: Request) -> Response:
        # Not why one does not answer: that may tell of our network.
        asked = cosigning.standings() if cosigning else []
        told = [
            {"key": str(each.key), "period": each.period, "cosigned": each.size, "contradicts": each.contradicts}
            for each in asked
        ]
        return JSONResponse(
            {"quorum": cosigning.least if cosigning else 0, "witnesses": told}, headers=_headers(_NOT_KEPT)
        )

    def checkpoint(request: Request) -> Response:
        return note(request, CHECKPOINT)

    def cosigned(request: Request) -> Response:
        return note(request, COSIGNED)

    def note(request: Request, name: str) -> Response:
        period = request.path_params["period"]
        try:
            return _found(served.note(period, name), _NOT_KEPT)
        except FileNotFoundError:
            return _nothing(f"The log has no {name} of a period {period!r}; /log/periods lists its periods.")

    def tile(request: Request) -> Response:
        period, place = request.path_params["period"], request.path_params["place"]
        if not _TILE.fullmatch(place) or period not in served.periods():
            return _nothing(f"{place!r} of {period!r} is no tile of this log; c2sp.org/tlog-tiles says how they lie.")
        try:
            data = served.fetch(f"{period}/tile/{place}")
        except FileNotFoundError:
            return _nothing(f"There is no tile {place}. A partial tile gives way to the full one at its place.")
        return _found(data, _FOR_EVER, "application/octet-stream")

    async def receipt(request: Request) -> Response:
        period, index = request.path_params["period"], request.path_params["index"]
        try:
            if not _INDEX.fullmatch(index):
                raise LookupError
            data = await best_receipt(period, int(index))
        except (LookupError, FileNotFoundError):
            return _nothing(f"The log has published no entry {index!r} of a period {period!r}.")
        return _found(data, _A_MINUTE)

    async def best_receipt(period: str, index: int) -> bytes:
        # A quorum takes a moment more; where it does not come, nobody is kept waiting for it.
        if cosigning and cosigning.least and cosigning.unwitnessed_seconds < _WAIT_SECONDS:
            with suppress(NotPublished):
                return await _when_published(lambda: served.cosigned_receipt(period, index))
        return await _when_published(lambda: served.receipt(period, index))

    return [
        Route("/log/key", key),
        Route("/log/periods", periods),
        Route("/log/witnesses", witnesses),
        Route("/log/{period}/checkpoint", checkpoint),
        Route("/log/{period}/cosigned", cosigned),
        Route("/log/{period}/receipts/{index}", receipt),
        Route("/log/{period}/tile/{place:path}", tile),
    ]


async def _when_published(make: Callable[[], bytes]) -> bytes:
    until = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            return await run_in_threadpool(make)
        except NotPublished as late:
            if late.index >= late.size + _SOON_ENTRIES or time.monotonic() > until:
                raise
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


def _found(data: bytes, cache: str, media: str = "text/plain") -> Response:
    return Response(data, headers=_headers(cache), media_type=media)


def _nothing(cause: str) -> Response:
    return PlainTextResponse(f"{cause}\n", 404, _headers(_NOT_KEPT))


def _headers(cache: str) -> dict[str, str]:
    return named() | OPEN | {"cache-control": cache}
