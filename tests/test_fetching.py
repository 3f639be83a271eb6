"""What is fetched ends: by its bytes, by its time, at its own server, whatever that server does."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from regard.fetching import TooLong, Unfetched, fetched
from tests.helpers.certificates import certificate_in
from tests.helpers.malicious import (
    OK,
    Says,
    dribbled_body,
    dribbled_head,
    endless,
    hostile,
    leading,
    nonsense,
)

MOST = 1 << 20


@pytest.mark.parametrize("says", [dribbled_body, dribbled_head])
def test_who_dribbles_is_let_go_of_in_time(says: Says) -> None:
    with hostile(says, pause=0.05) as server:
        begun = time.monotonic()
        with pytest.raises(Unfetched, match=r"within 0\.5 seconds"):
            fetched(server.address, most=MOST, seconds=0.5)
        assert time.monotonic() - begun < 5


def test_who_dribbles_under_tls_is_let_go_of_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, key = certificate_in(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    with hostile(lambda _path: iter([OK, b"whole"]), tls=tls) as server:
        assert fetched(server.address, most=MOST, seconds=30) == (200, b"whole")
    for says in (dribbled_body, dribbled_head):
        with hostile(says, 0.05, tls) as server, pytest.raises(Unfetched, match=r"within 0\.5 seconds"):
            fetched(server.address, most=MOST, seconds=0.5)


def test_who_says_nothing_is_let_go_of_in_time() -> None:
    silent = hostile(lambda _path: iter([b"HTTP/1.1 200 OK\r\n"]), pause=30)
    with silent as server, pytest.raises(Unfetched, match=r"within 0\.5 seconds"):
        fetched(server.address, most=MOST, seconds=0.5)


def test_no_more_is_read_than_was_asked_for() -> None:
    with hostile(endless) as server, pytest.raises(TooLong, match="more than the 1,048,576 bytes"):
        fetched(server.address, most=MOST, seconds=30)
    announcing = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"
    with hostile(lambda _path: iter([announcing])) as server, pytest.raises(TooLong, match="announces"):
        fetched(server.address, most=MOST, seconds=30)


def test_an_answer_that_ends_early_is_none() -> None:
    cut = hostile(lambda _path: iter([b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"]))
    with cut as server, pytest.raises(Unfetched, match="ended after 3 of 10"):
        fetched(server.address, most=MOST, seconds=30)


def test_nobody_is_led_to_another_server() -> None:
    with hostile(lambda _path: iter([OK, b"secret"])) as other, hostile(leading(f"{other.address}/x")) as server:
        with pytest.raises(Unfetched, match="leads away"):
            fetched(server.address, most=MOST, seconds=30)
        assert other.asked == []
    for to in ("file:///etc/passwd", "ftp://127.0.0.1/x", "//127.0.0.2/x", "https://127.0.0.1/"):
        with hostile(leading(to)) as server, pytest.raises(Unfetched, match="leads"):
            fetched(server.address, most=MOST, seconds=30)


def test_a_server_may_lead_to_a_path_of_its_own_but_not_for_ever_nor_a_post() -> None:
    def says(path: str) -> Iterator[bytes]:
        return iter([OK, b"found"]) if path == "/there" else leading("/there")(path)

    with hostile(says) as server:
        assert fetched(f"{server.address}/here", most=MOST, seconds=30) == (200, b"found")
        with pytest.raises(Unfetched, match="leads away"):
            fetched(f"{server.address}/here", b"posted", most=MOST, seconds=30)
    with hostile(leading("/again")) as server:
        with pytest.raises(Unfetched, match="in a circle"):
            fetched(server.address, most=MOST, seconds=30)
        assert len(server.asked) < 20


def test_what_is_no_http_is_an_error_that_is_told() -> None:
    with hostile(nonsense) as server, pytest.raises(Unfetched, match="as HTTP has it"):
        fetched(server.address, most=MOST, seconds=30)


def test_refusals_come_with_their_words() -> None:
    with hostile(lambda _path: iter([b"HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\n42"])) as server:
        assert fetched(server.address, b"posted", most=MOST, seconds=30) == (409, b"42")
        assert server.asked == ["POST / HTTP/1.1"]
