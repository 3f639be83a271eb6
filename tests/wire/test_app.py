from __future__ import annotations

import asyncio
import gzip
import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from starlette.types import Message, Receive

from regard.operations.common.errors import ApiError
from regard.operations.common.registry import answered
from regard.operations.coverage import RULES
from regard.stewardship.policy.call import Call
from regard.stewardship.policy.service_model import service_model
from regard.wire import app as app_module
from regard.wire.pool import Pool
from regard.wire.uploads import Uploads
from tests.helpers.wire_client import Request, parse, sign, signed
from tests.helpers.wire_stub import FACES, HOST, KEY, NOW, Wire, detect, exchange, messages, scope_of

REQUEST_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def raises(error: Exception) -> Callable[[Call], dict[str, Any]]:
    def answer(_: Call) -> dict[str, Any]:
        raise error

    return answer


def targeted(target: str, body: bytes = b"{}") -> Request:
    """A signed request for any target, known or not."""
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
    return sign(Request(body, headers), host=HOST, access_key_id=KEY.access_key_id, secret=KEY.secret, now=NOW)


def with_header(request: Request, name: str, value: str | None) -> Request:
    merged = {**request.headers, name: value}
    return Request(request.body, {key: text for key, text in merged.items() if text is not None})


def test_an_answer_passes_botocores_own_parser() -> None:
    answer = Wire().ask(detect())
    parsed = parse("DetectFaces", answer.status, answer.headers, answer.body)
    assert parsed["FaceDetails"] == []
    assert parsed["ResponseMetadata"]["RequestId"] == answer.headers["x-amzn-requestid"]
    assert answer.headers["content-type"] == "application/x-amz-json-1.1"


def test_the_service_gets_the_call_as_it_was_made() -> None:
    wire = Wire()
    answer = wire.ask(detect({"Image": {"Bytes": b"\x00"}, "Attributes": ["ALL"]}, region="eu-west-1"))
    (call,) = wire.calls
    assert call.caller is KEY.caller
    assert call.operation == answered()["DetectFaces"]
    assert call.parameters == {"Image": {"Bytes": b"\x00"}, "Attributes": ["ALL"]}
    assert (call.region, call.request_id) == ("eu-west-1", answer.headers["x-amzn-requestid"])


def test_who_asks_and_about_what_is_taken_from_the_head_and_bounded() -> None:
    wire = Wire()
    asked = with_header(with_header(detect(), "X-Regard-On-Behalf", " Ada\tL. "), "X-Regard-Case", "7/2026")
    assert wire.ask(asked).status == 200
    assert (wire.calls[0].person, wire.calls[0].case) == ("Ada L.", "7/2026")
    answer = wire.ask(with_header(detect(), "X-Regard-Case", "x" * 129))
    parsed = parse("DetectFaces", answer.status, answer.headers, answer.body)
    assert parsed["Error"]["Code"] == "ValidationException"
    assert len(wire.calls) == 1


@pytest.mark.parametrize(("client", "near"), [(("127.0.0.1", 1), True), (("192.0.2.7", 1), False)])
def test_a_call_is_near_when_its_request_came_from_this_machine_alone(client: tuple[str, int], near: bool) -> None:
    wire = Wire()
    wire.ask(detect(host="localhost:4599"), client=client)
    assert wire.calls[0].loopback is near


def test_every_answer_has_a_request_id_of_its_own() -> None:
    wire = Wire()
    requests = [
        detect(),
        detect(secret="another"),
        with_header(detect(), "Authorization", None),
        detect({"Image": {}, "Attributes": ["NOPE"]}),
    ]
    answers = [wire.ask(request) for request in requests]
    ids = {answer.headers["x-amzn-requestid"] for answer in answers}
    assert len(ids) == len(answers)
    assert all(REQUEST_ID.fullmatch(found) for found in ids)
    assert [answer.document["Logref"] for answer in answers[1:]] == [
        answer.headers["x-amzn-requestid"] for answer in answers[1:]
    ]


