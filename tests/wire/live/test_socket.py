"""A socket whose server closed it by itself: whoever sends on is told that the client left."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from regard.operations.common.errors import ApiError
from regard.wire.live.socket import Left, Socket


async def _nothing() -> Any:
    raise AssertionError


async def _closed(_message: Any) -> None:
    raise RuntimeError("Unexpected ASGI message 'websocket.send', after sending 'websocket.close'.")


def test_who_tells_on_a_socket_that_the_server_closed_hears_that_the_client_left() -> None:
    with pytest.raises(Left):
        asyncio.run(Socket(_nothing, _closed).tell("DisconnectionEvent", {}))


def test_whoever_is_refused_on_one_is_told_nothing_and_nothing_is_raised() -> None:
    asyncio.run(Socket(_nothing, _closed).refuse(ApiError("ValidationException", "no"), 1008))
    asyncio.run(Socket(_nothing, _closed).close())
