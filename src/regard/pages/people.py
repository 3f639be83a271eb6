"""The HTTP API for the people pictured and for whoever is responsible for them: consents and one-time tokens.

A request is signed with an access key, as for the API of AWS but for the service `regard`; or it carries a person's
one-time token. What a person asks about themselves is told in the log as any call, and no policy refuses it: of an
organization that the policy refuses, they learn all but where in a picture a face is, and what it is called.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from regard.gallery.faces import subject as subject_of
from regard.operations.common.errors import ApiError, translated
from regard.stewardship.gate.gate import Denied, Gate, Permit
from regard.stewardship.logbook.logbook import NotLogged
from regard.stewardship.people.access import Access
from regard.stewardship.people.consent import BadReceipt, CollectionId, Consent, Notice, Receipt, ReferenceFace, Subject
from regard.stewardship.people.consents import Consents, NoSuchReceipt
from regard.stewardship.people.erasure import Erasure
from regard.stewardship.people.loops import NoSuchLoop
from regard.stewardship.people.review import NoSuchCandidate, Reviews
from regard.stewardship.people.subject_tokens import BadToken, Bearer, SubjectTokens
from regard.stewardship.policy.call import Call, Caller, Capability, DataClass, Operation
from regard.wire.callers import Callers, body_of, refused
from regard.wire.signature import SignatureRefused

ROOT = "/stewardship/v1"
_BEARER = "bearer "


class NewConsent(msgspec.Struct, forbid_unknown_fields=True):
    """A consent to be drawn up."""

    subject: Subject
    collection: CollectionId
    purpose: str
    notice: Notice
    days: int = 365
    reference: ReferenceFace | None = None
    suppression: bool = False


class SignedConsent(msgspec.Struct, forbid_unknown_fields=True):
    """A consent as a signed note (c2sp.org/signed-note). `subject_key` is the person's public key, if theirs it is."""

    note: str
    subject_key: str | None = None


class NewToken(msgspec.Struct, forbid_unknown_fields=True):
    """For whom a token is, how they were known, and for how many hours it works."""

    subject: Subject
    identity_check: str
    hours: float = 24


class Mismatch(msgspec.Struct, forbid_unknown_fields=True):
    """A match that is said to be false: a candidate, or what the search of a request told."""

    candidate: str | None = None
    request: str | None = None


class Nothing(msgspec.Struct):
    """No body."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, let in: by the holder of an access key, or by a person with a token.

    `refused` says that the organization whose token it is might not ask this itself.
    """

    by: Caller | Bearer
    path: dict[str, Any]
    query: dict[str, str]
    body: Any
    refused: bool = False

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


