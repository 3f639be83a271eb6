"""The page `/me`: with a token of their organization a person reads what is held on them, and decides about it.

A token opens a quarter of an hour, held by a cookie. Each thing that is read or done there is a call as of
`people_api`, through the gate and into the log; a form carries a mark that this page gave to this session.
"""

from __future__ import annotations

import hmac
import io
import re
import time
import zipfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from regard.operations.common.errors import ApiError
from regard.pages.exchanges import TooLarge, form_within, is_from_elsewhere, named, page_number, status_of
from regard.pages.frame import HEADERS, page
from regard.pages.me_words import account
from regard.pages.people import Mismatch
from regard.pages.people_api import Nothing, PeopleApi
from regard.stewardship.people.access import Export
from regard.stewardship.people.consents import NoSuchReceipt
from regard.stewardship.people.review import NoSuchCandidate
from regard.stewardship.people.subject_sessions import SECONDS, SessionOver, SubjectSession, SubjectSessions
from regard.stewardship.people.subject_tokens import BadToken
from regard.wire.senders import is_from_here

PATH = "/me"
MOST_BYTES, _SECONDS = 4096, 10.0
_PRIVATE = {"cache-control": "no-store"}
_ENTRY = re.compile(r"(\d{4}(?:-\d{2})?)/(\d{1,18})", re.ASCII)
_DONE = {
    "not-me": "It was not you: you are told apart from whoever was in that picture. Whenever you are found by somebody "
    "like them, two people look first.",
    "take-back": "You took it back: you are not told apart from that person any more.",
    "withdraw": "Your consent is withdrawn. It counts no more, and the faces that it covered go with the next call.",
    "erase": "You are erased: your faces, your consents and what the log kept sealed on you are gone, with their keys. "
    "You are not enrolled again.",
}


class Foreign(PermissionError):
    """A form that this page did not give to this person."""


_ERRORS: dict[type[Exception], int] = {
    Foreign: 403,
    BadToken: 403,
    SessionOver: 403,
    NoSuchCandidate: 404,
    NoSuchReceipt: 404,
    TooLarge: 413,
    ApiError: 503,
    ValueError: 400,
    TimeoutError: 400,
    ClientDisconnect: 400,
}


@dataclass(frozen=True, slots=True)
class _Act:
    """What a form does: the call that it is, for what it was filled in with. It raises ValueError for what is none."""

    operation: str
    asked: Callable[[dict[str, str]], tuple[dict[str, str], Any]]


_ACTS = {
    "not-me": _Act("RejectMatch", lambda given: ({}, _mismatch(given))),
    "take-back": _Act("TakeBackMismatch", lambda given: ({"mismatch": _said(given, "mismatch")}, Nothing())),
    "withdraw": _Act("WithdrawConsent", lambda given: ({"receipt": _said(given, "receipt")}, Nothing())),
    "erase": _Act("EraseSubject", lambda given: ({"sure": _said(given, "sure")}, Nothing())),
}


