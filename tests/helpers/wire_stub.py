"""The wire in process, before a service that answers what a test tells it to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
from starlette.types import Message, Receive, Scope, Send

from regard.operations.service import Service
from regard.pages.pages import pages
from regard.stewardship.parties.keys import AccessKey
from regard.stewardship.policy.call import Call, Caller
from regard.wire.app import Application
from regard.wire.metrics import Metrics
from regard.wire.pool import Pool
from regard.wire.signature import REKOGNITION, Rules
from tests.helpers.wire_client import Request, signed

HOST = "regard.test:4599"
NOW = 1_800_000_000.0
KEY = AccessKey(
    access_key_id="AKIAEXAMPLE234567ABC",
    secret="a/secret+of40characters",
    session_token=None,
    caller=Caller("AKIAEXAMPLE234567ABC", "123456789012", "development"),
    created=NOW - 86_400,
    expires=NOW + 86_400,
    enabled=True,
)
FACES: dict[str, Any] = {"FaceDetails": []}


@dataclass(frozen=True)
class Answered:
    """What came back; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(self.body)
        return found

    @property
    def code(self) -> str:
        return str(self.document.get("__type", "OK"))

    @property
    def message(self) -> str:
        return str(self.document["Message"])


@dataclass
class Wire:
    """An application with its parts. `answer` stands in for the service."""

    answer: Callable[[Call], dict[str, Any]] = lambda _: FACES
    keys: tuple[AccessKey, ...] = (KEY,)
    rules: Rules = REKOGNITION
    behind_proxy: bool = False
    pool: Pool = field(default_factory=lambda: Pool(1, 4))
    metrics: Metrics = field(default_factory=Metrics)
    trouble: str | None = None
    calls: list[Call] = field(default_factory=list)
    app: Application = field(init=False)

    def __post_init__(self) -> None:
        stub = cast(Service, _Stub(self))
        known = {key.access_key_id: key for key in self.keys}
        front = pages(self.metrics, lambda: self.trouble)
        self.app = Application(
            stub,
            known.get,
            self.pool,
            self.metrics,
            self.rules,
            front,
            behind_proxy=self.behind_proxy,
            clock=lambda: NOW,
        )

    def ask(self, request: Request, **told: Any) -> Answered:
        """The answer to one request."""
        return asyncio.run(self.asking(request, **told))

    async def asking(self, request: Request, **told: Any) -> Answered:
        """The answer to one request, on the running loop."""
        return await exchange(self.app, scope_of(request.headers.items(), **told), messages(request.body))


class _Stub:
    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def answer(self, call: Call) -> dict[str, Any]:
        self._wire.calls.append(call)
        return self._wire.answer(call)


def detect(params: Mapping[str, Any] | None = None, operation: str = "DetectFaces", **told: Any) -> Request:
    """A request that is in order, signed by KEY now."""
    parameters = {"Image": {"Bytes": b"picture"}} if params is None else params
    defaults = {"host": HOST, "access_key_id": KEY.access_key_id, "secret": KEY.secret, "now": NOW}
    return signed(operation, parameters, **{**defaults, **told})


def scope_of(
    headers: Iterable[tuple[str, str]],
    *,
    method: str = "POST",
    path: str = "/",
    query: str = "",
    client: tuple[str, int] | None = ("127.0.0.1", 50_000),
) -> Scope:
    """The ASGI scope of a request."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        "client": client,
        "server": ("regard.test", 4599),
    }


def messages(*chunks: bytes) -> Receive:
    """A client that sends its body in these parts and then waits for the answer."""
    parts: list[Message] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    parts[-1]["more_body"] = False
    waiting = iter(parts)

    async def receive() -> Message:
        found = next(waiting, None)
        if found is None:
            await asyncio.Event().wait()
        assert found is not None
        return found

    return receive


async def exchange(app: Callable[[Scope, Receive, Send], Awaitable[None]], scope: Scope, receive: Receive) -> Answered:
    """One request to an ASGI application; fails when it answers anything but one whole answer."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, *bodies = sent
    assert start["type"] == "http.response.start"
    headers = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
    body = b"".join(part.get("body", b"") for part in bodies)
    assert int(headers["content-length"]) == len(body)
    return Answered(start["status"], headers, body)
