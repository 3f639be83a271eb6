"""Listening: the application on a socket, until a signal says stop."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from regard.settings import Settings

# How long a stop waits for what was accepted, in seconds; more than the slowest answer takes.
GRACE_SECONDS = 30


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
        await super().shutdown(sockets)
        self._tell_finished()


def listen(app: ASGIApp, settings: Settings, started: Callable[[int], None], finished: Callable[[], None]) -> None:
    """Serve `app` until SIGTERM or SIGINT; what was accepted is finished first.

    `started` gets the port once the service answers; `finished` is called when nothing is under way any more.
    Raises OSError when the address cannot be had.
    """
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    _Server(config, started, finished).run()