def consent_pages(consents: Consents, tokens: SubjectTokens) -> list[Page]:
    """Receipts: drawn up, taken in, read, withdrawn; and tokens."""

    def draw(asked: Asked) -> Any:
        """Draw up a consent and answer the text to sign; nothing is kept."""
        return {"text": _drawn(asked).text}

    def attest(asked: Asked) -> Any:
        """Take in a consent that the holder of the access key vouches for."""
        assert isinstance(asked.by, Caller)
        return _plain(consents.attest(asked.by, _drawn(asked)))

    def take(asked: Asked) -> Any:
        """Take in a consent signed by the person's key or the organization's."""
        body: SignedConsent = asked.body
        check = ""
        if isinstance(asked.by, Bearer):
            if body.subject_key is None:
                raise BadReceipt("a person signs with a key of their own: give subject_key")
            asked.own(_subject_in(body.note))
            check = asked.by.identity_check
        return _plain(consents.take(asked.organization, body.note, body.subject_key, check))

    def listed(asked: Asked) -> Any:
        """List receipts; `subject` and `collection` narrow it down."""
        subject = asked.by.subject if isinstance(asked.by, Bearer) else asked.query.get("subject")
        found = consents.all(asked.organization, subject, asked.query.get("collection"))
        return {"receipts": [_plain(receipt) for receipt in found]}

    def shown(asked: Asked) -> Any:
        """One receipt."""
        return _plain(_of(asked))

    def withdraw(asked: Asked) -> Any:
        """Withdraw a consent: it counts no more from the next call on."""
        return _plain(consents.withdraw(asked.organization, _of(asked).consent.receipt_id))

    def issue(asked: Asked) -> Any:
        """Issue a token for a person whose identity was checked; it works once."""
        assert isinstance(asked.by, Caller)
        body: NewToken = asked.body
        return {"token": tokens.issue(asked.by, body.subject, body.identity_check, body.hours)}

    def _of(asked: Asked) -> Receipt:
        found = consents.get(asked.organization, asked.path["receipt"])
        asked.own(found.consent.pii_principal_id)
        return found

    def _drawn(asked: Asked) -> Any:
        body: NewConsent = asked.body
        asked.own(body.subject)
        return consents.draw_up(
            asked.organization,
            body.subject,
            body.collection,
            body.purpose,
            body.notice,
            body.days,
            reference=body.reference,
            suppression=body.suppression,
        )

    # A token opens what ExportSubject does: who may not read the one may not issue the other.
    issuing = Operation("IssueSubjectToken", Capability.READ, DataClass.TEMPLATES)
    return [
        Page("POST", "/consents/text", _managing("DrawUpConsent"), NewConsent, draw, token=True, uses_token=False),
        Page("POST", "/consents", _managing("AttestConsent"), NewConsent, attest, 201),
        Page("POST", "/consents/signed", _managing("AddConsent"), SignedConsent, take, 201, token=True),
        Page(
            "GET",
            "/consents",
            _reading("ListConsents"),
            Nothing,
            listed,
            token=True,
            query=("subject", "collection"),
        ),
        Page("GET", "/consents/{receipt}", _reading("GetConsent"), Nothing, shown, token=True),
        Page("POST", "/consents/{receipt}/withdrawal", _managing("WithdrawConsent"), Nothing, withdraw, token=True),
        Page("POST", "/subject-tokens", issuing, NewToken, issue, 201),
    ]


