"""The desk of the console: who is signed in, under which key they act, and the one way from a page to what it shows.

A page's work runs between the two steps of the gate, as the holder of the chosen key and in the name of the person; or
it asks operations of the API, each of which passes the gate itself. There is no third way: the tests walk all pages.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from regard.operations.common.errors import ApiError, translated
from regard.operations.common.registry import answered, ours
from regard.operations.service import Service
from regard.pages.console.place import Elsewhere, Foreign, Places
from regard.pages.frame import HEADERS, page
from regard.pages.public.tries import TooMany
from regard.stewardship.logbook.logbook import NotLogged
from regard.stewardship.parties.keys import AccessKey
from regard.stewardship.parties.organizations import Organizations
from regard.stewardship.policy.call import Call, Operation
from regard.stewardship.policy.denied import Denied
from regard.stewardship.policy.service_model import service_model
from regard.stewardship.staff.challenges import BadChallenge
from regard.stewardship.staff.passkeys import BadPasskey, Place
from regard.stewardship.staff.reception import Reception
from regard.stewardship.staff.sessions import Session, SignedOut
from regard.stewardship.staff.staff import Kind, Role
from regard.wire.callers import body_of, working
from regard.wire.pool import ClientGone, Full, Pool
from regard.wire.protocol import check_parameters

ROOT = "/console"
COOKIE = "__Host-regard"
PRIVATE = {"cache-control": "no-store"}
# A picture, as large as the API takes one, and the fields beside it.
MOST_BYTES = 16 * 1024 * 1024
# After a local link, which has no passkey to ask for, what takes a fresh touch may be done for as long as this.
FRESH_SECONDS = 15 * 60
_log = logging.getLogger("regard.wire")

EVERYBODY = frozenset(Role)
OPERATORS = frozenset({Role.OPERATOR})


@dataclass(frozen=True, slots=True)
class Field:
    """A file that was sent with a form."""

    name: str
    data: bytes


@dataclass(slots=True)
class Visit:
    """One request of somebody who is signed in. `remarks` are what the gate said of the calls, by header."""

    request: Request
    place: Place
    session: Session
    key: AccessKey | None
    near: bool
    fields: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, Field] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)

    @property
    def organization(self) -> str:
        """Whose people and collections the page is about."""
        return self.session.person.organization

    def given(self, name: str) -> str:
        """A field of the form, or of the address; empty where there is none."""
        told = self.fields.get(name) or self.request.query_params.getlist(name)
        return told[0].strip() if told and "\0" not in told[0] else ""


Answer = Callable[[Visit], Response]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Entry:
    """A page in the navigation of the console, and whose it is."""

    path: str
    words: str
    roles: frozenset[Role]


class NoKey(PermissionError):
    """Nobody can ask anything without an access key that works."""


class NotTheirs(PermissionError):
    """A page that is not for the role of whoever asks for it."""


class Desk:
    """Lets people in to the pages of the console. Thread-safe."""

    def __init__(
        self,
        reception: Reception,
        organizations: Organizations,
        service: Service,
        pool: Pool,
        places: Places,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.reception = reception
        self.organizations = organizations
        self.places = places
        self.clock = clock
        self.navigation: list[Entry] = []
        self._service = service
        self._pool = pool

    # Routes.

    def page(
        self,
        path: str,
        answer: Answer,
        roles: frozenset[Role],
        operation: Operation | None = None,
        *,
        keyless: bool = False,
    ) -> Route:
        """The route of a page. With an `operation`, the whole answer is made between the two steps of the gate."""
        return Route(ROOT + path, self._endpoint(answer, roles, operation, keyless=keyless), methods=["GET"])

    def form(
        self,
        path: str,
        answer: Answer,
        roles: frozenset[Role],
        operation: Operation | None = None,
        *,
        touch: bool = False,
        keyless: bool = False,
    ) -> Route:
        """The route of a form, which carries the mark of its page; with `touch` a passkey answers for this one act."""
        endpoint = self._endpoint(answer, roles, operation, form=True, touch=touch, keyless=keyless)
        return Route(ROOT + path, endpoint, methods=["POST"])

    # For answers.

    def show(self, visit: Visit, template: str, status: int = 200, **told: Any) -> Response:
        """A page for whoever is signed in."""
        person, key = visit.session.person, visit.key
        around = {
            "person": person,
            "key": key,
            "entries": [each for each in self.navigation if person.role in each.roles],
            "mark": lambda path: self.reception.sessions.mark(visit.session, ROOT + path),
            "touch": lambda path: self._touch(visit, path),
            "remarks": visit.remarks,
            "moment": moment,
            "problems": {},
        }
        return page(f"console/{template}", status, PRIVATE, **{**around, **told})

    def back(self, path: str) -> Response:
        """To a page, once a form was done."""
        return RedirectResponse(ROOT + path, 303, HEADERS | PRIVATE)

    def ask(self, visit: Visit, name: str, case: str = "", **parameters: Any) -> dict[str, Any]:
        """The answer of an operation of AWS's or of ours, through the service. Raises ApiError."""
        operation = answered().get(name) or ours()[name]
        given = {each: value for each, value in parameters.items() if value is not None}
        if name in answered():
            check_parameters(service_model().operation_model(name), given)
        call = self._call(visit, operation, given)
        call.case = case
        try:
            return self._service.answer(call)
        finally:
            visit.remarks |= call.remarks

    # The way of a request.

    def _endpoint(
        self,
        answer: Answer,
        roles: frozenset[Role],
        operation: Operation | None,
        *,
        form: bool = False,
        touch: bool = False,
        keyless: bool = False,
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            visit: Visit | None = None

            def work() -> Response:
                nonlocal visit
                visit = self._visit(request, fields, files, form=form)
                if (role := visit.session.person.role) not in roles:
                    raise NotTheirs(f"This page is not for the role {role}.")
                if touch:
                    self._require_touch(visit)
                if visit.key is None and not keyless:
                    raise NoKey
                return self._through_gate(visit, answer, operation) if operation else answer(visit)

            fields: dict[str, list[str]] = {}
            files: dict[str, Field] = {}
            try:
                if form:
                    # Whoever is nobody here sends no body of megabytes.
                    await self._run(request, lambda: self._visit(request, {}, {}, form=False))
                    fields, files = await fields_of(request)
                return await self._run(request, work)
            except Exception as error:
                return self._refused(visit, error)

        return endpoint

    async def _run(self, request: Request, work: Callable[[], Result]) -> Result:
        with self._pool.place():
            return await self._pool.run(work, _hung_up(request))

    def _visit(self, request: Request, fields: dict[str, list[str]], files: dict[str, Field], form: bool) -> Visit:
        place = self.places.check(request) if form else self.places.of(request)
        near = self.places.is_near(request)
        session = self.reception.sessions.look(request.cookies.get(COOKIE, ""))
        if session.how is Kind.LOCAL and not near:
            raise SignedOut("This session works on the service's own machine alone.")
        visit = Visit(request, place, session, self._key(session), near, fields, files)
        if form:
            mark = self.reception.sessions.mark(session, request.url.path)
            if not hmac.compare_digest(visit.given("mark").encode(), mark.encode()):
                raise Foreign("This form did not come from this page of yours. Go back to it, and try again.")
        return visit

    def _key(self, session: Session) -> AccessKey | None:
        """The key that somebody chose; else the oldest of their organization that works, if there is one."""
        found = self.keys_of(session)
        chosen = [key for key in found if key.access_key_id == session.access_key]
        return next(iter(chosen or found), None)

    def _key_for(self, visit: Visit, operation: Operation) -> AccessKey:
        """The key that somebody acts under: unless they chose one, the oldest that may do this. Raises NoKey."""
        if visit.key is None:
            raise NoKey
        if visit.session.access_key:
            return visit.key
        return next((key for key in self.keys_of(visit.session) if key.caller.may_call(operation.name)), visit.key)

    def keeps(self, visit: Visit) -> bool:
        """Whether somebody is of the organization that operates this service, and sees to all."""
        return visit.organization == self.organizations.operator().id

    def keys_of(self, session: Session) -> list[AccessKey]:
        """The keys that somebody may act under: those of their organization that work."""
        now, keys = self.clock(), self.organizations.keys.all(session.person.organization)
        return [key for key in keys if key.works(now)]

    def _call(self, visit: Visit, operation: Operation, given: dict[str, Any]) -> Call:
        caller = working(self._key_for(visit, operation), self.clock()).caller
        call = Call(caller, operation, given, "us-east-1", str(uuid.uuid4()), visit.near)
        call.person = visit.session.person.name
        return call

    def _through_gate(self, visit: Visit, answer: Answer, operation: Operation) -> Response:
        call = self._call(visit, operation, {})
        try:
            return self._service.gate.around(call, lambda: answer(visit))
        except (Denied, NotLogged) as error:
            raise translated(error, call) from error
        finally:
            visit.remarks |= call.remarks

    # A fresh touch.

    def _touch(self, visit: Visit, path: str) -> str:
        """What a form at `path` asks a passkey with, as JSON; empty where a local link still counts as one."""
        if visit.session.how is Kind.LOCAL:
            return ""
        person, act = visit.session.person, _act(visit.session, ROOT + path)
        return json.dumps(self.reception.passkeys.request(visit.place, act, person))

    def _require_touch(self, visit: Visit) -> None:
        session = visit.session
        if session.how is Kind.LOCAL:
            if self.clock() - session.opened_at > FRESH_SECONDS:
                raise BadPasskey(
                    f"For this a local link counts for {FRESH_SECONDS // 60} minutes. `regard console link` prints "
                    "another."
                )
            return
        act = _act(session, visit.request.url.path)
        self.reception.passkeys.verify(visit.place, act, visit.given("touch"), session.person)

    # Refusals.

    def _refused(self, visit: Visit | None, error: Exception) -> Response:
        match error:
            case SignedOut():
                return RedirectResponse(f"{ROOT}/sign-in", 303, HEADERS | PRIVATE)
            case ClientGone() | ClientDisconnect():
                return Response(status_code=499)
            case Full():
                return refusal("Too many ask at once. Try again in a moment.", 429)
        status, cause = _told(error)
        if status == 500:
            _log.error("a page of the console failed", exc_info=error)
        if visit is None:
            return refusal(cause, status)
        denied = error.__cause__ if isinstance(error.__cause__, Denied) else None
        return self.show(visit, "refused.html", status, here=None, cause=cause, denied=denied)


def refusal(cause: str, status: int) -> Response:
    """A page for whoever is not let in, or not known yet."""
    return page("console/outside.html", status, PRIVATE, cause=cause)


def moment(at: float) -> str:
    """A time in words, UTC."""
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(at))


