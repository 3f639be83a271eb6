"""Hostile pictures and parameters against the running service: never a fault of ours, never a hang, no growth."""

from __future__ import annotations

import base64
import http.client
import io
import json
import random
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from regard import detect
from regard.operations.common.registry import answered
from regard.stewardship.policy.service_model import service_model
from tests.helpers.running import Running
from tests.helpers.wire_client import Request, sign

PICTURES, REQUESTS = 5_000, 20_000
BEYOND = ("DetectLabels", "DetectModerationLabels", "DetectProtectiveEquipment", "DetectText", "RecognizeCelebrities")
PICTURES_BEYOND = 200
MOST_SECONDS = 20.0
# So many callers at once have models loaded that were never run, on a machine that tests other things meanwhile.
CALLERS, WARMING_SECONDS = 4, 120.0
# Where each pass of an interlaced PNG begins, across and down, and its steps.
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
# The resident memory may rise while the buffers of every worker settle; from here on it may not.
SETTLED, GROWTH = 2_000, 1.05

# Every worker of the service has run every model before: once, on one worker.
pytestmark = pytest.mark.xdist_group("fuzz")

Ask = Callable[[str, dict[str, Any]], int]


@contextmanager
def _asking(service: Running, timeout: float = MOST_SECONDS) -> Iterator[Ask]:
    """The status of an answer, asked for over one kept connection. The client checks nothing."""
    address = urlsplit(service.url).netloc
    connection = http.client.HTTPConnection(address, timeout=timeout)

    def ask(operation: str, parameters: dict[str, Any]) -> int:
        body = json.dumps(parameters, default=lambda data: base64.b64encode(data).decode()).encode()
        headers = {
            "X-Amz-Target": f"RekognitionService.{operation}",
            "Content-Type": "application/x-amz-json-1.1",
        }
        request = sign(
            Request(body, headers),
            host=address,
            access_key_id=service.environment["AWS_ACCESS_KEY_ID"],
            secret=service.environment["AWS_SECRET_ACCESS_KEY"],
        )
        connection.request("POST", "/", request.body, request.headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    yield ask
    connection.close()


@pytest.fixture(scope="session")
def warm(service: Running, portrait: bytes) -> None:
    """Has every worker run every model: one that first runs late takes its memory late."""

    def ask_all(_caller: int) -> None:
        with _asking(service, WARMING_SECONDS) as ask:
            ask("CreateCollection", {"CollectionId": "fuzz"})
            for name in sorted(answered()) * 2:
                ask(name, {"Image": {"Bytes": portrait}} | ({"CollectionId": "fuzz"} if "Faces" in name else {}))

    with ThreadPoolExecutor(CALLERS) as callers:
        list(callers.map(ask_all, range(CALLERS)))


@pytest.fixture
def ask(service: Running, warm: None) -> Iterator[Ask]:
    with _asking(service) as ask:
        yield ask


def _memory(service: Running) -> int:
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


@pytest.fixture(scope="session")
def seeds(portrait: bytes) -> list[bytes]:
    """What pictures are mutated from, half of them PNG: of 16 bits, with a palette, and interlaced."""
    pixels = np.asarray(Image.open(io.BytesIO(portrait)).resize((192, 192)))
    deep = np.concatenate([pixels.astype(np.uint16) * 257, np.full((192, 192, 1), 65_535, np.uint16)], axis=2)
    palette = io.BytesIO()
    Image.fromarray(pixels).quantize(64).save(palette, "PNG")
    return [portrait] * 3 + [_png(pixels, 8, 2, 1), _png(deep, 16, 6, 0), palette.getvalue()]


def _png(pixels: NDArray[Any], bits: int, colors: int, interlaced: int) -> bytes:
    """A PNG file (RFC 2083), which Pillow writes neither interlaced nor of 16 bits a color."""
    rows, columns = pixels.shape[:2]
    passes = ADAM7 if interlaced else [(0, 0, 1, 1)]
    parts = [pixels[y::down, x::across] for x, y, across, down in passes]
    lines = b"".join(b"\0" + line.astype(f">u{bits // 8}").tobytes() for part in parts for line in part)
    header = struct.pack(">IIBBBBB", columns, rows, bits, colors, 0, 0, interlaced)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def _mutated(chance: random.Random, seeds: list[bytes]) -> bytes:
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.randint(1, 20)):
        place = chance.randrange(len(data))
        kind = chance.randrange(5)
        if kind == 0:
            data[place] = chance.randrange(256)
        elif kind == 1:
            del data[place : place + chance.randint(1, 200)]
        elif kind == 2:
            data[place:place] = chance.randbytes(chance.randint(1, 50))
        elif kind == 3:
            data[place : place + 4] = b"\xff" * 4
        else:
            del data[chance.randrange(len(data) // 2, len(data)) :]
        if len(data) < 100:
            break
    return bytes(data)


def _run(service: Running, count: int, once: Callable[[], int]) -> None:
    memory = 0
    for number in range(count):
        begun = time.monotonic()
        assert once() < 500
        assert time.monotonic() - begun < MOST_SECONDS
        if number == SETTLED:
            memory = _memory(service)
    if memory:
        assert _memory(service) <= GROWTH * memory


def test_every_seed_is_a_picture_with_a_face(seeds: list[bytes]) -> None:
    assert [len(detect(seed)) for seed in seeds] == [1] * len(seeds)


@pytest.mark.long
@pytest.mark.slow("asks the service with thousands of pictures in full")
def test_mutated_pictures_are_answered_or_refused(service: Running, ask: Ask, seeds: list[bytes], scale: float) -> None:
    chance = random.Random(5)
    _run(
        service,
        round(PICTURES * scale),
        lambda: ask("DetectFaces", {"Image": {"Bytes": _mutated(chance, seeds)}}),
    )


@pytest.mark.long
@pytest.mark.slow("asks the service with hundreds of pictures in full")
@pytest.mark.parametrize("operation", BEYOND)
def test_mutated_pictures_are_answered_or_refused_by_every_operation(
    service: Running, ask: Ask, seeds: list[bytes], scale: float, operation: str
) -> None:
    chance = random.Random(7)
    _run(
        service,
        round(PICTURES_BEYOND * scale),
        lambda: ask(operation, {"Image": {"Bytes": _mutated(chance, seeds)}}),
    )


@pytest.mark.long
@pytest.mark.slow("asks the service thousands of times in full")
def test_any_parameters_of_any_operation_are_answered_or_refused(
    service: Running, ask: Ask, portrait: bytes, scale: float
) -> None:
    chance = random.Random(6)
    operations = sorted(answered())
    _run(
        service,
        round(REQUESTS * scale),
        lambda: ask(name := chance.choice(operations), _parameters(chance, name, portrait)),
    )


def _parameters(chance: random.Random, operation: str, portrait: bytes) -> dict[str, Any]:
    """Parameters that are often in order, and often not: of other operations, absent, or of odd values."""
    image = {"Bytes": portrait if chance.random() < 0.05 else chance.randbytes(40)}
    ids = ["fuzz", "other", "a" * 300, "é", ""]
    faces = ["11111111-2222-3333-4444-555555555555", "no-id", ""]
    choices: dict[str, list[Any]] = {
        "CollectionId": ids,
        "Image": [image, {"S3Object": {"Bucket": "bucket", "Name": "name"}}, {}],
        "SourceImage": [image],
        "TargetImage": [image],
        "FaceId": faces,
        "FaceIds": [[face] for face in faces] + [[], faces * 2000],
        "UserId": ids,
        "ExternalImageId": ids,
        "MaxFaces": [1, 0, -1, 10**9],
        "MaxUsers": [1, 500, 501],
        "MaxResults": [0, 1, 5000, -1],
        "NextToken": ["", "x", "A" * 255, "A" * 3000],
        "QualityFilter": ["AUTO", "NONE", "odd"],
        "FaceMatchThreshold": [0, 50.5, 100, 101, -1],
        "UserMatchThreshold": [0, 99.9, 1e308],
        "SimilarityThreshold": [0, 100, 1e-300],
        "Attributes": [["ALL"], ["odd"], []],
        "DetectionAttributes": [["DEFAULT"], ["ALL", "odd"]],
        "ClientRequestToken": ["token", "!", "t" * 65],
        "ResourceArn": ["arn:aws:rekognition:us-east-1:000000000000:collection/fuzz", "x" * 30, "short"],
        "Tags": [{"a": "b"}, {"aws:a": "b"}, {"regard:basis": "none"}, {}],
        "TagKeys": [["a"], [""], ["a"] * 300],
        "MinConfidence": [0, 50, 100, 101, -1, 1e-300],
        "MaxLabels": [0, 1, 10**9, -1],
        "Features": [["GENERAL_LABELS"], ["IMAGE_PROPERTIES"], ["GENERAL_LABELS", "IMAGE_PROPERTIES"], ["odd"], []],
        "Settings": [
            {"GeneralLabels": {"LabelInclusionFilters": ["Person", "é"], "LabelCategoryExclusionFilters": [""]}},
            {"GeneralLabels": {"LabelInclusionFilters": ["a"] * 101}},
            {"ImageProperties": {"MaxDominantColors": 12}},
            {"ImageProperties": {"MaxDominantColors": 13}},
            {},
        ],
        "Filters": [
            {"WordFilter": {"MinConfidence": 0, "MinBoundingBoxHeight": 1.1}},
            {"WordFilter": {"MinBoundingBoxWidth": 0.5}, "RegionsOfInterest": [{"BoundingBox": {"Left": -1e30}}]},
            {
                "RegionsOfInterest": [
                    {"Polygon": [{"X": 0, "Y": 0}, {"X": 1, "Y": 1}, {"X": 1, "Y": 0}, {"X": 0, "Y": 1}]}
                ]
            },
            {"RegionsOfInterest": [{"Polygon": [{"X": 1e308, "Y": -1e308}, {"X": 0, "Y": 0}, {"X": 0, "Y": 0}]}]},
            {"RegionsOfInterest": [{}] * 11},
        ],
        "SummarizationAttributes": [
            {"MinConfidence": 80, "RequiredEquipmentTypes": ["FACE_COVER", "HAND_COVER"]},
            {"MinConfidence": 200, "RequiredEquipmentTypes": ["FACE_COVER"]},
            {"MinConfidence": 50, "RequiredEquipmentTypes": ["odd"]},
            {},
        ],
        "HumanLoopConfig": [{"HumanLoopName": "loop", "FlowDefinitionArn": "arn:aws:sagemaker:a"}, {}],
        "ProjectVersion": ["arn:aws:rekognition:us-east-1:000000000000:project/a/version/b/1", ""],
        "Id": ["abcdefg1", "", "é"],
    }
    shape = service_model().operation_model(operation).input_shape
    members = list(shape.members) if shape else []
    required = set(shape.required_members) if shape else set()
    return {
        name: chance.choice(choices[name])
        for name in members
        if name in choices and (name in required or chance.random() < 0.4)
    }
