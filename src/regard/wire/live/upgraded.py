"""A connection that became a WebSocket: uvicorn's protocol, within bounds on what its client may cost.

What a client streams, and when, is bounded in :mod:`regard.wire.live.conversation`; here is what never reaches that.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

# Of one message: a second of film at six times the rate that AWS's client asks for, as base64.
MOST_MESSAGE_BYTES = 2 << 20
# In all; and how many frames of the protocol's own, pings and pieces of messages: browsers send next to none.
_MOST_BYTES, _MOST_PIECES = 32 << 20, 4096
# What streams may be opened at: AWS's clients at the one, the page of a session at the other.
_STREAMS = re.compile(rb"/start-face-liveness-session-websocket(\?.*)?|/liveness/[0-9a-f-]{36}/stream(\?.*)?")


def is_stream(target: bytes) -> bool:
    """Whether the target of a request is one at which a WebSocket may be opened."""
    return _STREAMS.fullmatch(target) is not None


class Upgraded(WebSocketsSansIOProtocol):
    """One connection, after its handshake."""

    _release: Callable[[], None] | None = None
    _bytes = _pieces = 0

    def take_over(self, release: Callable[[], None]) -> None:
        """Hold the place of the connection that this one was, and give it back by `release` at the end."""
        self._release = release

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self._give_back()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, of a client that did not send too much."""
        self._bytes += len(data)
        if self._bytes > _MOST_BYTES:
            self.transport.abort()
        elif not self.transport.is_closing():
            super().data_received(data)

    def handle_text(self, event: Any) -> None:
        """A text, as its bytes: nothing reads one, and uvicorn would log each that is no UTF-8, whoever sent it."""
        self.handle_bytes(event)

    def handle_cont(self, event: Any) -> None:
        """A piece of a message."""
        if not self._is_piece_too_many():
            super().handle_cont(event)

    def handle_ping(self) -> None:
        """A ping."""
        if not self._is_piece_too_many():
            super().handle_ping()

    def handle_pong(self, event: Any) -> None:
        """An answer to one of ours, or to none."""
        if not self._is_piece_too_many():
            super().handle_pong(event)

    def pause_writing(self) -> None:
        """All that is sent in a session fits into the buffers: whoever lets them fill up does not read."""
        self.transport.abort()

    def _is_piece_too_many(self) -> bool:
        self._pieces += 1
        if self._pieces > _MOST_PIECES:
            self.transport.abort()
        return self._pieces > _MOST_PIECES

    def _give_back(self) -> None:
        release, self._release = self._release, None
        if release is not None:
            release()
