"""Listening: the application on a socket, until a signal says stop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from regard.settings import Settings
from regard.wire.connections import Connections, protocol, room_for_connections

# How long a stop waits for what was accepted, in seconds; more than the slowest answer takes.
GRACE_SECONDS = 30
_LOOK_SECONDS = 0.2
# A client that asks at the moment in which its idle connection is closed gets no answer, and cannot know whether
# it was heard. The longer connections are kept the seldomer that is; clients let go of theirs before.
_KEEP_SECONDS = 75


class _Server(uvicorn.Server):
    """Uvicorn, telling when it answers and when it has finished."""

    def __init__(self, config: uvicorn.Config, started: Callable[[int], None], finished: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell_started = started
        self._tell_finished = finished

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._tell_started(self.servers[0].sockets[0].getsockname()[1])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        hanging_up = asyncio.create_task(self._hang_up())
        await super().shutdown(sockets)
        hanging_up.cancel()
        self._tell_finished()

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
    config = uvicorn.Config(
        app,
        http=protocol(connections),
        ws="none",
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=_KEEP_SECONDS,
    )
    _Server(config, started, finished).run([on])