def test_an_error_is_read_by_botocore_with_its_code_and_text() -> None:
    answer = Wire(raises(ApiError("ResourceNotFoundException", "The collection id: X does not exist"))).ask(detect())
    assert answer.status == 400
    parsed = parse("DetectFaces", answer.status, answer.headers, answer.body)
    assert parsed["Error"]["Code"] == "ResourceNotFoundException"
    assert parsed["Error"]["Message"] == "The collection id: X does not exist"
    assert parsed["ResponseMetadata"]["RequestId"] == answer.headers["x-amzn-requestid"]
    assert answer.document["Code"] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "target", ["", "DetectFaces", "RekognitionService.", "RekognitionService.Nothing", "S3.DetectFaces"]
)
def test_an_unknown_operation_is_told_so(target: str) -> None:
    answer = Wire().ask(targeted(target))
    assert (answer.status, answer.code) == (400, "UnknownOperationException")


def test_an_operation_that_a_rule_refuses_is_told_so_and_why() -> None:
    wire = Wire()
    for name in sorted(set(service_model().operation_names) - answered().keys()):
        answer = wire.ask(targeted(f"RekognitionService.{name}"))
        assert answer.code == "AccessDeniedException"
        assert answer.message.startswith(f"{name} is not answered here: [{RULES[name]}] ")
        assert len(answer.message) > len(f"{name} is not answered here:  See docs/coverage.md.")
    assert wire.calls == []


def test_bad_json_that_is_well_signed_is_a_serialization_exception() -> None:
    for body in (b"{", b"[" * 100_000, b'{"Image": 1}'):
        assert Wire().ask(targeted("RekognitionService.DetectFaces", body)).code == "SerializationException"


def test_a_broken_constraint_is_a_validation_exception() -> None:
    answer = Wire().ask(targeted("RekognitionService.DetectFaces"))
    assert answer.code == "ValidationException"
    assert answer.message.startswith("1 validation error detected: Value null at 'image' failed to satisfy constraint")


def test_who_cannot_sign_learns_nothing_of_operations_and_constraints() -> None:
    for target in ("RekognitionService.Nothing", "RekognitionService.DetectFaces"):
        request = targeted(target)
        assert Wire().ask(Request(b"{", request.headers)).code == "InvalidSignatureException"


@pytest.mark.parametrize("media", [None, "", "application/json", "application/x-amz-json-1.0", "text/html"])
def test_another_content_type_is_refused(media: str | None) -> None:
    answer = Wire().ask(with_header(detect(), "Content-Type", media))
    assert (answer.status, answer.code) == (415, "UnsupportedMediaTypeException")


def test_a_content_type_may_name_its_charset() -> None:
    request = detect()
    headers = {
        "X-Amz-Target": request.headers["X-Amz-Target"],
        "Content-Type": "application/X-AMZ-json-1.1; charset=utf-8",
    }
    again = sign(Request(request.body, headers), host=HOST, access_key_id=KEY.access_key_id, secret=KEY.secret, now=NOW)
    assert Wire().ask(again).status == 200


def test_a_compressed_body_is_refused() -> None:
    answer = Wire().ask(with_header(detect(), "Content-Encoding", "gzip"))
    assert (answer.status, answer.code) == (415, "UnsupportedMediaTypeException")
    assert "packed" in answer.message
    assert "disable_request_compression" in answer.message


def test_a_body_that_is_packed_and_does_not_say_so_is_told_as_such() -> None:
    packed = gzip.compress(detect().body)
    headers = {"X-Amz-Target": "RekognitionService.DetectFaces", "Content-Type": "application/x-amz-json-1.1"}
    again = sign(Request(packed, headers), host=HOST, access_key_id=KEY.access_key_id, secret=KEY.secret, now=NOW)
    answer = Wire().ask(again)
    assert answer.code == "SerializationException"
    assert "packed by gzip" in answer.message


def test_remarks_become_headers() -> None:
    def answer(call: Call) -> dict[str, Any]:
        call.remarks["X-Regard-Withheld"] = "Emotions"
        return FACES

    assert Wire(answer).ask(detect()).headers["x-regard-withheld"] == "Emotions"


def test_remarks_are_sent_with_errors_too() -> None:
    def answer(call: Call) -> dict[str, Any]:
        call.remarks["X-Regard-Rule"] = "no-search"
        raise ApiError("AccessDeniedException", "no")

    assert Wire(answer).ask(detect()).headers["x-regard-rule"] == "no-search"


