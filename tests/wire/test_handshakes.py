"""Who does not get through a TLS handshake is hung up on, and takes one of the places that are counted until then."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import uvicorn
from uvicorn.server import ServerState

from regard.settings import Settings
from regard.wire import handshakes
from regard.wire.connections import BoundedProtocol, Connections, protocol
from regard.wire.handshakes import Handshakes, tls_context
from tests.helpers.bounded import answer_of, bounded_server, exchanged
from tests.helpers.certificates import certificate_in

Server = Callable[..., AbstractContextManager[tuple[str, int]]]


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Server:
    """What makes a server that speaks TLS."""
    certificate, key = certificate_in(tmp_path)
    context = tls_context(Settings(tls_certificate=certificate, tls_key=key))
    return lambda *args, **more: bounded_server(*args, context=context, fast=request.param, **more)


@pytest.fixture
def client(server: Server, tmp_path: Path) -> ssl.SSLContext:
    """What a client goes by."""
    return ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))


@pytest.fixture
def hurried() -> Iterator[None]:
    with patch.object(handshakes, "HANDSHAKE_SECONDS", 0.5):
        yield


def _shaken(client: ssl.SSLContext, address: tuple[str, int]) -> ssl.SSLSocket:
    return client.wrap_socket(socket.create_connection(address, timeout=10), server_hostname="127.0.0.1")


def test_whoever_gets_through_is_answered(server: Server, client: ssl.SSLContext) -> None:
    with server() as address:
        for _ in range(50):
            with _shaken(client, address) as connection:
                exchanged(connection)
                exchanged(connection)


@pytest.mark.long
def test_a_request_that_comes_with_the_end_of_the_handshake_is_answered(server: Server, client: ssl.SSLContext) -> None:
    # The last words of the handshake and the first request go out as one piece.
    for _ in range(20):
        with server() as address, socket.create_connection(address, timeout=10) as plain:
            inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
            connection = client.wrap_bio(inward, outward, server_hostname="127.0.0.1")
            while True:
                try:
                    connection.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    plain.sendall(outward.read())
                    inward.write(plain.recv(65536))
            connection.write(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            plain.sendall(outward.read())
            told = b""
            while not told.startswith(b"HTTP/1.1 200 "):
                inward.write(plain.recv(65536))
                with suppress(ssl.SSLWantReadError):
                    told += connection.read()


@pytest.mark.long
@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00", b"drip", b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"])
@pytest.mark.usefixtures("hurried")
def test_who_does_not_shake_hands_is_hung_up_on(server: Server, said: bytes, client: ssl.SSLContext) -> None:
    with server() as address:
        with socket.create_connection(address, timeout=5) as connection:
            begun = time.monotonic()
            with suppress(ConnectionError):
                if said == b"drip":
                    for _ in range(100):
                        connection.sendall(b"\x16\x03\x01\x02\x00" if _ == 0 else b"\x01")
                        time.sleep(0.05)
                connection.sendall(said)
            answer_of(connection)
            assert time.monotonic() - begun < 4
        with _shaken(client, address) as connection:
            exchanged(connection)


@pytest.mark.long
@pytest.mark.usefixtures("hurried")
def test_handshakes_take_their_places_and_give_them_back(server: Server, client: ssl.SSLContext) -> None:
    with server(6) as address, ExitStack() as opened:
        for _ in range(3):
            opened.enter_context(socket.create_connection(address, timeout=10))
        time.sleep(0.1)
        # The address has half of the places, and its silent ones take them.
        with pytest.raises((ConnectionError, ssl.SSLError)):
            _shaken(client, address)
        time.sleep(1)
        for _ in range(10):
            with _shaken(client, address) as connection:
                exchanged(connection)


@pytest.mark.long
def test_who_hangs_up_amid_a_handshake_gives_its_place_back(server: Server, client: ssl.SSLContext) -> None:
    with server(4) as address:
        for said in (b"", b"\x16\x03\x01\x02\x00\x01", b"\x15\x03\x01\x00\x02\x02\x00") * 10:
            with socket.create_connection(address, timeout=10) as connection:
                connection.sendall(said)
            time.sleep(0.02)
        time.sleep(0.2)
        with _shaken(client, address) as connection:
            exchanged(connection)


def test_a_stop_does_not_wait_for_handshakes(server: Server) -> None:
    with ExitStack() as opened:
        with server() as address:
            opened.enter_context(socket.create_connection(address, timeout=10))
            time.sleep(0.1)
            begun = time.monotonic()
        assert time.monotonic() - begun < 5


class _Exhausted(socket.socket):
    """A socket of a process that has no descriptor left for whoever knocks."""

    asked, exhausted = 0, True

    def accept(self) -> Any:
        self.asked += 1
        if self.exhausted:
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


def test_without_a_descriptor_left_the_loop_rests_and_then_goes_on() -> None:
    admitted = Connections(4)

    async def knock(on: _Exhausted) -> tuple[int, int]:
        def made() -> BoundedProtocol:
            config = uvicorn.Config(lambda *_: None, lifespan="off")
            return protocol(admitted)(config, ServerState(), {}, asyncio.get_running_loop())

        handshakes_ = Handshakes(on, ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), admitted, made)
        _, writer = await asyncio.open_connection(*on.getsockname())
        await asyncio.sleep(0.1)
        asked, on.exhausted = on.asked, False
        await asyncio.sleep(0.3)
        taken = len(admitted)
        handshakes_.close()
        await asyncio.sleep(0.05)
        assert len(admitted) == 0
        writer.close()
        return asked, taken

    with patch.object(handshakes, "_PAUSE_SECONDS", 0.2), _Exhausted() as on:
        on.bind(("127.0.0.1", 0))
        assert asyncio.run(knock(on)) == (1, 1)


def test_without_a_certificate_there_is_no_tls() -> None:
    assert tls_context(Settings()) is None