def subject_pages(erasure: Erasure, access: Access, reviews: Reviews) -> list[Page]:
    """What a person may ask: what is held on them, and that it goes."""

    def export(asked: Asked) -> Any:
        """Everything that is held on a person, for programs and for people, with a signed note on both."""
        return msgspec.to_builtins(access.export(asked.organization, _whose(asked), whole=not asked.refused))

    def erase(asked: Asked) -> Any:
        """Erase a person from every collection, for good; the answer says where the log tells of it."""
        erased = erasure.erase(asked.organization, _whose(asked))
        told = {name: value for name, value in msgspec.to_builtins(erased).items() if name != "written"}
        if erased.written is not None:
            place = f"{erased.written.period}/{erased.written.index}"
            told |= {"entry": place, "receipt": f"/log/{erased.written.period}/receipts/{erased.written.index}"}
        return told

    def not_me(asked: Asked) -> Any:
        """Mark a match as false: it is not offered again. What is exported names candidates and requests."""
        body: Mismatch = asked.body
        if (body.candidate is None) == (body.request is None):
            raise ValueError("give either candidate or request")
        if body.candidate is not None:
            reviews.not_me(asked.organization, _whose(asked), body.candidate)
        if body.request is not None:
            reviews.false_match(asked.organization, _whose(asked), body.request)
        return msgspec.to_builtins(body) | {"outcome": "rejected"}

    def published(_: Asked) -> Any:
        """How many people are kept from being enrolled again, and how often that refuses somebody else."""
        return erasure.published()

    def _whose(asked: Asked) -> str:
        asked.own(asked.path["subject"])
        return subject_of(asked.path["subject"], "")

    held = Operation("ExportSubject", Capability.READ, DataClass.TEMPLATES)
    erasing = Operation("EraseSubject", Capability.MANAGE, DataClass.TEMPLATES)
    return [
        Page("GET", "/subjects/{subject}/export", held, Nothing, export, token=True),
        Page("POST", "/subjects/{subject}/erasure", erasing, Nothing, erase, token=True),
        Page("POST", "/subjects/{subject}/mismatches", _managing("RejectMatch"), Mismatch, not_me, token=True),
        Page("GET", "/suppressions", _reading("GetSuppressions"), Nothing, published, token=True, uses_token=False),
    ]


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

    def routes(self) -> list[Route]:
        """The routes, and the description of them all as OpenAPI."""
        described = openapi([*self._pages, *self._elsewhere])

        def description(_: Request) -> Response:
            return JSONResponse(described, headers={"x-amzn-requestid": str(uuid.uuid4())})

        routes = [Route(ROOT + page.path, self._endpoint(page), methods=[page.method]) for page in self._pages]
        return [Route(f"{ROOT}/openapi.json", description, methods=["GET"]), *routes]

    def _endpoint(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            headers = {"x-amzn-requestid": str(uuid.uuid4()), "cache-control": "no-store"}
            try:
                found = await self._answer(page, request, headers)
                return JSONResponse(found, page.status, headers)
            except ApiError as error:
                status = 403 if error.code.endswith(("DeniedException", "TokenException", "ClientException")) else 0
                return JSONResponse({"cause": refused(error)}, status or error.status, headers)
            except (*_ERRORS,) as error:
                status = next(code for kind, code in _ERRORS.items() if isinstance(error, kind))
                return JSONResponse({"cause": str(error)}, status, headers)

        return endpoint

    async def _answer(self, page: Page, request: Request, headers: dict[str, str]) -> Any:
        path, query = dict(request.path_params), dict(request.query_params)
        if unknown := sorted(query.keys() - {*page.query}):
            raise ValueError(f"there is no parameter {unknown[0]} here; there are: {', '.join(page.query) or 'none'}")
        authorization = request.headers.get("authorization", "")
        if authorization.lower().startswith(_BEARER):
            if not page.token:
                raise BadToken("A token does not open this: it takes an access key.")
            token = authorization[len(_BEARER) :].strip()
            bearer = await run_in_threadpool(self._tokens.look, token)
            body = _read(page, await body_of(request))
            issuer = self._callers.holder(bearer.issued_by)
            call = Call(issuer, page.operation, {}, "", headers["x-amzn-requestid"])
            asked = Asked(bearer, path, query, body)
            return await run_in_threadpool(self._for_person, page, token, call, asked, headers)
        signed, data = await self._callers.signed(request)
        asked = Asked(signed.caller, path, query, _read(page, data))
        named = {"CollectionId": asked.body.collection} if isinstance(asked.body, NewConsent) else {}
        call = Call(signed.caller, page.operation, named, signed.region, headers["x-amzn-requestid"], signed.loopback)
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
        named = [(part[1:-1], "path") for part in page.path.split("/") if part.startswith("{")]
        if named := named + [(name, "query") for name in page.query]:
            described["parameters"] = [
                {"name": name, "in": place, "required": place == "path", "schema": {"type": "string"}}
                for name, place in named
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


def _managing(name: str) -> Operation:
    return Operation(name, Capability.MANAGE, DataClass.SETTINGS)


def _reading(name: str) -> Operation:
    return Operation(name, Capability.READ, DataClass.SETTINGS)


def _read(page: Page, body: bytes) -> Any:
    return Nothing() if page.takes is Nothing else msgspec.json.decode(body, type=page.takes)


def _plain(receipt: Receipt) -> Any:
    return msgspec.to_builtins(receipt)


def _subject_in(note: str) -> str:
    return Consent.parse(note.partition("\n\n")[0] + "\n").pii_principal_id
