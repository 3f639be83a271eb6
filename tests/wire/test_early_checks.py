"""Who knows a key's id cannot hold up its holder: bodies whose hash the head says are let in once that is checked."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.requests import Request as Asked
from starlette.types import Message, Receive

from regard.stewardship.policy.call import Caller
from regard.wire.callers import Callers
from regard.wire.pool import Full
from regard.wire.signature import SignatureRefused
from regard.wire.uploads import Uploads
from tests.helpers.wire_client import Request, sign
from tests.helpers.wire_stub import HOST, KEY, NOW, Answered, Wire, detect, exchange, messages, scope_of

BODY = detect().body


def hashed(digest: str = "", *, secret: str = KEY.secret, encoding: str = "") -> Request:
    """A request whose head says the hash of its body, or what else it is to say."""
    headers = {
        "X-Amz-Target": "RekognitionService.DetectFaces",
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Content-SHA256": digest or hashlib.sha256(BODY).hexdigest(),
    }
    made = sign(Request(BODY, headers), host=HOST, access_key_id=KEY.access_key_id, secret=secret, now=NOW)
    return Request(BODY, made.headers | ({"Content-Encoding": encoding} if encoding else {}))


def leaving(part: bytes = b"{") -> Receive:
    """A client that hangs up in the middle of its body: whoever waits for all of that can answer nothing."""
    left: list[Message] = [{"type": "http.request", "body": part, "more_body": True}]

    async def receive() -> Message:
        return left.pop() if left else {"type": "http.disconnect"}

    return receive


def sent(wire: Wire, request: Request, receive: Receive, **told: Any) -> Answered:
    return asyncio.run(exchange(wire.app, scope_of(request.headers.items(), **told), receive))


@pytest.mark.parametrize(
    ("request_", "cause"),
    [
        (hashed(secret="another"), "does not match the signature"),
        (hashed("UNSIGNED-PAYLOAD"), "UNSIGNED-PAYLOAD is not accepted"),
        (hashed("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), "the SHA-256 of the whole body"),
        (hashed("STREAMING-UNSIGNED-PAYLOAD-TRAILER"), "the SHA-256 of the whole body"),
        (hashed(hashlib.sha256(BODY).hexdigest().upper()), "the SHA-256 of the whole body"),
    ],
)
def test_a_wrong_signature_over_a_hash_is_told_before_the_body_is_there(request_: Request, cause: str) -> None:
    answer = sent(Wire(), request_, leaving())
    assert (answer.code, cause in answer.message) == ("InvalidSignatureException", True)


def test_a_body_without_its_hash_is_waited_for() -> None:
    wire = Wire()
    answered: list[Message] = []

    async def send(message: Message) -> None:
        answered.append(message)

    asyncio.run(wire.app(scope_of(detect(secret="another").headers.items()), leaving(), send))
    assert answered == []


def test_a_body_that_has_another_hash_than_was_signed_is_refused() -> None:
    wire = Wire()
    for body in (BODY + b" ", BODY[:-1], b""):
        answer = sent(wire, hashed(), messages(body))
        assert (answer.code, "X-Amz-Content-SHA256" in answer.message) == ("InvalidSignatureException", True)
    assert wire.calls == []
    assert sent(wire, hashed(), messages(BODY[:5], BODY[5:])).status == 200


def test_a_body_signed_in_chunks_is_told_to_come_whole() -> None:
    answer = sent(Wire(), hashed(encoding="aws-chunked"), messages(BODY))
    assert (answer.status, "aws-chunked" in answer.message) == (415, True)
    assert "send it whole" in answer.message


@pytest.mark.parametrize("client", [("127.0.0.1", 1), ("192.0.2.7", 1)])
def test_the_holder_is_answered_while_bodies_in_its_name_take_all_the_room(client: tuple[str, int]) -> None:
    wire = Wire()
    wire.app._uploads = Uploads(most=2 * len(BODY), most_of_an_address=len(BODY), most_of_a_key=len(BODY))

    async def crowd() -> tuple[str, int]:
        gone = asyncio.Event()
        slow = [
            asyncio.create_task(_held(wire, detect(secret="another"), gone, client=(address, 1)))
            for address in ("127.0.0.1", "192.0.2.7", "192.0.2.7", "192.0.2.8")
        ]
        await asyncio.sleep(0.05)
        scope = scope_of(detect().headers.items(), client=client)
        without = await exchange(wire.app, scope, messages(BODY))
        known = await exchange(wire.app, scope_of(hashed().headers.items(), client=client), messages(BODY))
        gone.set()
        await asyncio.gather(*slow)
        return without.code, known.status

    assert asyncio.run(crowd()) == ("ThrottlingException", 200)


@pytest.mark.parametrize(
    ("behind_proxy", "forwarded", "holder", "answered"),
    [
        (True, "203.0.113.9", "198.51.100.1", "OK"),
        (True, "203.0.113.9", "203.0.113.9", "ThrottlingException"),
        (True, "198.51.100.1, 203.0.113.9", "198.51.100.1", "OK"),
        (True, "2001:db8:0:1::1", "2001:db8:0:1:2::9", "ThrottlingException"),
        (True, "2001:db8:0:1::1", "2001:db8:0:2::1", "OK"),
        # What nobody declared counts for nothing: anybody writes it.
        (False, "203.0.113.9", "198.51.100.1", "ThrottlingException"),
        # A proxy that does not say whom it saw is one sender.
        (True, "unknown", "nobody", "ThrottlingException"),
    ],
)
def test_behind_a_proxy_shares_are_of_the_address_that_it_saw(
    behind_proxy: bool, forwarded: str, holder: str, answered: str
) -> None:
    wire = Wire(behind_proxy=behind_proxy)
    wire.app._uploads = Uploads(most_of_an_address=len(BODY))

    async def crowd() -> str:
        gone = asyncio.Event()
        slow = asyncio.create_task(_held(wire, detect(secret="another"), gone, forwarded=forwarded))
        await asyncio.sleep(0.02)
        headers = {**detect().headers, "X-Forwarded-For": holder}
        answer = await exchange(wire.app, scope_of(headers.items()), messages(BODY))
        gone.set()
        await slow
        return answer.code

    assert asyncio.run(crowd()) == answered


def test_our_own_api_checks_early_too() -> None:
    callers = Callers({KEY.access_key_id: KEY}.get, clock=lambda: NOW)
    callers._uploads = Uploads(most_of_an_address=0)

    def asked(secret: str, receive: Receive, *, told: bool = True) -> Caller:
        said = {"X-Amz-Content-SHA256": hashlib.sha256(BODY).hexdigest()} if told else {}
        made = sign(
            Request(BODY, said),
            host=HOST,
            access_key_id=KEY.access_key_id,
            secret=secret,
            service="regard",
            now=NOW,
        )
        request = Asked(scope_of(made.headers.items()), receive)
        return asyncio.run(callers.signed(request))[0].caller

    assert asked(KEY.secret, messages(BODY)) == KEY.caller
    with pytest.raises(SignatureRefused, match="does not match the signature"):
        asked("another", leaving())
    with pytest.raises(Full):
        asked(KEY.secret, messages(BODY), told=False)


async def _held(wire: Wire, request: Request, gone: asyncio.Event, forwarded: str = "", **told: Any) -> None:
    """Somebody who sends nearly all of a body, and then hangs up when `gone`."""
    left: list[Message] = [{"type": "http.request", "body": request.body[:-1], "more_body": True}]
    more: Mapping[str, str] = {"X-Forwarded-For": forwarded} if forwarded else {}

    async def receive() -> Message:
        if not left:
            await gone.wait()
            return {"type": "http.disconnect"}
        return left.pop()

    async def unheard(_: Message) -> None:
        pass

    await wire.app(scope_of({**request.headers, **more}.items(), **told), receive, unheard)
