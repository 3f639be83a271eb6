"""Whatever answers in the place of a store, a read ends in time, in bounds, and with a cause."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import create_server, socket

import pytest

import regard.stores.buckets as room
import regard.stores.patience as patience_room
import regard.stores.stored as parts_room
from regard.settings import Settings
from regard.stores.buckets import Buckets
from regard.stores.errors import ObjectTooLarge, ObjectUnavailable
from regard.stores.patience import Patience

MOST = 100_000
Answer = Callable[[socket], None]
pytestmark = pytest.mark.sqlite("a store has nothing to do with a database")


@contextmanager
def _store(answer: Answer) -> Iterator[tuple[str, list[float]]]:
    """The address of what answers so, and when it was asked."""
    asked: list[float] = []

    def one(connection: socket) -> None:
        with connection, suppress(OSError):
            while b"\r\n\r\n" not in connection.recv(65_536):
                pass
            asked.append(time.monotonic())
            answer(connection)

    def listen() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=one, args=(listening.accept()[0],), daemon=True).start()

    with create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=listen, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", asked


def _buckets(endpoint: str, folder: Path) -> Buckets:
    return Buckets(
        Settings(
            data_dir=folder,
            s3_endpoint=endpoint,
            s3_region="us-east-1",
            s3_access_key_id="id",
            s3_secret_access_key="secret",
            s3_allowed=("*=b/",),
        )
    )


def _said(head: str, body: bytes = b"", times: int = 1, pause: float = 0.0) -> Answer:
    def answer(connection: socket) -> None:
        connection.sendall(f"HTTP/1.1 {head}\r\n\r\n".encode())
        for _ in range(times):
            connection.sendall(body)
            time.sleep(pause)

    return answer


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"])
@pytest.mark.parametrize("code", ["", "PermanentRedirect", "TemporaryRedirect"])
def test_a_redirect_is_told_and_not_followed(tmp_path: Path, status: str, code: str) -> None:
    with _store(_said("200 OK\r\ncontent-length: 3", b"abc")) as (elsewhere, led_there):
        body = f"<Error><Code>{code}</Code><Endpoint>{elsewhere[7:]}</Endpoint></Error>".encode() if code else b""
        head = f"{status}\r\nlocation: {elsewhere}/b/k\r\nx-amz-bucket-region: eu-west-1\r\ncontent-length: {len(body)}"
        with (
            _store(_said(head, body)) as (endpoint, asked),
            pytest.raises(ObjectUnavailable, match="REGARD_S3_ENDPOINT"),
        ):
            _buckets(endpoint, tmp_path).read("1", "b", "k", None, MOST)
        assert (len(asked), len(led_there)) == (1, 0)


def test_an_object_without_an_end_is_too_large(tmp_path: Path) -> None:
    with _store(_said("200 OK", bytes(65_536), 10_000)) as (endpoint, _), pytest.raises(ObjectTooLarge):
        _buckets(endpoint, tmp_path).read("1", "b", "k", None, MOST)


def test_an_error_without_an_end_is_not_read_to_it(tmp_path: Path) -> None:
    sent = [0]

    def answer(connection: socket) -> None:
        connection.sendall(b"HTTP/1.1 500 Oops\r\n\r\n")
        while True:
            sent[0] += connection.send(bytes(65_536))

    with _store(answer) as (endpoint, _), pytest.raises(ObjectUnavailable):
        _buckets(endpoint, tmp_path).read("1", "b", "k", None, MOST)
    # What the system keeps of a connection on both sides is some megabytes.
    assert sent[0] < 64 << 20


def test_a_listing_without_an_end_is_not_read_to_it(tmp_path: Path) -> None:
    sent = [0]

    def answer(connection: socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            sent[0] += connection.send(bytes(65_536))

    with _store(answer) as (endpoint, _), pytest.raises(ObjectUnavailable):
        list(_buckets(endpoint, tmp_path).names("1", "b", ""))
    assert sent[0] < 64 << 20


def test_an_object_that_is_cut_short_is_none(tmp_path: Path) -> None:
    with _store(_said("200 OK\r\ncontent-length: 100", b"abc")) as (endpoint, _), pytest.raises(ObjectUnavailable):
        _buckets(endpoint, tmp_path).read("1", "b", "k", None, MOST)


@pytest.mark.long
@pytest.mark.parametrize("head", ["200 OK\r\ncontent-length: 100000", "200 OK\r\nx-long: "])
def test_a_store_that_gives_byte_by_byte_is_given_up(
    tmp_path: Path, head: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_MOST_SECONDS", 1.0)

    def answer(connection: socket) -> None:
        connection.sendall(f"HTTP/1.1 {head}".encode())
        if "length" in head:
            connection.sendall(b"\r\n\r\n")
        for _ in range(100):
            connection.sendall(b"x")
            time.sleep(0.1)

    with _store(answer) as (endpoint, _):
        begun = time.monotonic()
        with pytest.raises(ObjectUnavailable, match="within 1 seconds"):
            _buckets(endpoint, tmp_path).read("1", "b", "k", None, MOST)
        assert time.monotonic() - begun < 5


def test_when_many_reads_hang_no_more_are_begun_until_one_ends() -> None:
    patience, end = Patience(0.05, 2), threading.Event()

    def hang() -> bytes:
        end.wait(30)
        return b""

    for _ in range(2):
        with pytest.raises(ObjectUnavailable, match="come to an end within"):
            patience.of(hang)
    with pytest.raises(ObjectUnavailable, match="look after the store"):
        patience.of(lambda: b"now")
    end.set()
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with suppress(ObjectUnavailable):
            assert patience.of(lambda: b"now") == b"now"
            return
    raise AssertionError("nothing is read after the store ended")


_FILM = 'content-length: {}\r\netag: "one"\r\nconnection: close'


def test_a_store_that_gives_a_film_and_no_part_of_it_is_refused(tmp_path: Path) -> None:
    head = "200 OK\r\n" + _FILM.format(1 << 20)
    with _store(_said(head, bytes(1 << 20))) as (endpoint, asked):
        found = _buckets(endpoint, tmp_path).found("1", "b", "k", None, 1 << 20)
        with pytest.raises(ObjectUnavailable, match="the part"):
            list(found.parts(part=1000))
        assert len(asked) == 2


def test_a_part_that_drips_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_room, "PART_SECONDS", 0.2)
    monkeypatch.setattr(patience_room, "PAUSES", ())

    def answer(connection: socket) -> None:
        head = _FILM.format(1000) + "\r\ncontent-range: bytes 0-999/1000"
        connection.sendall(f"HTTP/1.1 206 Partial Content\r\n{head}\r\n\r\n".encode())
        for _ in range(20):
            connection.sendall(b"x")
            time.sleep(0.1)

    with _store(answer) as (endpoint, _):
        found = _buckets(endpoint, tmp_path).found("1", "b", "k", None, 1000)
        with pytest.raises(ObjectUnavailable, match="did not come to an end"):
            list(found.parts())


def test_an_object_of_which_the_store_does_not_tell_the_length_is_none(tmp_path: Path) -> None:
    with _store(_said('200 OK\r\netag: "one"', b"abc")) as (endpoint, _), pytest.raises(ObjectUnavailable):
        _buckets(endpoint, tmp_path).found("1", "b", "k", None, 1000)
