"""A WebSocket on a real socket: served as `regard serve` does, and bounded where no session is begun."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from ssl import create_default_context

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from regard.settings import Settings
from regard.wire.connections import Connections
from regard.wire.handshakes import tls_context
from regard.wire.live import upgraded
from regard.wire.live.endpoint import PATH
from regard.wire.live.upgraded import MOST_MESSAGE_BYTES, is_stream
from tests.helpers.certificates import certificate_in
from tests.helpers.live import Stage, answers, film, listening, read

Served = tuple[tuple[str, int], Connections]


pytestmark = pytest.mark.usefixtures("judge")


@pytest.fixture(scope="module")
def served(stage: Stage) -> Iterator[Served]:
    with listening(stage.app()) as found:
        yield found


def _session(stage: Stage, client: ClientConnection, target: str) -> tuple[list[str], int]:
    """The names of what an honest client is told, and the code that its socket is closed with."""
    sign = stage.signing(target)
    name, told = read(client.recv())
    assert name == "ServerSessionInformationEvent"
    for each in answers(told["SessionInformation"], stage.room.now, film()):
        client.send(sign(each))
    names = [read(frame)[0] for frame in client]
    assert client.close_code is not None
    return [name, *names], client.close_code


def _at(address: tuple[str, int], target: str, scheme: str = "ws") -> str:
    return f"{scheme}://127.0.0.1:{address[1]}{target}"


def _until(holds: object) -> None:
    """Wait until something holds, for ten seconds."""
    ends = time.monotonic() + 10
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_a_session_goes_over_a_real_socket_and_its_place_is_given_back(stage: Stage, served: Served) -> None:
    address, connections = served
    target = stage.target(stage.create(), host=f"127.0.0.1:{address[1]}")
    with connect(_at(address, target), compression="deflate") as client:
        # What came packed could unpack to any size: nothing is.
        assert "Sec-WebSocket-Extensions" not in client.response.headers  # type: ignore[union-attr]
        assert len(connections) == 1
        assert _session(stage, client, target) == (["ServerSessionInformationEvent", "DisconnectionEvent"], 1000)
    _until(lambda: not len(connections))


def test_a_session_goes_over_tls_as_awss_client_insists(stage: Stage, tmp_path: Path) -> None:
    certificate, key = certificate_in(tmp_path)
    trusting = create_default_context(cafile=certificate)
    context = tls_context(Settings(tls_certificate=certificate, tls_key=key))
    with listening(stage.app(), context) as (address, connections):
        # That client signs the host without its port.
        target = stage.target(stage.create(), host="127.0.0.1")
        with connect(_at(address, target, "wss"), ssl=trusting) as client:
            assert len(connections) == 1
            assert _session(stage, client, target)[1] == 1000
        _until(lambda: not len(connections))


def test_a_stop_closes_the_socket_and_ends_the_session(stage: Stage) -> None:
    session = stage.create()
    with ExitStack() as serving:
        address, _ = serving.enter_context(listening(stage.app()))
        with connect(_at(address, stage.target(session, host=f"127.0.0.1:{address[1]}"))) as client:
            client.recv()
            serving.close()
            with pytest.raises(ConnectionClosed):
                client.recv(timeout=10)
    assert client.close_code == 1012
    assert stage.kept(session).status == "FAILED"


def test_elsewhere_nothing_changes_its_protocol(stage: Stage, served: Served) -> None:
    address, connections = served
    head = b"host: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
    head += b"sec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
    for target in (b"/", b"/healthz", b"/liveness", PATH.encode() + b"/more"):
        assert not is_stream(target)
        assert _answer(address, target, head) in (200, 404, 405)
    for wrong in (head.replace(b"sec-websocket-key", b"x-key"), head.replace(b": 13", b": 12")):
        assert _answer(address, PATH.encode(), wrong) in (400, 426)
    # Whom the pages do not know either.
    page = b"/liveness/c0ffee00-1234-4abc-8def-0123456789ab/stream"
    assert is_stream(page)
    assert _answer(address, page, head) == 403
    _until(lambda: not len(connections))


def _answer(address: tuple[str, int], target: bytes, head: bytes) -> int:
    """The status of the answer to a request with this head."""
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(b"GET " + target + b" HTTP/1.1\r\n" + head)
        return int(connection.recv(65536).split()[1])


def _frames(opcode: int, times: int, *, fin: bool = True) -> bytes:
    """Empty frames of a client, masked by zeros."""
    return struct.pack(">BBI", (0x80 if fin else 0) | opcode, 0x80, 0) * times


@pytest.mark.parametrize(
    "flood", [_frames(0x9, 5000), _frames(0xA, 5000), _frames(0x2, 1, fin=False) + _frames(0x0, 5000, fin=False)]
)
def test_who_floods_a_socket_with_what_is_no_message_is_hung_up_on(stage: Stage, served: Served, flood: bytes) -> None:
    address, connections = served
    session = stage.create()
    with connect(_at(address, stage.target(session, host=f"127.0.0.1:{address[1]}"))) as client:
        client.recv()
        with suppress(OSError):
            client.socket.sendall(flood)
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=10)
    _until(lambda: not len(connections))
    _until(lambda: stage.kept(session).status == "FAILED")


def test_a_text_that_is_none_is_refused_as_every_text_is(stage: Stage, served: Served) -> None:
    address, connections = served
    with connect(_at(address, stage.target(stage.create(), host=f"127.0.0.1:{address[1]}"))) as client:
        client.recv()
        client.socket.sendall(struct.pack(">BBI", 0x81, 0x80 | 2, 0) + b"\xff\xfe")
        assert read(client.recv(timeout=10))[0] == "ValidationException"
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=10)
        assert client.close_code == 1008
    _until(lambda: not len(connections))


def test_who_sends_and_never_reads_is_hung_up_on(stage: Stage, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is sent is not what ends it here.
    monkeypatch.setattr(upgraded, "_MOST_PIECES", 1 << 30)
    address, connections = served
    target = stage.target(stage.create(), host=f"127.0.0.1:{address[1]}")
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(address)
        head = "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
        head += "sec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
        client.sendall(f"GET {target} HTTP/1.1\r\nhost: 127.0.0.1:{address[1]}\r\n{head}".encode())
        ping = struct.pack(">BBI", 0x89, 0x80 | 125, 0) + bytes(125)
        with pytest.raises(ConnectionError):
            client.sendall(ping * 100_000)
    _until(lambda: not len(connections))


def test_a_message_that_is_too_large_is_not_taken(stage: Stage, served: Served) -> None:
    address, connections = served
    session = stage.create()
    with connect(_at(address, stage.target(session, host=f"127.0.0.1:{address[1]}"))) as client:
        client.recv()
        with suppress(ConnectionClosed):
            client.send(bytes(MOST_MESSAGE_BYTES + 1))
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=10)
        assert client.close_code == 1009
    _until(lambda: stage.kept(session).status == "FAILED" and not len(connections))


def test_a_hundred_at_once_are_told_apart(stage: Stage, served: Served) -> None:
    """Strangers, an unknown session and a second one on the same id: each is closed, and the honest one goes on."""
    address, connections = served
    host = f"127.0.0.1:{address[1]}"
    honest = stage.target(stage.create(), host=host)

    def refused(target: str) -> int | None:
        with connect(_at(address, target)) as client, suppress(ConnectionClosed):
            while True:
                client.recv(timeout=10)
        return client.close_code

    async def strangers() -> list[int | None]:
        wrong = honest.replace("X-Amz-Signature=", "X-Amz-Signature=0")
        tries = [honest, wrong, honest.replace("video-width=320", "video-width=640"), PATH] * 5
        return await asyncio.gather(*(asyncio.to_thread(refused, each) for each in tries))

    with connect(_at(address, honest)) as client:
        first = client.recv()
        assert set(asyncio.run(strangers())) == {1008}
        sign = stage.signing(honest)
        for each in answers(read(first)[1]["SessionInformation"], stage.room.now, film()):
            client.send(sign(each))
        assert [read(frame)[0] for frame in client] == ["DisconnectionEvent"]
    _until(lambda: not len(connections))
