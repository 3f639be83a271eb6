"""Who may not sign may cost little: heads, connections and waiting are bounded; what is within bounds passes."""

from __future__ import annotations

import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.wire import connections
from regard.wire.connections import MOST_HEAD, MOST_HEADERS, MOST_TARGET, Connections, room_for_connections
from tests.helpers.bounded import WHOLE, answer_of, asked, bounded_server, exchanged, heard
from tests.helpers.running import running

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    with bounded_server() as address:
        yield address


def _flood(connection: socket.socket, part: bytes, times: int, pause: float = 0) -> None:
    for _ in range(times):
        connection.sendall(part)
        time.sleep(pause)


def _narrow(address: tuple[str, int]) -> socket.socket:
    """A connection whose client takes little at a time."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(10)
    connection.connect(address)
    return connection


def _request(*headers: bytes, target: bytes = b"/", body: bytes = b"") -> bytes:
    return b"\r\n".join([b"GET " + target + b" HTTP/1.1", b"host: a", *headers, b"connection: close", b"", body])


@settings(max_examples=50)
@given(st.lists(st.integers(1, len(WHOLE) - 1), max_size=6, unique=True))
def test_a_request_is_answered_however_it_comes_in_parts(address: tuple[str, int], cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), len(WHOLE)]
    with socket.create_connection(address, timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start, end in pairwise(ends):
            connection.sendall(WHOLE[start:end])
            time.sleep(0.001)
        assert heard(connection).startswith(b"HTTP/1.1 200 ")


def test_a_head_within_bounds_is_answered(address: tuple[str, int]) -> None:
    many = [b"x-%d: y" % each for each in range(MOST_HEADERS - 2)]
    assert asked(address, _request(*many)).startswith(b"HTTP/1.1 200 ")
    assert asked(address, _request(b"x: " + b"y" * (MOST_HEAD - 200))).startswith(b"HTTP/1.1 200 ")
    assert asked(address, _request(target=b"/" + b"a" * (MOST_TARGET - 1))).startswith(b"HTTP/1.1 200 ")
    # A body of any size follows a head of any size within bounds.
    large = b"POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 3000000\r\n\r\n" + b"z" * 3_000_000
    assert asked(address, large).endswith(b"z" * 1000)


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(_request(*[b"x: y"] * (MOST_HEADERS + 1)), id="headers"),
        pytest.param(_request(b"x: " + b"y" * MOST_HEAD), id="bytes of one header"),
        pytest.param(_request(*[b"x: " + b"y" * 400] * 90), id="bytes of many headers"),
        pytest.param(_request(target=b"/" + b"a" * MOST_TARGET), id="target"),
        pytest.param(b"GET /" + b"a" * 60_000, id="a target without an end"),
        pytest.param(b"GET / HTTP/1.1\r\nx: " + b"y" * 60_000, id="a header without an end"),
    ],
)
def test_a_head_beyond_bounds_is_refused_with_431(address: tuple[str, int], head: bytes) -> None:
    told = asked(address, head, b"")
    assert told.startswith(b"HTTP/1.1 431 ") or not told
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(head)
        told = answer_of(connection)
    assert told.startswith(b"HTTP/1.1 431 ")
    assert b"connection: close" in told


def test_what_follows_a_body_is_no_header(address: tuple[str, int]) -> None:
    # A proxy adds to the head whom it saw, and may pass on trailers that the client wrote.
    head = (
        b"POST / HTTP/1.1\r\nhost: a\r\nx-forwarded-for: b\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    )
    told = asked(address, head + b"1\r\na\r\n0\r\nx-forwarded-for: c\r\nx-more: d\r\n\r\n")
    assert told.endswith(b"a")
    assert b"x-heard: host,x-forwarded-for,transfer-encoding,connection\r\n" in told


def test_trailers_have_the_bounds_of_a_head(address: tuple[str, int]) -> None:
    begun = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(begun)
        with pytest.raises(ConnectionError):
            _flood(connection, b"x: " + b"y" * 1000 + b"\r\n", 10_000)


def test_what_is_no_request_is_refused_without_a_line_in_the_log(
    address: tuple[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    assert asked(address, b"\x16\x03\x01 hello\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert not caplog.records


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"\r\n"])
def test_who_does_not_get_to_the_end_of_a_head_is_hung_up_on(begun: bytes) -> None:
    with patch.object(connections, "HEAD_SECONDS", 0.3), bounded_server() as address:
        # The first request, and where something came of it a later one: an idle connection is kept.
        for later in (False, True)[: 1 + bool(begun)]:
            with socket.create_connection(address, timeout=10) as connection:
                if later:
                    exchanged(connection)
                connection.sendall(begun)
                assert answer_of(connection).startswith(b"HTTP/1.1 408 ")


def test_who_drips_a_head_is_hung_up_on_all_the_same() -> None:
    with (
        patch.object(connections, "HEAD_SECONDS", 0.3),
        bounded_server() as address,
        socket.create_connection(address, timeout=10) as connection,
        pytest.raises(ConnectionError),
    ):
        _flood(connection, b"\r\n", 100, pause=0.05)


def test_a_slow_body_is_waited_for() -> None:
    with (
        patch.object(connections, "HEAD_SECONDS", 0.2),
        bounded_server() as address,
        socket.create_connection(address, timeout=10) as connection,
    ):
        connection.sendall(WHOLE[:-2])
        time.sleep(0.5)
        connection.sendall(WHOLE[-2:])
        assert heard(connection).startswith(b"HTTP/1.1 200 ")


@pytest.mark.long
@pytest.mark.parametrize("fast", [False, True], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("kept", [b"keep-alive", b"close"])
def test_who_does_not_read_is_hung_up_on(kept: bytes, fast: bool) -> None:
    with patch.object(connections, "READ_SECONDS", 0.3), bounded_server(fast=fast) as address, _narrow(address) as deaf:
        deaf.sendall(b"GET /many/30000000 HTTP/1.1\r\nhost: a\r\nconnection: " + kept + b"\r\n\r\n")
        time.sleep(1.5)
        assert len(answer_of(deaf)) < 30_000_000


@pytest.mark.long
@pytest.mark.parametrize("fast", [False, True], ids=["asyncio", "uvloop"])
def test_who_reads_slowly_gets_the_whole_answer(fast: bool) -> None:
    # The system keeps megabytes for it, so that nothing seems to go on here for seconds.
    with (
        patch.object(connections, "READ_SECONDS", 0.5),
        bounded_server(fast=fast) as address,
        socket.create_connection(address, timeout=10) as slow,
    ):
        slow.sendall(b"GET /many/12000000 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        told = 0
        while part := slow.recv(100_000):
            told += len(part)
            time.sleep(0.02)
        assert told > 12_000_000


def test_an_idle_connection_is_let_go() -> None:
    for said in (b"", b"GET / HT"):
        with (
            patch.object(connections, "HEAD_SECONDS", 0.3),
            bounded_server(timeout_keep_alive=1) as address,
            socket.create_connection(address, timeout=10) as connection,
        ):
            exchanged(connection)
            connection.sendall(said)
            # One that says nothing is kept for a while, without a word; one that begins has the time of a head.
            assert answer_of(connection).startswith(b"HTTP/1.1 408 " if said else b"")


def test_one_address_gets_half_of_the_connections_and_a_proxy_all() -> None:
    for shared, room in ((False, 3), (True, 6)):
        with bounded_server(6, shared=shared) as address:
            opened = [socket.create_connection(address, timeout=10) for _ in range(9)]
            answered = 0
            for connection in opened:
                with closing(connection), suppress(ConnectionError):
                    connection.sendall(WHOLE)
                    answered += connection.recv(65536).startswith(b"HTTP/1.1 200 ")
            assert answered == room
            time.sleep(0.1)
            assert asked(address, _request()).startswith(b"HTTP/1.1 200 ")


def test_a_household_with_many_addresses_is_one() -> None:
    counted = Connections(6)
    assert [counted.admit(f"2001:db8:0:1::{each}") for each in range(4)] == [True, True, True, False]
    assert counted.admit("2001:db8:0:2::1")
    counted.release("2001:db8:0:1::0")
    assert counted.admit("2001:db8:0:1::4")


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abc"))), st.integers(1, 6), st.booleans())
def test_what_is_admitted_is_counted(events: list[tuple[bool, str]], most: int, shared: bool) -> None:
    counted = Connections(most, shared=shared)
    admitted: list[str] = []
    for comes, address in events:
        if comes:
            room = len(admitted) < most and (shared or admitted.count(address) < max(1, most // 2))
            assert counted.admit(address) == room
            admitted += [address] * room
        elif address in admitted:
            admitted.remove(address)
            counted.release(address)
        assert len(counted) == len(admitted)


@pytest.mark.parametrize(("soft", "hard", "room"), [(256, 256, 128), (64, 64, 32), (256, 1024, 896)])
def test_descriptors_are_kept_in_reserve(soft: int, hard: int, room: int) -> None:
    asked = (
        "from regard.wire.connections import *; import resource; print(room_for_connections(), *resource.getrlimit(7))"
    )

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    done = subprocess.run([sys.executable, "-c", asked], preexec_fn=limit, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(room), str(hard), str(hard)]


def test_room_is_bounded() -> None:
    assert room_for_connections() <= connections.MOST_CONNECTIONS


def test_a_head_without_an_end_takes_no_memory_of_the_service(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        status = Path(f"/proc/{service.process.pid}/status")

        def resident() -> int:
            return next(int(line.split()[1]) // 1024 for line in status.read_text().splitlines() if "VmRSS" in line)

        before, place = resident(), urlsplit(service.url)
        for begun, more in ((b"x: ", b"y" * MIB), (b"", b"x: y\r\n" * 100_000)):
            with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
                connection.sendall(b"POST / HTTP/1.1\r\nhost: a\r\n" + begun)
                with pytest.raises(ConnectionError):
                    _flood(connection, more, 150)
        assert resident() <= before + 16
