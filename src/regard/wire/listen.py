"""Listening: the application on a socket, until a signal says stop."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import cast

import uvicorn
from starlette.types import ASGIApp

from regard.settings import Settings
from regard.wire.connections import BoundedProtocol, Connections, protocol, room_for_connections
from regard.wire.handshakes import Handshakes, tls_context
from regard.wire.live.upgraded import MOST_MESSAGE_BYTES, Upgraded

# How long a stop waits for what was accepted, in seconds; more than the slowest answer takes.
GRACE_SECONDS = 30
_LOOK_SECONDS = 0.2
# A client that asks at the moment in which its idle connection is closed gets no answer, and cannot know whether
# it was heard. The longer connections are kept the seldomer that is; clients let go of theirs before.
_KEEP_SECONDS = 75


class Server(uvicorn.Server):
    """Uvicorn on one socket, telling when it answers and when it has finished; with a `context` it speaks TLS."""

    def __init__(
        self,
        config: uvicorn.Config,
        admitted: Connections,
        context: ssl.SSLContext | None = None,
        started: Callable[[int], None] = lambda _port: None,
        finished: Callable[[], None] = lambda: None,
    ) -> None:
        config.http = protocol(admitted)
        super().__init__(config)
        self._admitted = admitted
        self._context = context
        self._handshakes: Handshakes | None = None
        self._tell_started = started
        self._tell_finished = finished

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer on these sockets, of which there is one."""
        (on,) = sockets or []
        # What speaks TLS is accepted by us: uvicorn hears of nobody before the end of a handshake.
        await super().startup([] if self._context else sockets)
        if self._context:
            self._handshakes = Handshakes(on, self._context, self._admitted, self._connection)
        self._tell_started(on.getsockname()[1])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what was accepted, and nothing else."""
        if self._handshakes:
            self._handshakes.close()
        hanging_up = asyncio.create_task(self._hang_up())
        await super().shutdown(sockets)
        hanging_up.cancel()
        self._tell_finished()

    def _connection(self) -> BoundedProtocol:
        made = cast(type[BoundedProtocol], self.config.http_protocol_class)
        return made(self.config, self.server_state, self.lifespan.state, asyncio.get_running_loop())

    async def _hang_up(self) -> None:
        """Drop connections that were closed and have nothing to send.

        They wait for the client's end of TLS, which one that keeps an idle connection does not send.
        """
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            for connection in list(self.server_state.connections):
                transport = connection.transport
                if transport.is_closing() and not transport.get_write_buffer_size():
                    transport.abort()


class NoAddress(OSError):
    """The address cannot be listened on; the text says why, and what to do."""


def bound(settings: Settings) -> socket.socket:
    """A socket that holds the address of the settings: whoever connects waits for :func:`listen`. Raises NoAddress."""
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server(address, family=family)
    except OSError as error:
        raise NoAddress(
            f"{settings.host}, port {settings.port} cannot be listened on ({error.strerror}). Choose another with "
            "--port or --host."
        ) from None


def listen(
    app: ASGIApp,
    settings: Settings,
    on: socket.socket,
    started: Callable[[int], None],
    finished: Callable[[], None],
) -> None:
    """Serve `app` on a socket until SIGTERM or SIGINT; what was accepted is finished first.

    `started` gets the port once the service answers; `finished` is called when nothing is under way any more.
    """
    connections = Connections(room_for_connections(), shared=settings.behind_proxy)
    Server(configured(app), connections, tls_context(settings), started, finished).run([on])


def configured(app: ASGIApp) -> uvicorn.Config:
    """How uvicorn serves `app`."""
    return uvicorn.Config(
        app,
        ws=Upgraded,
        ws_max_size=MOST_MESSAGE_BYTES,
        # Pings keep proxies from closing. Who does not answer one is ended by a session's own bounds: while a film is
        # judged nothing is read, answers to pings neither.
        ws_ping_timeout=None,
        # What is sent is film, which no packing makes smaller; what came packed could unpack to any size.
        ws_per_message_deflate=False,
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=_KEEP_SECONDS,
    )
