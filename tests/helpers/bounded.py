"""A server of bounded connections that answers with what it was sent, in a thread of the test."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any

import uvicorn
import uvloop

from regard.wire.connections import Connections
from regard.wire.listen import Server

WHOLE = b"POST /told HTTP/1.1\r\nhost: a\r\nx-more: b\r\ncontent-length: 5\r\n\r\nhello"


async def _tell(scope: Any, receive: Any, send: Any) -> None:
    body = b""
    while (event := await receive())["type"] == "http.request":
        body += event["body"]
        if not event["more_body"]:
            break
    # `/many/N` is answered with N bytes.
    body = bytes(int(scope["path"].rpartition("/")[2])) if scope["path"].startswith("/many/") else body
    length = str(len(body)).encode()
    heard = b",".join(name for name, _ in scope["headers"])
    headers = [(b"x-heard", heard), (b"content-length", length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def bounded_server(
    most: int = 64,
    *,
    shared: bool = False,
    context: ssl.SSLContext | None = None,
    fast: bool = False,
    **more: Any,
) -> Iterator[tuple[str, int]]:
    """The address of a server of at most `most` connections: with TLS if there is a `context`, on uvloop if `fast`."""
    factory = uvloop.new_event_loop if fast else asyncio.new_event_loop
    with socket.create_server(("127.0.0.1", 0)) as on:
        config = uvicorn.Config(_tell, ws="none", lifespan="off", log_level="critical", **more)
        server = Server(config, Connections(most, shared=shared), context)

        def serve() -> None:
            with asyncio.Runner(loop_factory=factory) as runner:
                runner.run(server.serve([on]))

        thread = Thread(target=serve)
        thread.start()
        try:
            yield on.getsockname()
        finally:
            server.should_exit = True
            thread.join()


def answer_of(connection: socket.socket) -> bytes:
    """All that comes until the server hangs up."""
    told = b""
    with suppress(ConnectionError):
        while part := connection.recv(65536):
            told += part
    return told


def asked(address: tuple[str, int], *parts: bytes) -> bytes:
    """All that comes back of these parts, until the server hangs up or is done."""
    with socket.create_connection(address, timeout=10) as connection:
        with suppress(ConnectionError):
            for part in parts:
                connection.sendall(part)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
        return answer_of(connection)


def heard(connection: socket.socket) -> bytes:
    """The whole answer to `WHOLE`: its head and its body may come in two parts."""
    told = b""
    while not told.endswith(b"hello"):
        part = connection.recv(65536)
        assert part, f"hung up after {told!r}"
        told += part
    return told


def exchanged(connection: socket.socket) -> None:
    """One request and its whole answer."""
    connection.sendall(WHOLE)
    heard(connection)