@pytest.mark.parametrize(
    "answer",
    [{"Colour": 1}, {"FaceDetails": None, "Faces": []}, {"FaceDetails": [{"Confidence": np.float32(1)}]}, None, []],
)
def test_an_answer_outside_the_model_is_an_internal_error_without_details(
    answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.CRITICAL):
        found = Wire(lambda _: answer).ask(detect())
    assert (found.status, found.code) == (500, "InternalServerError")
    assert "Colour" not in found.message
    assert "Confidence" not in found.message


def test_an_unforeseen_error_is_logged_by_request_id_and_told_without_details(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = Wire(raises(ZeroDivisionError("holds a part of the request"))).ask(detect())
    assert (answer.status, answer.code) == (500, "InternalServerError")
    assert b"holds a part" not in answer.body
    (record,) = [record for record in caplog.records if record.name == "regard.wire"]
    assert answer.headers["x-amzn-requestid"] in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


def test_an_unforeseen_error_while_the_key_is_looked_up_is_an_internal_error_too() -> None:
    wire = Wire()

    def broken(_: str) -> None:
        raise OSError("disk")

    wire.app._find_key = broken
    answer = wire.ask(detect())
    assert (answer.status, answer.code) == (500, "InternalServerError")


# The body.


def asked(wire: Wire, headers: dict[str, str], receive: Receive) -> Any:
    return asyncio.run(exchange(wire.app, scope_of(headers.items()), receive))


def test_a_body_in_many_parts_is_one_body() -> None:
    request = detect()
    parts = [request.body[i : i + 3] for i in range(0, len(request.body), 3)]
    assert asked(Wire(), request.headers, messages(*parts)).status == 200


def test_a_body_that_says_it_is_too_large_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "MOST_BODY_BYTES", 1000)
    request = with_header(detect(), "Content-Length", "1001")
    answer = asked(Wire(), request.headers, messages(request.body))
    assert (answer.status, answer.code) == (413, "RequestEntityTooLargeException")


def test_a_body_that_grows_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "MOST_BODY_BYTES", 1000)
    wire = Wire()
    answer = asked(wire, detect().headers, messages(*[b"x" * 100] * 30))
    assert (answer.status, answer.code) == (413, "RequestEntityTooLargeException")
    assert wire.pool.waiting == 0


@pytest.mark.parametrize("length", ["9" * 5000, "-1", "1e3", "²", ""])
def test_a_length_that_is_none_is_no_fault_of_ours(length: str) -> None:
    request = with_header(detect(), "Content-Length", length)
    assert asked(Wire(), request.headers, messages(request.body)).status < 500


def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "BODY_SECONDS", 0.02)
    drained: list[None] = []

    async def receive() -> Message:
        drained.append(None)
        if len(drained) == 1:
            return {"type": "http.request", "body": b"{", "more_body": True}
        await asyncio.Event().wait()
        raise AssertionError

    answer = asked(Wire(), detect().headers, receive)
    assert (answer.status, answer.code) == (408, "RequestTimeoutException")
    assert len(drained) == 2, "who sends nothing is not waited for again"


def test_who_sent_all_when_there_is_no_room_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "BODY_SECONDS", 5)
    wire = Wire()
    wire.app._uploads = Uploads(most_of_a_key=0)
    left = [{"type": "http.request", "body": detect().body, "more_body": False}]

    async def receive() -> Message:
        if not left:
            await asyncio.Event().wait()
        return left.pop()

    begun = time.monotonic()
    assert asked(wire, detect().headers, receive).code == "ThrottlingException"
    assert time.monotonic() - begun < 4


def test_who_is_refused_by_the_head_may_finish_sending() -> None:
    left = [b"a", b"b", b"c"]

    async def receive() -> Message:
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    answer = asked(Wire(), with_header(detect(), "Authorization", None).headers, receive)
    assert answer.code == "MissingAuthenticationTokenException"
    assert left == []


def test_who_hangs_up_while_sending_gets_nothing_and_costs_nothing() -> None:
    wire = Wire()
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(wire.app(scope_of(detect().headers.items()), receive, send))
    assert sent == []
    assert wire.calls == []
    assert b'code="ClientGone"' in wire.metrics.text()


