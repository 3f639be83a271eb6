from __future__ import annotations

import asyncio
import json
import random
import time
from copy import deepcopy
from pathlib import Path
from typing import Any

from regard.wire.pool import Pool
from tests.helpers.wire_client import Request, parse, sign
from tests.helpers.wire_stub import HOST, KEY, NOW, Answered, Wire, detect, exchange, messages, scope_of

COUNT, EARLY = 20_000, 2_000
MOST_SECONDS = 2.0
MOST_GROWTH = 1.05
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 2**31, 2**63, 10**30, 1e308, "", "ALL", "x" * 3000,
    "\x00", "\u2603", "YQ==", [], {}, [[]], [None], {"": ""},
)  # fmt: skip

Headers = list[tuple[str, str]]


def bases() -> list[Request]:
    picture = {"Bytes": bytes(range(256)) * 8}
    return [
        detect({"Image": picture, "Attributes": ["ALL"]}),
        detect({"Image": {"S3Object": {"Bucket": "pictures", "Name": "a.jpg", "Version": "1"}}}),
        detect(
            {"SourceImage": picture, "TargetImage": picture, "SimilarityThreshold": 80.5, "QualityFilter": "AUTO"},
            operation="CompareFaces",
        ),
    ]


def flipped(dice: random.Random, request: Request) -> tuple[Headers, bytes]:
    body = bytearray(request.body)
    for _ in range(dice.randint(1, 8)):
        body[dice.randrange(len(body))] ^= 1 << dice.randrange(8)
    return list(request.headers.items()), bytes(body)


def cut_or_grown(dice: random.Random, request: Request) -> tuple[Headers, bytes]:
    body = request.body[: dice.randrange(len(request.body))]
    return list(request.headers.items()), body if dice.random() < 0.5 else request.body + body


def misheaded(dice: random.Random, request: Request) -> tuple[Headers, bytes]:
    headers = list(request.headers.items())
    at = dice.randrange(len(headers))
    name, value = headers[at]
    match dice.randrange(4):
        case 0:
            del headers[at]
        case 1:
            headers.insert(dice.randrange(len(headers)), (name, dice.choice((value, "", "other"))))
        case 2:
            headers[at] = (name, garbled(dice, value))
        case _:
            headers.append((garbled(dice, name), value))
    return headers, request.body


def garbled(dice: random.Random, text: str) -> str:
    characters = list(text or " ")
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(characters))
        characters[at] = dice.choice((chr(dice.randrange(256)), "", ";", ",", "/", "=", characters[at] * 50))
    return "".join(characters) or "-"


def retargeted(dice: random.Random, request: Request) -> tuple[Headers, bytes]:
    target = dice.choice(
        ("ListFaces", "GetPersonTracking", "CompareFaces", "DetectFaces", "", garbled(dice, "DetectFaces"))
    )
    return signed_again(request, request.body, f"RekognitionService.{target}")


def restructured(dice: random.Random, request: Request) -> tuple[Headers, bytes]:
    document = json.loads(request.body)
    for _ in range(dice.randint(1, 3)):
        mutate(dice, document)
    return signed_again(request, json.dumps(document).encode())


def resigned_flips(dice: random.Random, request: Request) -> tuple[Headers, bytes]:
    return signed_again(request, flipped(dice, request)[1])


def mutate(dice: random.Random, document: Any) -> None:
    """Change one value somewhere in a JSON document, in place."""
    while True:
        keys: list[Any] = list(document) if isinstance(document, dict) else list(range(len(document)))
        if not keys:
            return
        key = dice.choice(keys)
        if isinstance(document[key], dict | list) and dice.random() < 0.6:
            document = document[key]
            continue
        match dice.randrange(4):
            case 0:
                del document[key]
            case 1 if isinstance(document, list):
                document.extend(deepcopy(document[key]) for _ in range(dice.randint(1, 200)))
            case 1:
                document[garbled(dice, str(key))] = deepcopy(document[key])
            case _:
                document[key] = deepcopy(dice.choice(VALUES))
        return


def signed_again(request: Request, body: bytes, target: str | None = None) -> tuple[Headers, bytes]:
    target = request.headers["X-Amz-Target"] if target is None else target
    printable = "".join(character for character in target if character.isprintable() and character.isascii())
    headers = {"X-Amz-Target": printable, "Content-Type": "application/x-amz-json-1.1"}
    made = sign(Request(body, headers), host=HOST, access_key_id=KEY.access_key_id, secret=KEY.secret, now=NOW)
    return list(made.headers.items()), body


MUTATIONS = (flipped, cut_or_grown, misheaded, misheaded, retargeted, restructured, restructured, resigned_flips)


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def held(answer: Answered, operation: str) -> str:
    """The code of an answer, after everything that must hold of any answer was held."""
    assert answer.status < 500, answer.body
    parsed = parse(operation, answer.status, answer.headers, answer.body)
    assert parsed["ResponseMetadata"]["RequestId"]
    if answer.status == 200:
        return "OK"
    assert parsed["Error"]["Message"]
    return str(parsed["Error"]["Code"])


def test_no_mutated_request_brings_the_service_down(scale: float) -> None:
    dice, requests = random.Random(20), bases()
    wire = Wire(
        lambda call: {"FaceDetails": []} if call.operation.name == "DetectFaces" else {"FaceMatches": []},
        pool=Pool(2, 16),
    )
    codes: dict[str, int] = {}
    early = 0

    async def storm() -> None:
        nonlocal early
        for number in range(int(COUNT * scale)):
            headers, body = dice.choice(MUTATIONS)(dice, dice.choice(requests))
            begun = time.perf_counter()
            answer = await exchange(wire.app, scope_of(headers), messages(body))
            assert time.perf_counter() - begun < MOST_SECONDS, (headers, body[:500])
            code = held(answer, wire.calls[-1].operation.name if wire.calls else "DetectFaces")
            codes[code] = codes.get(code, 0) + 1
            wire.calls.clear()
            if number == EARLY:
                early = resident_bytes()

    asyncio.run(storm())
    if scale == 1:
        assert resident_bytes() <= MOST_GROWTH * early
    reached = {"OK", "ValidationException", "SerializationException", "InvalidSignatureException"}
    reached |= {"UnknownOperationException", "AccessDeniedException", "IncompleteSignatureException"}
    assert reached <= codes.keys()
    assert asyncio.run(wire.asking(detect())).status == 200
