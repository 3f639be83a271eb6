"""The pages where council members open a sealed collection: each fetches their share and gives it back, opened.

A share is its own proof: it lies here sealed to its member, and only its digest is known. A seal is called by an id
that says nothing of the collection.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from regard.gallery.templates.seals import Seal, WrongShare
from regard.operations.common.errors import ApiError
from regard.pages.exchanges import named, status_of
from regard.stewardship.council.chain import BrokenChain
from regard.stewardship.gate.seals import CouncilSeals
from regard.stewardship.logbook.logbook import NotLogged
from regard.stewardship.people.consent import TEXT
from regard.wire.callers import body_of

PATH = "/stewardship/v1/seals"
_MOST_BYTES = 4096
_STATUS: dict[type[Exception], int] = {
    LookupError: 404,
    WrongShare: 403,
    msgspec.MsgspecError: 400,
    UnicodeDecodeError: 400,
    BrokenChain: 503,
    NotLogged: 503,
}


class GivenShare(msgspec.Struct, forbid_unknown_fields=True):
    """A member's share, opened, in base64."""

    member: Annotated[str, msgspec.Meta(max_length=64, pattern=TEXT)]
    share: bytes


class SealedShare(msgspec.Struct):
    """A member's share as it lies here, sealed to their key, in base64."""

    member: str
    sealed: bytes


class Standing(msgspec.Struct):
    """Where a seal stands: how many shares it takes, and how many were given since the service started."""

    seal: str
    needed: int
    given: int
    shares: list[SealedShare]


def seal_pages(seals: CouncilSeals) -> list[Route]:
    """The routes; they take no signature."""

    def standing(request: Request) -> Response:
        try:
            return _told(seals.get(_named(request)))
        except LookupError as error:
            return _refused(404, error)

    async def give(request: Request) -> Response:
        try:
            given = msgspec.json.decode(await body_of(request, _MOST_BYTES), type=GivenShare)
            seal = _named(request)
            return _told(await run_in_threadpool(seals.give, seal, given.member, given.share))
        except ApiError as error:
            return _refused(error.status, error)
        except (*_STATUS,) as error:
            return _refused(status_of(error, _STATUS), error)

    return [
        Route(PATH + "/{seal}", standing, methods=["GET"]),
        Route(PATH + "/{seal}/shares", give, methods=["POST"]),
    ]


def _named(request: Request) -> str:
    """The id of a seal. Raises LookupError for what can be none."""
    seal: str = request.path_params["seal"]
    if "\0" in seal:
        raise LookupError("there is no such seal")
    return seal


def _told(seal: Seal) -> Response:
    shares = [SealedShare(each.holder, each.sealed) for each in seal.shares]
    return _answer(msgspec.to_builtins(Standing(seal.id, seal.needed, seal.given, shares)), 200)


def _refused(status: int, error: Exception) -> Response:
    return _answer({"cause": str(error)}, status)


def _answer(body: dict[str, Any], status: int) -> Response:
    return JSONResponse(body, status, named() | {"cache-control": "no-store"})