async def fields_of(request: Request, most: int = MOST_BYTES) -> tuple[dict[str, list[str]], dict[str, Field]]:
    """The fields and files of a form, in memory alone. Raises ApiError, MultiPartException."""
    body = await body_of(request, most)

    async def once() -> Any:
        yield body

    media = request.headers.get("content-type", "")
    if not media.startswith("multipart/form-data"):
        return parse_qs(body.decode(errors="replace")), {}
    parser = MultiPartParser(Headers({"content-type": media}), once(), max_files=2, max_fields=50)
    # No picture goes to the disk, however large it is.
    parser.spool_max_size = most + 1
    form = await parser.parse()
    fields: dict[str, list[str]] = {}
    files: dict[str, Field] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            fields.setdefault(name, []).append(value)
        elif data := await value.read():
            files[name] = Field(value.filename or "", data)
    await form.close()
    return fields, files


def _act(session: Session, path: str) -> str:
    return f"touch/{session.digest.hex()}{path}"


_STATUS: Mapping[type[Exception], int] = {
    TooMany: 429,
    Foreign: 403,
    Elsewhere: 403,
    NotTheirs: 403,
    BadPasskey: 403,
    BadChallenge: 403,
    LookupError: 404,
    ValueError: 400,
    MultiPartException: 400,
}
_NO_KEY = "No access key of your organization works: `regard keys issue` makes one. Nobody asks anything without."


def _told(error: Exception) -> tuple[int, str]:
    if isinstance(error, NoKey):
        return 403, _NO_KEY
    if isinstance(error, ApiError):
        return 403 if error.code == "AccessDeniedException" else error.status, error.message
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)
    return status, str(error) if status != 500 else "An internal error; the log of the service has the details."


async def _hung_up(request: Request) -> None:
    while not await request.is_disconnected():
        await asyncio.sleep(0.1)
