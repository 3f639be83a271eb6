"""The application: the path of a request, as one list of named steps.

What happens before the body is read happens on the event loop and costs microseconds. All that follows happens in
one piece in a worker, so that the loop only ever reads, writes and waits.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from botocore.model import OperationModel
from starlette.types import ASGIApp, Receive, Scope, Send

from regard.operations.common.errors import ApiError
from regard.operations.common.registry import answered
from regard.operations.coverage import remark_of
from regard.operations.service import Service
from regard.settings import Settings
from regard.stewardship.parties.keys import AccessKey
from regard.stewardship.policy.call import Call
from regard.stewardship.policy.service_model import service_model
from regard.wire import errors
from regard.wire.callers import said_of_asker
from regard.wire.cors import open_to
from regard.wire.live.conversation import Conversations
from regard.wire.live.endpoint import PATH, Endpoint
from regard.wire.metrics import Metrics
from regard.wire.pool import ClientGone, Full, Pool
from regard.wire.protocol import parse_request, serialize_answer
from regard.wire.senders import is_from_here, share_of
from regard.wire.signature import (
    ADDRESS,
    REKOGNITION,
    Claim,
    Head,
    Headers,
    Rules,
    SignatureRefused,
    check_body,
    check_head,
    read_claim,
)
from regard.wire.uploads import Uploads

MOST_BODY_BYTES = 16 * 1024 * 1024
BODY_SECONDS = 60.0
_TARGET_PREFIX = "RekognitionService."
_UNKNOWN_OPERATION = "unknown"

log = logging.getLogger("regard.wire")


@dataclass(slots=True)
class Exchange:
    """One request on its way to its answer; each step reads what those before it filled in."""

    scope: Scope
    headers: Headers
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    operation: str = _UNKNOWN_OPERATION
    claim: Claim = field(init=False)
    key: AccessKey = field(init=False)
    # Whether the signature was checked before the body came.
    checked: bool = False
    body: bytes | None = None
    # Whether all of the body came, be it kept or not.
    received: bool = False
    model: OperationModel = field(init=False)
    call: Call | None = None
    result: dict[str, Any] = field(init=False)
    answer: bytes = b""

    @property
    def head(self) -> Head:
        """What was signed beside the body."""
        scope = self.scope
        return Head(scope["method"], scope["path"], scope["query_string"].decode("latin-1"), self.headers)

    def header(self, name: str) -> str:
        """The value of a header, empty when it was not sent."""
        return next((value for key, value in self.headers if key == name), "")


Step = Callable[[Exchange], None]


class Application:
    """The ASGI application that answers signed requests, and by `live` what is streamed to an address that was signed;
    everything unsigned it leaves to `pages`."""

    def __init__(
        self,
        service: Service,
        find_key: Callable[[str], AccessKey | None],
        pool: Pool,
        metrics: Metrics,
        rules: Rules,
        pages: ASGIApp,
        *,
        live: ASGIApp | None = None,
        behind_proxy: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._service = service
        self._live = live
        self._find_key = find_key
        self._pool = pool
        self._uploads = Uploads()
        self._metrics = metrics
        self._rules = rules
        self._pages = pages
        self._behind_proxy = behind_proxy
        self._clock = clock
        self._steps_on_head: Sequence[Step] = (self._check_media, self._read_claim, self._find_signer, self._check_head)
        self._steps_on_body: Sequence[Step] = (
            self._check_body,
            self._name_operation,
            self._parse,
            self._ask_service,
            self._serialize,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket" and scope["path"] == PATH and self._live is not None:
            await self._live(scope, receive, send)
            return
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "POST":
            await self._pages(scope, receive, send)
            return
        begun = time.perf_counter()
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        exchange = Exchange(scope, headers)
        code, status = "OK", 200
        try:
            await self._take(exchange, receive)
        except ClientGone:
            code = "ClientGone"
        except ApiError as error:
            code, status = error.code, error.status
            exchange.answer = errors.error_body(error, exchange.request_id)
        if code != "ClientGone":
            await _send(send, exchange, status)
        # What was sent goes out when the loop comes round: counting waits until then.
        taken = time.perf_counter() - begun
        asyncio.get_running_loop().call_soon(self._metrics.answered, exchange.operation, code, taken)

    async def _take(self, exchange: Exchange, receive: Receive) -> None:
        try:
            _run(self._steps_on_head, exchange)
            sender = share_of(exchange.scope, behind_proxy=self._behind_proxy)
            with self._uploads.of(exchange.claim.access_key_id, sender, checked=exchange.checked) as count:
                exchange.body = await _body(exchange, receive, count)
                with self._pool.place():
                    await self._pool.run(lambda: _run(self._steps_on_body, exchange), _hung_up(receive))
        except Full:
            await _drain(exchange, receive)
            raise errors.throttled() from None
        except ApiError as error:
            if error.code != errors.TOO_SLOW:
                await _drain(exchange, receive)
            raise

    def _check_media(self, exchange: Exchange) -> None:
        media = exchange.header("content-type").partition(";")[0].strip().lower()
        if media != errors.CONTENT_TYPE:
            raise errors.wrong_media(media)
        if (encoding := exchange.header("content-encoding").strip().lower()) not in ("", "identity"):
            raise errors.compressed(encoding)

    def _read_claim(self, exchange: Exchange) -> None:
        exchange.claim = read_claim(exchange.headers, self._rules, datetime.fromtimestamp(self._clock(), UTC))

    def _find_signer(self, exchange: Exchange) -> None:
        key = self._find_key(exchange.claim.access_key_id)
        if key is None or not key.enabled:
            raise errors.unknown_key()
        token = exchange.claim.session_token
        if not hmac.compare_digest((key.session_token or "").encode(), (token or "").encode()):
            raise errors.unknown_key()
        if key.expires <= self._clock():
            raise errors.expired_key()
        exchange.key = key

    def _check_head(self, exchange: Exchange) -> None:
        exchange.checked = check_head(exchange.claim, exchange.head, exchange.key.secret)

    def _check_body(self, exchange: Exchange) -> None:
        assert exchange.body is not None
        claim, secret = exchange.claim, exchange.key.secret
        check_body(claim, exchange.head, exchange.body, secret, checked=exchange.checked)

    def _name_operation(self, exchange: Exchange) -> None:
        target = exchange.header("x-amz-target")
        name = target.removeprefix(_TARGET_PREFIX)
        if name == target or name not in service_model().operation_names:
            raise errors.unknown_operation(target)
        exchange.operation = name
        if name not in answered():
            raise errors.refused(name, remark_of(name))
        exchange.model = service_model().operation_model(name)

    def _parse(self, exchange: Exchange) -> None:
        assert exchange.body is not None
        person, case = said_of_asker(exchange.headers)
        exchange.call = Call(
            caller=exchange.key.caller,
            operation=answered()[exchange.operation],
            parameters=parse_request(exchange.model, exchange.body),
            region=exchange.claim.region,
            request_id=exchange.request_id,
            loopback=is_from_here(exchange.scope, behind_proxy=self._behind_proxy),
            person=person,
            case=case,
        )

    def _ask_service(self, exchange: Exchange) -> None:
        assert exchange.call is not None
        exchange.result = self._service.answer(exchange.call)

    def _serialize(self, exchange: Exchange) -> None:
        exchange.answer = serialize_answer(exchange.model, exchange.result)


def _run(steps: Sequence[Step], exchange: Exchange) -> None:
    try:
        for step in steps:
            step(exchange)
    except SignatureRefused as refused:
        raise ApiError(refused.code, str(refused)) from None
    except ApiError:
        raise
    except Exception:
        # The text of an unforeseen error may hold parts of the request: it goes to the log, by request id.
        log.exception("request %s failed", exchange.request_id)
        raise ApiError("InternalServerError", "An internal error; the log of the service has the details.") from None


def open_application(
    settings: Settings,
    service: Service,
    find_key: Callable[[str], AccessKey | None],
    pool: Pool,
    metrics: Metrics,
    conversations: Conversations,
    pages: ASGIApp,
) -> ASGIApp:
    """The application of these settings, for the holders of the keys that `find_key` finds."""
    rules = replace(REKOGNITION, regions=settings.regions)
    proxied, addresses = settings.behind_proxy, replace(ADDRESS, regions=settings.regions)
    live = Endpoint(conversations, find_key, metrics, addresses, behind_proxy=proxied)
    app = Application(service, find_key, pool, metrics, rules, pages, live=live, behind_proxy=proxied)
    return open_to(settings.cors_origins, app)


async def _body(exchange: Exchange, receive: Receive, count: Callable[[int], None]) -> bytes:
    length = exchange.header("content-length")
    # More than 18 digits are too large without counting; Python refuses to read thousands of them.
    if length.isdecimal() and (len(length) > 18 or int(length) > MOST_BODY_BYTES):
        raise errors.too_large(MOST_BODY_BYTES)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                parts.append(message.get("body", b""))
                exchange.received = not message.get("more_body", False)
                count(len(parts[-1]))
                size += len(parts[-1])
                if size > MOST_BODY_BYTES:
                    raise errors.too_large(MOST_BODY_BYTES)
                if exchange.received:
                    return b"".join(parts)
    except TimeoutError:
        raise errors.too_slow(BODY_SECONDS) from None


async def _drain(exchange: Exchange, receive: Receive) -> None:
    # A client that is still sending would see its connection reset, and never read why. What it sends is dropped.
    # After the last part nothing comes any more: to wait for it would keep the answer back.
    if exchange.received:
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(BODY_SECONDS):
            size = 0
            while size <= MOST_BODY_BYTES:
                message = await receive()
                size += len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Send, exchange: Exchange, status: int) -> None:
    remarks = exchange.call.remarks if exchange.call else {}
    headers = [
        (b"content-type", errors.CONTENT_TYPE.encode()),
        (b"content-length", b"%d" % len(exchange.answer)),
        (b"x-amzn-requestid", exchange.request_id.encode()),
        *(
            (name.lower().encode(), " ".join(value.split()).encode("latin-1", "replace"))
            for name, value in remarks.items()
        ),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": exchange.answer})
