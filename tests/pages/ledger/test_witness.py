"""A witness over HTTP, as other people's logs meet it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from regard.commands.record import witness
from regard.ledger.tree.merkle import consistency_proof
from regard.ledger.tree.notes import open_note
from regard.ledger.witnesses.cosigning import Asked, Collector, posting
from regard.ledger.witnesses.witness import request
from regard.pages.ledger.witness import MOST_BODY_BYTES
from tests.helpers.ledger.faults import QuickDisk
from tests.helpers.ledger.served_log import Book, opened, serving_witness

PERIOD = "2026-11"


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with opened(tmp_path / "log") as book:
        book.call(times=3)
        yield book


def ask(book: Book, old: int = 0) -> bytes:
    return request(old, [], book.served.note(PERIOD))


def test_a_witness_answers_as_the_specification_says(book: Book, tmp_path: Path) -> None:
    with serving_witness(tmp_path / "state", book.signer) as told:
        asked = Asked.parse(told)
        status, body = asked.send(ask(book))
        assert status == 200
        assert open_note(book.served.note(PERIOD) + body, [asked.verifier])
        assert asked.send(ask(book)) == (409, b"4\n")
        assert asked.send(b"nonsense")[0] == 400
        assert asked.send(b"x" * (MOST_BODY_BYTES + 1))[0] == 413
        assert _media(told.split()[1], ask(book)) == "text/x.tlog.size"


def _media(address: str, body: bytes) -> str:
    with socket.create_connection(("127.0.0.1", urlsplit(address).port or 0), 10) as connection:
        head = f"POST /add-checkpoint HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    found = re.search(r"content-type: ([^;\r]+)", answer)
    assert found
    return found[1]


def test_a_rewrite_a_rollback_and_a_split_view_are_refused_over_http(book: Book, tmp_path: Path) -> None:
    with serving_witness(tmp_path / "state", book.signer) as told:
        asked = Asked.parse(told)
        Collector(book.served, [asked], 1, disk=QuickDisk()).round()
        for calls, answer in ((9, "422"), (3, "409"), (1, "has 2")):
            with opened(tmp_path / f"other{calls}", book.signer) as other:
                other.call("CompareFaces", times=calls)
                asking = Collector(other.served, [asked], 1, disk=QuickDisk())
                asking.round()
                assert answer in str(asking.trouble)


def test_an_edited_size_and_a_flipped_bit_are_refused_over_http(book: Book, tmp_path: Path) -> None:
    with serving_witness(tmp_path / "state", book.signer) as told:
        asked = Asked.parse(told)
        assert asked.send(ask(book).replace(b"\n4\n", b"\n5\n"))[0] == 403
        assert asked.send(ask(book))[0] == 200
        book.call(times=5)
        head = book.served.head(PERIOD, book.served.note(PERIOD))
        proof = consistency_proof(4, 9, head.nodes)
        flipped = [bytes([proof[0][0] ^ 1]) + proof[0][1:], *proof[1:]]
        assert asked.send(request(4, flipped, head.note))[0] == 422
        assert asked.send(request(4, proof, head.note))[0] == 200


def test_a_witness_has_one_name(tmp_path: Path) -> None:
    words = ["--folder", str(tmp_path)]
    made = CliRunner().invoke(witness.app, ["key", "witness.example/w", *words])
    assert CliRunner().invoke(witness.app, ["key", "witness.example/w", *words]).stdout == made.stdout
    other = CliRunner().invoke(witness.app, ["key", "witness.example/other", *words])
    assert "is the key of witness.example/w" in str(other.exception)


@contextmanager
def started(folder: Path, book: Book) -> Iterator[tuple[subprocess.Popen[str], Asked]]:
    command = [sys.executable, "-m", "regard.cli", "witness", "serve", "witness.example/w", "--folder", str(folder)]
    process = subprocess.Popen(
        [*command, "--log", book.key, "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "300"},
    )
    try:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(3)]
        address, key = lines[0].split()[-1], lines[2].strip()
        yield process, Asked.parse(f"{key} {address}")
    finally:
        process.kill()
        process.communicate()


@pytest.mark.long
def test_a_witness_that_is_killed_remembers_what_it_cosigned(book: Book, tmp_path: Path) -> None:
    with started(tmp_path / "witness", book) as (process, asked):
        assert asked.send(ask(book))[0] == 200
        process.send_signal(signal.SIGKILL)
        process.wait()
    with started(tmp_path / "witness", book) as (_, again):
        assert again.verifier == asked.verifier
        assert again.send(ask(book)) == (409, b"4\n")
    assert (tmp_path / "witness" / "witness.key").stat().st_mode & 0o777 == 0o600


def test_an_address_that_nobody_answers_is_an_error_of_the_network() -> None:
    with pytest.raises(OSError, match="refused"):
        posting("http://127.0.0.1:1")(b"")