class Me:
    """Answers the pages of people who came with a token."""

    def __init__(
        self,
        api: PeopleApi,
        sessions: SubjectSessions,
        organization: Callable[[str], str],
        *,
        behind_proxy: bool = False,
    ) -> None:
        """`organization` gives the name of one. A declared proxy speaks TLS."""
        self._api = api
        self._sessions = sessions
        self._organization = organization
        self._behind_proxy = behind_proxy

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route(PATH, self._told(self._show), methods=["GET"]),
            Route(PATH, self._told(self._come_in), methods=["POST"]),
            Route(f"{PATH}/leave", self._told(self._leave), methods=["POST"]),
            Route(f"{PATH}/export.zip", self._told(self._export), methods=["GET"]),
            *(Route(f"{PATH}/{name}", self._told(self._doing(name)), methods=["POST"]) for name in _ACTS),
        ]

    async def _show(self, request: Request) -> Response:
        if self._cookie(request) not in request.cookies:
            return self._door()
        session = await run_in_threadpool(self._session, request)
        looking = partial(self._ask, unsigned=True)
        export, _ = await run_in_threadpool(looking, request, session, "ExportSubject", {}, Nothing())
        pages = {name: page_number(request.query_params.get(name, "")) for name in ("page", "matches")}
        told = account(export, session, pages, self._organization(session.bearer.organization))
        marks = {name: self._sessions.mark(session, name) for name in (*_ACTS, "leave")}
        entry = _ENTRY.fullmatch(request.query_params.get("entry", ""))
        done = _DONE.get(request.query_params.get("done", ""), "")
        return page("me.html", 200, _PRIVATE, here=PATH, marks=marks, done=done, entry=entry and entry.groups(), **told)

    async def _come_in(self, request: Request) -> Response:
        given = await self._form(request)
        secret = await run_in_threadpool(self._sessions.open, given.get("token", "").strip())
        answer = _sent_to(PATH)
        self._set_cookie(request, answer, secret, SECONDS)
        return answer

    async def _leave(self, request: Request) -> Response:
        session, _ = await self._own_form(request, "leave")
        await run_in_threadpool(self._sessions.end, session)
        answer = _sent_to(PATH)
        self._set_cookie(request, answer, "", 0)
        return answer

    async def _export(self, request: Request) -> Response:
        session = await run_in_threadpool(self._session, request)
        export, headers = await run_in_threadpool(self._ask, request, session, "ExportSubject", {}, Nothing())
        kept = {"content-disposition": 'attachment; filename="what-is-held-on-me.zip"'}
        return Response(_packed(export), 200, headers | _PRIVATE | kept, "application/zip")

    def _doing(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        act = _ACTS[name]

        async def do(request: Request) -> Response:
            session, given = await self._own_form(request, name)
            path, body = act.asked(given)
            answer, headers = await run_in_threadpool(self._ask, request, session, act.operation, path, body)
            # An erasure has an entry of its own beside that of the call.
            entry = answer.get("entry") or headers.get("x-regard-entry", "")
            return _sent_to(f"{PATH}?done={name}" + (f"&entry={entry}" if _ENTRY.fullmatch(entry) else ""))

        return do

    def _ask(
        self,
        request: Request,
        session: SubjectSession,
        operation: str,
        path: Mapping[str, str],
        body: Any,
        *,
        unsigned: bool = False,
    ) -> tuple[Any, dict[str, str]]:
        near = is_from_here(request.scope, behind_proxy=self._behind_proxy)
        whose = {"subject": session.bearer.subject, **path}
        return self._api.ask(operation, session.bearer, whose, body, near=near, unsigned=unsigned)

    def _session(self, request: Request) -> SubjectSession:
        return self._sessions.look(request.cookies.get(self._cookie(request), ""))

    async def _form(self, request: Request) -> dict[str, str]:
        """What was filled in, on a page of ours. Raises Foreign, TooLarge."""
        if is_from_elsewhere(request):
            raise Foreign("This form was sent by another site. Nothing was done.")
        return await form_within(request, MOST_BYTES, _SECONDS)

    async def _own_form(self, request: Request, name: str) -> tuple[SubjectSession, dict[str, str]]:
        """Whose form it is, and what it says. Raises Foreign where the page gave it to nobody, or to somebody else."""
        given = await self._form(request)
        session = await run_in_threadpool(self._session, request)
        if not hmac.compare_digest(given.get("mark", "").encode(), self._sessions.mark(session, name).encode()):
            raise Foreign("This form is not one of yours. Nothing was done; go back to the page and try again.")
        return session, given

    def _told(self, answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                return await answer(request)
            except (*_ERRORS,) as error:
                words = error.message if isinstance(error, ApiError) else str(error)
                return self._door(words or "The form did not arrive whole. Send it again.", status_of(error, _ERRORS))

        return endpoint

    def _door(self, problem: str = "", status: int = 200) -> Response:
        return page("me-token.html", status, _PRIVATE, here=PATH, problem=problem, minutes=SECONDS // 60)

    def _cookie(self, request: Request) -> str:
        # Browsers keep a name that begins so for this host alone, and by TLS alone (RFC 6265bis, 4.1.3.2).
        return "__Host-regard-me" if self._is_secure(request) else "regard-me"

    def _is_secure(self, request: Request) -> bool:
        return self._behind_proxy or request.url.scheme == "https"

    def _set_cookie(self, request: Request, answer: Response, secret: str, seconds: int) -> None:
        answer.set_cookie(
            self._cookie(request),
            secret,
            max_age=seconds,
            path="/",
            secure=self._is_secure(request),
            httponly=True,
            samesite="strict",
        )


def _packed(export: dict[str, Any]) -> bytes:
    """All files of an export in one."""
    found = msgspec.convert({name: export[name] for name in Export.__struct_fields__}, Export)
    file = io.BytesIO()
    # Somebody waits for it: level 1 takes half the time of the usual one, for a tenth more bytes.
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in found.files.items():
            archive.writestr(zipfile.ZipInfo(name, time.gmtime()[:6]), data, zipfile.ZIP_DEFLATED, 1)
    return file.getvalue()


def _mismatch(given: dict[str, str]) -> Mismatch:
    return Mismatch(given.get("candidate") or None, given.get("request") or None)


def _said(given: dict[str, str], name: str) -> str:
    if not given.get(name):
        raise ValueError(
            "Tick the box first: what is erased does not come back." if name == "sure" else "Nothing chosen."
        )
    return given[name]


def _sent_to(place: str) -> Response:
    return RedirectResponse(place, 303, HEADERS | named() | _PRIVATE)
