"""The page of an operation of our own: JSON in, signed as for the API of AWS, through the service, JSON out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from regard.operations.common.errors import ApiError
from regard.operations.common.registry import ours
from regard.operations.service import Service
from regard.pages.exchanges import named
from regard.stewardship.policy.call import Call
from regard.wire import errors
from regard.wire.callers import Callers, Signed, refused, said_of_asker
from regard.wire.pool import ClientGone, Full, Pool
from regard.wire.signature import SignatureRefused

MOST_BYTES = 16 * 1024 * 1024
_STATUS = {"AccessDeniedException": 403, "ResourceNotFoundException": 404, "ThrottlingException": 429}
_STATUS |= dict.fromkeys(("UnrecognizedClientException", "ExpiredTokenException"), 403)

Parameters = Callable[[Any], tuple[str, dict[str, Any]]]

log = logging.getLogger("regard.wire")


def own_page(
    path: str, takes: type[msgspec.Struct], parameters: Parameters, service: Service, callers: Callers, pool: Pool
) -> Route:
    """The route. `parameters` says which operation answers what the body `takes`, and with which parameters.

    The work is done in the pool that the API's is done in.
    """

    def answer(signed: Signed, body: bytes, headers: dict[str, str], said: tuple[str, str]) -> bytes:
        try:
            asked = msgspec.json.decode(body, type=takes)
        except msgspec.DecodeError as error:
            cause = f"The body is no {takes.__name__.lower()}: {error}"
            raise ApiError("ValidationException", cause) from None
        name, given = parameters(asked)
        request_id = headers["x-amzn-requestid"]
        call = Call(signed.caller, ours()[name], given, signed.region, request_id, signed.loopback)
        call.person, call.case = said
        try:
            return msgspec.json.encode(service.answer(call))
        finally:
            headers |= call.remarks

    async def endpoint(request: Request) -> Response:
        headers = named() | {"cache-control": "no-store"}
        try:
            signed, body = await callers.signed(request, MOST_BYTES)
            said = said_of_asker(request.headers.items())
            with pool.place():
                found = await pool.run(lambda: answer(signed, body, headers, said), _hung_up(request))
            return Response(found, 200, headers, "application/json")
        except Full:
            return _refusal(errors.throttled(), headers)
        except (ApiError, SignatureRefused) as error:
            return _refusal(error, headers)
        except ClientGone:
            return Response(status_code=499)
        except Exception:
            log.exception("request %s failed", headers["x-amzn-requestid"])
            return _refusal(ApiError("InternalServerError", "An internal error; the log has the details."), headers)

    return Route(path, endpoint, methods=["POST"])


def _refusal(error: ApiError | SignatureRefused, headers: dict[str, str]) -> Response:
    status = 403 if isinstance(error, SignatureRefused) else _STATUS.get(error.code, error.status)
    return Response(msgspec.json.encode({"cause": refused(error)}), status, headers, "application/json")


async def _hung_up(request: Request) -> None:
    while not await request.is_disconnected():
        await asyncio.sleep(0.1)