# Under load.


def test_a_full_queue_throttles_and_the_service_goes_on() -> None:
    free = threading.Event()

    def answer(_: Call) -> dict[str, Any]:
        assert free.wait(10)
        return FACES

    wire = Wire(answer, pool=Pool(1, 1))

    async def crowd() -> list[tuple[int, str]]:
        accepted = [asyncio.create_task(wire.asking(detect())) for _ in range(2)]
        await asyncio.sleep(0)
        refused = [await wire.asking(detect()) for _ in range(3)]
        free.set()
        later = [await task for task in accepted]
        return [(found.status, found.code) for found in [*refused, *later, await wire.asking(detect())]]

    assert asyncio.run(crowd()) == [(400, "ThrottlingException")] * 3 + [(200, "OK")] * 3
    assert wire.pool.waiting == 0


def test_throttling_has_aws_words() -> None:
    answer = Wire(pool=Pool(1, -1)).ask(detect())
    assert answer.message == "Slow down; sudden increase in rate of requests."


def test_who_hangs_up_while_queued_is_not_worked_for() -> None:
    free, begun = threading.Event(), threading.Event()

    def answer(call: Call) -> dict[str, Any]:
        begun.set()
        assert free.wait(10)
        return FACES

    wire = Wire(answer, pool=Pool(1, 4))
    body: list[Message] = [{"type": "http.request", "body": detect().body}, {"type": "http.disconnect"}]

    async def leaving() -> Message:
        return body.pop(0)

    async def nothing(_: Message) -> None:
        raise AssertionError("nobody is there to hear")

    async def crowd() -> None:
        first = asyncio.create_task(wire.asking(detect()))
        await asyncio.to_thread(begun.wait, 10)
        await wire.app(scope_of(detect().headers.items()), leaving, nothing)
        free.set()
        await first

    asyncio.run(crowd())
    assert len(wire.calls) == 1


def test_a_closed_service_throttles_what_had_its_place_but_not_its_body() -> None:
    wire = Wire()
    request = detect()

    async def receive() -> Message:
        await asyncio.to_thread(wire.pool.close)
        return {"type": "http.request", "body": request.body}

    assert asked(wire, request.headers, receive).code == "ThrottlingException"


def test_requests_are_counted_by_operation_and_code() -> None:
    wire = Wire()
    wire.ask(detect())
    wire.ask(detect({"Image": {}, "Attributes": ["NOPE"]}))
    wire.ask(with_header(detect(), "Authorization", None))
    page = wire.metrics.text().decode()
    assert 'regard_requests_total{code="OK",operation="DetectFaces"} 1.0' in page
    assert 'regard_requests_total{code="ValidationException",operation="DetectFaces"} 1.0' in page
    assert 'regard_requests_total{code="MissingAuthenticationTokenException",operation="unknown"} 1.0' in page


def test_strangers_cannot_name_operations_in_the_metrics() -> None:
    wire = Wire()
    wire.ask(targeted("RekognitionService.Invented"))
    assert b"Invented" not in wire.metrics.text()


def test_keys_are_told_apart() -> None:
    other = replace(KEY, access_key_id="AKIAOTHER", secret="other")
    wire = Wire(keys=(KEY, other))
    request = signed("DetectFaces", {"Image": {}}, host=HOST, access_key_id="AKIAOTHER", secret="other", now=NOW)
    assert wire.ask(request).status == 200
    assert wire.ask(detect(access_key_id="AKIAOTHER")).code == "InvalidSignatureException"


def test_bodies_that_never_come_keep_nobody_from_a_worker() -> None:
    wire = Wire(pool=Pool(1, 0))

    async def ask() -> int:
        gone = asyncio.Event()

        async def silent() -> Message:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def unheard(_: Message) -> None:
            pytest.fail("who hung up is not answered")

        scope = scope_of(detect().headers.items())
        waiting = [asyncio.create_task(wire.app(scope, silent, unheard)) for _ in range(20)]
        await asyncio.sleep(0)
        answered = await wire.asking(detect())
        gone.set()
        await asyncio.gather(*waiting)
        return answered.status

    assert asyncio.run(ask()) == 200
