"""A WebSocket to a client of the stream: frames in within their time, events and refusals out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.types import Receive, Send

from regard.operations.common.errors import ApiError
from regard.wire.live.frames import encoded

# Of RFC 6455, and those of their own that AWS's clients know: they close with 4000 to 4007 where they fail.
DONE, REFUSED, TOO_LARGE, BROKEN, BUSY = 1000, 1008, 1009, 1011, 1013
IDLE, EXPIRED = 4001, 4003
_JSON = "application/json"
# What uvicorn raises where the client is gone, and where it closed the socket by itself, for a frame that breaks the
# protocol or a ping that nobody answered.
_GONE = (OSError, RuntimeError)


class Left(ConnectionError):
    """The client closed the socket, or is gone."""


class Slow(TimeoutError):
    """Nothing came in time."""


class Socket:
    """One socket, of an application of ASGI. Used from one task."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._closed = False

    async def accept(self, subprotocol: str | None = None) -> None:
        """Let the client in. Raises Left."""
        if (await self._receive())["type"] != "websocket.connect":
            raise Left
        await self._send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": []})

    async def next(self, seconds: float) -> bytes:
        """The next frame, within so many seconds, and a text, which is none, as it is. Raises Left, and Slow."""
        try:
            async with asyncio.timeout(max(seconds, 0.0)):
                message = await self._receive()
        except TimeoutError:
            raise Slow from None
        if message["type"] != "websocket.receive":
            self._closed = True
            raise Left
        data, text = message.get("bytes"), message.get("text")
        return bytes(data) if data is not None else str(text).encode()

    async def tell(self, kind: str, event: Mapping[str, Any]) -> None:
        """Tell the client of an event. Raises Left."""
        await self._tell({":message-type": "event", ":event-type": kind}, event)

    async def refuse(self, error: ApiError, code: int) -> None:
        """Tell the client why it is not served, and close the socket."""
        try:
            words = {"Message": error.message, "Code": error.code}
            await self._tell({":message-type": "exception", ":exception-type": _streamed(error.code)}, words)
        except Left:
            return
        await self.close(code, error.code)

    async def disconnect(self) -> None:
        """Tell the client that nothing more is wanted of it. Raises Left."""
        await self.tell("DisconnectionEvent", {"TimestampMillis": int(time.time() * 1000)})

    async def close(self, code: int = DONE, reason: str = "") -> None:
        """Close the socket, where it is open."""
        if not self._closed:
            self._closed = True
            try:
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
            except _GONE:
                return

    async def _tell(self, headers: dict[str, Any], body: Mapping[str, Any]) -> None:
        if self._closed:
            raise Left
        frame = encoded({**headers, ":content-type": _JSON}, msgspec.json.encode(body))
        try:
            await self._send({"type": "websocket.send", "bytes": frame})
        except _GONE:
            self._closed = True
            raise Left from None


def _streamed(code: str) -> str:
    """The name of an error in the stream, which has one of its own for faults of ours."""
    return "InternalServerException" if code == "InternalServerError" else code
