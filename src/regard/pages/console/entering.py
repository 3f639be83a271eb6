"""Signing in and out: a link that registers a passkey or opens the console here, the passkey, the key to act under."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from regard.operations.common.errors import ApiError
from regard.pages.console.desk import COOKIE, EVERYBODY, PRIVATE, ROOT, Desk, Visit, fields_of, refusal
from regard.pages.console.place import Elsewhere, Foreign
from regard.pages.frame import HEADERS, page
from regard.pages.public.tries import TooMany, Tries
from regard.stewardship.staff.challenges import BadChallenge
from regard.stewardship.staff.passkeys import BadPasskey
from regard.stewardship.staff.sessions import MOST_SECONDS
from regard.stewardship.staff.staff import BadLink, Kind, Person
from regard.wire.senders import share_of

_SIGN_IN = "sign-in"
# What a form of a passkey has; a credential takes some 2 KB.
_MOST_BYTES = 64 * 1024
TRIES_A_MINUTE = 30
_REFUSED = (BadLink, BadPasskey, BadChallenge, Foreign, Elsewhere)

_Fields = dict[str, list[str]]


def entering_pages(
    desk: Desk, *, behind_proxy: bool = False, clock: Callable[[], float] = time.monotonic
) -> list[Route]:
    """The routes. A network has so many tries a minute. Behind a proxy its address is the one that the proxy saw."""
    tries = Tries(TRIES_A_MINUTE, 60, clock)
    reception, places = desk.reception, desk.places

    def signed_in(person: Person, how: Kind) -> Response:
        answer = RedirectResponse(ROOT, 303, HEADERS | PRIVATE)
        # Browsers take what is at localhost for secure, and keep such a cookie of it, without TLS.
        answer.set_cookie(
            COOKIE,
            reception.sessions.open(person, how),
            max_age=MOST_SECONDS,
            path="/",
            secure=True,
            httponly=True,
            samesite="strict",
        )
        return answer

    def asks(request: Request) -> Response:
        options = reception.passkeys.request(places.of(request), _SIGN_IN)
        return page("console/sign_in.html", headers=PRIVATE, options=json.dumps(options))

    def link(request: Request) -> Response:
        places.of(request)
        return page("console/enter.html", headers=PRIVATE)

    def enter(request: Request, fields: _Fields) -> Response:
        place, token = places.check(request), _first(fields, "token")
        person, kind = reception.staff.look(token)
        if kind is Kind.LOCAL:
            if not places.is_near(request):
                raise BadLink("This link opens the console on the service's own machine alone.")
            return signed_in(reception.staff.redeem(token), kind)
        options = json.dumps(reception.passkeys.creation(place, person))
        return page("console/register.html", headers=PRIVATE, person=person, token=token, options=options)

    def register(request: Request, fields: _Fields) -> Response:
        place = places.check(request)
        token, answer = _first(fields, "token"), _first(fields, "touch")
        if reception.staff.look(token)[1] is not Kind.INVITATION:
            raise BadLink("This link registers no passkey.")
        return signed_in(reception.passkeys.register(place, token, answer), Kind.INVITATION)

    def sign_in(request: Request, fields: _Fields) -> Response:
        place = places.check(request)
        person = reception.passkeys.verify(place, _SIGN_IN, _first(fields, "touch"))
        return signed_in(person, Kind.INVITATION)

    def sign_out(visit: Visit) -> Response:
        reception.sessions.end(visit.session)
        answer = RedirectResponse(f"{ROOT}/sign-in", 303, HEADERS | PRIVATE)
        answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
        return answer

    def act_under(visit: Visit) -> Response:
        wanted = visit.given("key")
        if wanted not in {key.access_key_id for key in desk.keys_of(visit.session)}:
            raise LookupError("There is no such key of your organization that works.")
        reception.sessions.act_under(visit.session, wanted)
        return desk.back("/under")

    def under(visit: Visit) -> Response:
        return desk.show(visit, "under.html", keys=desk.keys_of(visit.session), here="/under")

    def shown(answer: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                return await run_in_threadpool(answer, request)
            except _REFUSED as error:
                return refusal(str(error), 403)

        return endpoint

    def tried(answer: Callable[[Request, _Fields], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                tries.count(share_of(request.scope, behind_proxy=behind_proxy))
                fields, _ = await fields_of(request, _MOST_BYTES)
                return await run_in_threadpool(answer, request, fields)
            except ClientDisconnect:
                return Response(status_code=499)
            except MultiPartException as error:
                return refusal(str(error), 400)
            except TooMany as error:
                return refusal(str(error), 429)
            except ApiError as error:
                return refusal(error.message, error.status)
            except _REFUSED as error:
                return refusal(str(error), 403)

        return endpoint

    return [
        Route(f"{ROOT}/sign-in", shown(asks), methods=["GET"]),
        Route(f"{ROOT}/sign-in", tried(sign_in), methods=["POST"]),
        Route(f"{ROOT}/enter", shown(link), methods=["GET"]),
        Route(f"{ROOT}/enter", tried(enter), methods=["POST"]),
        Route(f"{ROOT}/passkeys", tried(register), methods=["POST"]),
        desk.form("/sign-out", sign_out, EVERYBODY, keyless=True),
        desk.page("/under", under, EVERYBODY, keyless=True),
        desk.form("/under", act_under, EVERYBODY, keyless=True),
    ]


def _first(fields: _Fields, name: str) -> str:
    return next(iter(fields.get(name, [])), "")
