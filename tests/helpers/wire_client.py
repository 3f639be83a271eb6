"""Requests as AWS's own client makes them, and answers as it reads them: botocore's serializer, signer and parser."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from unittest import mock

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, HeadersDict
from botocore.credentials import Credentials
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from regard.stewardship.policy.service_model import service_model


@dataclass(frozen=True)
class Request:
    """The body and the headers, names as they were signed."""

    body: bytes
    headers: dict[str, str]


def signed(
    operation: str,
    params: Mapping[str, Any],
    *,
    host: str,
    access_key_id: str,
    secret: str,
    region: str = "us-east-1",
    session_token: str | None = None,
    now: float | None = None,
) -> Request:
    """A signed request; `now` is the moment of the signature in seconds since 1970, by default the clock's."""
    unsigned = create_serializer("json").serialize_to_request(dict(params), service_model().operation_model(operation))
    return sign(
        Request(unsigned["body"], unsigned["headers"]),
        host=host,
        access_key_id=access_key_id,
        secret=secret,
        region=region,
        session_token=session_token,
        now=now,
    )


def sign(
    request: Request,
    *,
    host: str,
    access_key_id: str,
    secret: str,
    region: str = "us-east-1",
    service: str = "rekognition",
    session_token: str | None = None,
    now: float | None = None,
    query: str = "",
) -> Request:
    """The request with botocore's signature over all of its headers."""
    url = f"http://{host}/{f'?{query}' if query else ''}"
    prepared = AWSRequest("POST", url, {**request.headers, "Host": host}, request.body)
    with _at(now):
        SigV4Auth(Credentials(access_key_id, secret, session_token), service, region).add_auth(prepared)
    return Request(request.body, dict(prepared.headers.items()))


def _at(now: float | None) -> AbstractContextManager[object]:
    if now is None:
        return nullcontext()
    return mock.patch("botocore.auth.get_current_datetime", return_value=datetime.fromtimestamp(now, UTC))


def parse(operation: str, status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The answer as botocore gives it to its user. A result is held to the output shape before."""
    shape = service_model().operation_model(operation).output_shape
    if status == 200 and shape is not None:
        _conform(shape, json.loads(body), operation)
    response = {"status_code": status, "headers": HeadersDict(headers), "body": body}
    # Some operations answer nothing at all: botocore's parser takes None for that, though its types do not say so.
    parsed: dict[str, Any] = create_parser("json").parse(response, cast(Shape, shape))
    return parsed


def _conform(shape: Shape, value: Any, path: str) -> None:
    if isinstance(shape, StructureShape):
        assert value.keys() <= shape.members.keys(), f"{path}: unknown {value.keys() - shape.members.keys()}"
        assert set(shape.required_members) <= value.keys(), f"{path}: missing"
        for name, member in value.items():
            _conform(shape.members[name], member, f"{path}.{name}")
    elif isinstance(shape, ListShape):
        for item in value:
            _conform(shape.member, item, path)
    elif isinstance(shape, MapShape):
        for item in value.values():
            _conform(shape.value, item, path)
    else:
        assert value is not None, f"{path}: null"
        assert value in shape.metadata.get("enum", [value]), f"{path}: {value!r} is no word of the API"
