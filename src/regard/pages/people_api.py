"""Our own HTTP API for the people pictured: who may ask, the way through the gate, and its description as OpenAPI.

A request is signed with an access key, as for the API of AWS but for the service `regard`; or it carries a person's
one-time token. What a person asks about themselves is told in the log as any call, and no policy refuses it: of an
organization that the policy refuses, they learn all but where in a picture a face is, and what it is called. What is
asked and answered is in `people` and `loops`; `own` serves operations, which take no tokens.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from regard.operations.common.errors import ApiError, translated
from regard.pages.exchanges import OPEN, named, status_of
from regard.stewardship.gate.gate import Denied, Gate, Permit
from regard.stewardship.logbook.logbook import NotLogged
from regard.stewardship.people.consent import BadReceipt, NewConsent
from regard.stewardship.people.consents import NoSuchReceipt
from regard.stewardship.people.loops import NoSuchLoop
from regard.stewardship.people.review import NoSuchCandidate
from regard.stewardship.people.subject_tokens import BadToken, Bearer, SubjectTokens
from regard.stewardship.policy.call import Call, Caller, Operation
from regard.wire.callers import Callers, body_of, refused
from regard.wire.signature import SignatureRefused

ROOT = "/stewardship/v1"
_BEARER = "bearer "


class Nothing(msgspec.Struct):
    """No body."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, let in: by the holder of an access key, or by a person with a token.

    `refused` says that the organization whose token it is might not ask this itself. One that is `unsigned` looks on a
    page, and gets no files to keep.
    """

    by: Caller | Bearer
    path: dict[str, Any]
    query: dict[str, str]
    body: Any
    refused: bool = False
    unsigned: bool = False

    @property
    def organization(self) -> str:
        """Whose collections it is about."""
        return self.by.organization

    def own(self, subject: str) -> None:
        """Raise BadToken when a person asks about somebody else."""
        if isinstance(self.by, Bearer) and self.by.subject != subject:
            raise BadToken("The token speaks for another person.")


@dataclass(frozen=True, slots=True)
class Page:
    """One operation: where it is, what it does to whom, what it takes, and whether a token opens it, or is used up.

    `query` are the parameters behind the question mark that it knows; another is refused.
    """

    method: str
    path: str
    operation: Operation
    takes: type[msgspec.Struct]
    answer: Callable[[Asked], Any]
    status: int = 200
    token: bool = False
    uses_token: bool = True
    query: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """What it does, in a line."""
        return (self.answer.__doc__ or "").strip()


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """An operation that another file answers, as the description of the API tells it."""

    method: str
    path: str
    operation: Operation
    takes: type[msgspec.Struct]
    summary: str
    status: int = 200
    token: bool = False
    query: tuple[str, ...] = ()


_ERRORS: dict[type[Exception], int] = {
    SignatureRefused: 403,
    BadToken: 403,
    NoSuchReceipt: 404,
    NoSuchCandidate: 404,
    NoSuchLoop: 404,
    BadReceipt: 400,
    msgspec.DecodeError: 400,
    ValueError: 400,
}


class PeopleApi:
    """Answers the pages over HTTP."""

    def __init__(
        self,
        gate: Gate,
        callers: Callers,
        tokens: SubjectTokens,
        pages: Sequence[Page],
        elsewhere: Sequence[Elsewhere] = (),
    ) -> None:
        self._gate = gate
        self._callers = callers
        self._tokens = tokens
        self._pages = pages
        self._elsewhere = elsewhere

    def ask(
        self, operation: str, bearer: Bearer, path: dict[str, Any], body: Any, *, near: bool, unsigned: bool = False
    ) -> tuple[Any, dict[str, str]]:
        """What a person is answered who is known by a session, and the headers that say where the log tells of it.

        It is a call as with a token. `near` says whether it came from this machine alone. Raises what the pages raise.
        """
        page = next(each for each in self._pages if each.operation.name == operation)
        headers = named()
        call = Call(
            self._callers.holder(bearer.issued_by), page.operation, {}, "", headers["x-amzn-requestid"], loopback=near
        )
        asked = Asked(bearer, path, {}, body, unsigned=unsigned)
        found = self._through_gate(self._gate.for_person, page, call, asked, headers)
        return found, headers

    def routes(self) -> list[Route]:
        """The routes, and the description of them all as OpenAPI."""
        described = openapi([*self._pages, *self._elsewhere])

        def description(_: Request) -> Response:
            return JSONResponse(described, headers=named() | OPEN)

        routes = [Route(ROOT + page.path, self._endpoint(page), methods=[page.method]) for page in self._pages]
        return [Route(f"{ROOT}/openapi.json", description, methods=["GET"]), *routes]

    def _endpoint(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            headers = named() | {"cache-control": "no-store"}
            try:
                found = await self._answer(page, request, headers)
                return JSONResponse(found, page.status, headers)
            except ApiError as error:
                status = 403 if error.code.endswith(("DeniedException", "TokenException", "ClientException")) else 0
                return JSONResponse({"cause": refused(error)}, status or error.status, headers)
            except (*_ERRORS,) as error:
                return JSONResponse({"cause": str(error)}, status_of(error, _ERRORS), headers)

        return endpoint

    async def _answer(self, page: Page, request: Request, headers: dict[str, str]) -> Any:
        path, query = dict(request.path_params), dict(request.query_params)
        if unknown := sorted(query.keys() - {*page.query}):
            raise ValueError(f"there is no parameter {unknown[0]} here; there are: {', '.join(page.query) or 'none'}")
        if nul := [name for name, value in (path | query).items() if "\0" in str(value)]:
            raise ValueError(f"{nul[0]} has a NUL character, which no name here has")
        authorization = request.headers.get("authorization", "")
        if authorization.lower().startswith(_BEARER):
            if not page.token:
                raise BadToken("A token does not open this: it takes an access key.")
            token = authorization[len(_BEARER) :].strip()
            bearer = await run_in_threadpool(self._tokens.look, token)
            body = _read(page, await body_of(request))
            issuer = self._callers.holder(bearer.issued_by)
            near = self._callers.is_near(request)
            call = Call(issuer, page.operation, {}, "", headers["x-amzn-requestid"], near)
            asked = Asked(bearer, path, query, body)
            return await run_in_threadpool(self._for_person, page, token, call, asked, headers)
        signed, data = await self._callers.signed(request)
        asked = Asked(signed.caller, path, query, _read(page, data))
        given = {"CollectionId": asked.body.collection} if isinstance(asked.body, NewConsent) else {}
        call = Call(signed.caller, page.operation, given, signed.region, headers["x-amzn-requestid"], signed.loopback)
        return await run_in_threadpool(self._through_gate, self._gate.before, page, call, asked, headers)

    def _for_person(self, page: Page, token: str, call: Call, asked: Asked, headers: dict[str, str]) -> Any:
        if not page.uses_token:
            return self._through_gate(self._gate.for_person, page, call, asked, headers)
        # What cannot be done does not use the token up; what is done uses it up first.
        self._tokens.redeem(token)
        try:
            return self._through_gate(self._gate.for_person, page, call, asked, headers)
        except Exception:
            self._tokens.restore(token)
            raise

    def _through_gate(
        self, gate: Callable[[Call], Permit], page: Page, call: Call, asked: Asked, headers: dict[str, str]
    ) -> Any:
        try:
            permit = gate(call)
            try:
                found = page.answer(replace(asked, refused=permit.refused))
            except Exception as error:
                self._gate.failed(permit, type(error).__name__)
                raise
            self._gate.after(permit, {})
            return found
        except (Denied, NotLogged) as error:
            raise translated(error, call) from error
        finally:
            headers |= call.remarks


def openapi(pages: Sequence[Page | Elsewhere]) -> dict[str, Any]:
    """The description of the pages, OpenAPI 3.1."""
    bodies, schemas = msgspec.json.schema_components(
        [page.takes for page in pages], ref_template="#/components/schemas/{name}"
    )
    paths: dict[str, Any] = {}
    for page, schema in zip(pages, bodies, strict=True):
        described: dict[str, Any] = {
            "operationId": page.operation.name,
            "summary": page.summary,
            "security": [{"signature": []}, *([{"token": []}] if page.token else [])],
            "responses": {
                str(page.status): {"description": "Done."},
                "4XX": {"description": "Refused: `cause` says why."},
            },
        }
        inside = [(part[1:-1], "path") for part in page.path.split("/") if part.startswith("{")]
        if parameters := inside + [(name, "query") for name in page.query]:
            described["parameters"] = [
                {"name": name, "in": place, "required": place == "path", "schema": {"type": "string"}}
                for name, place in parameters
            ]
        if page.takes is not Nothing:
            described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
        paths.setdefault(ROOT + page.path, {})[page.method.lower()] = described
    signature = {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "AWS Signature Version 4 for the service `regard`, with the access keys of the API.",
    }
    token = {"type": "http", "scheme": "bearer", "description": "A person's token: it works once."}
    return {
        "openapi": "3.1.0",
        "info": {"title": "regard: the people pictured", "version": version("regard")},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"signature": signature, "token": token}},
    }


def _read(page: Page, body: bytes) -> Any:
    return Nothing() if page.takes is Nothing else msgspec.json.decode(body, type=page.takes)
