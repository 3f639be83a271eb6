"""Decoding processes come from one that has loaded what they need: each for one film, each with no other file."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from regard.vision.video import forking
from regard.vision.video.decoders import Decoder, Decoders
from regard.vision.video.messages import About, Ended, Message, Request, receive
from tests.helpers.films import film_of, numbered

REQUEST = Request(500, 60_000, 2048, 1)
# Measured: what is told of each frame fits into a pipe that nobody reads.
MEASURED = Request(0, 60_000, 2048, 1, 0.2)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds of 640×480 pixels: more than fits into a pipe."""
    return film_of(tmp_path_factory.mktemp("film") / "film.mp4", numbered(250, (480, 640)))


@pytest.fixture(scope="module")
def decoders() -> Decoders:
    return Decoders()


def _begun(decoders: Decoders, film: Path, request: Request = REQUEST) -> Decoder:
    with film.open("rb") as file:
        return decoders.begin(file, request)


def _messages(decoder: Decoder) -> Iterator[Message]:
    while message := receive(decoder.told):
        yield message


def _source(decoder: Decoder) -> int:
    """The process that a decoder was forked from."""
    return int(Path(f"/proc/{decoder.pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_each_film_has_a_process_of_its_own_that_has_no_other_file(decoders: Decoders, film: Path) -> None:
    both = [_begun(decoders, film) for _ in range(2)]
    assert both[0].pid != both[1].pid
    assert _source(both[0]) == _source(both[1])
    for each in both:
        # The first message comes when the process has let go of what it was forked with.
        assert isinstance(receive(each.told), About)
        opened = {path.name: path.readlink() for path in Path(f"/proc/{each.pid}/fd").iterdir()}
        assert opened.keys() == {"0", "1", "2"}
        assert opened["0"] == film
        each.close()


def test_how_it_ended_and_what_it_took_is_told(decoders: Decoders, film: Path) -> None:
    decoder = _begun(decoders, film, MEASURED)
    told = list(_messages(decoder))
    assert isinstance(told[-1], Ended)
    assert told[-1].frames == 250
    over = decoder.wait()
    assert over.code == 0
    assert 0.01 < over.seconds < 60
    assert 1000 < over.memory < 2048 * 1024
    assert decoder.close() == over


def test_closing_one_ends_it_and_no_other(decoders: Decoders, film: Path) -> None:
    one, other = _begun(decoders, film), _begun(decoders, film, MEASURED)
    assert one.close().code == -signal.SIGKILL
    assert not Path(f"/proc/{one.pid}").exists()
    assert isinstance(list(_messages(other))[-1], Ended)
    assert other.close().code == 0


@pytest.mark.long
def test_films_are_begun_by_many_threads_at_once(decoders: Decoders, film: Path) -> None:
    def count(_: int) -> int:
        decoder = _begun(decoders, film, MEASURED)
        told = list(_messages(decoder))
        decoder.close()
        return len(told)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(count, range(24))) == {252}


def test_films_begin_again_when_what_they_come_from_was_killed(film: Path) -> None:
    decoders = Decoders()
    first = _begun(decoders, film)
    os.kill(_source(first), signal.SIGKILL)
    assert first.wait().code == -signal.SIGKILL
    first.close()
    second = _begun(decoders, film, MEASURED)
    assert isinstance(list(_messages(second))[-1], Ended)
    second.close()


@pytest.mark.long
def test_a_forked_process_neither_ends_what_decodes_for_its_parent_nor_keeps_it(film: Path) -> None:
    code = (
        "import os, sys, time; from pathlib import Path; from regard.vision.video.film import Film, Limits\n"
        "def count():\n"
        "    with Film(Path(sys.argv[1]), 0, Limits(1 << 30, 60, 2048), 0.2) as film:\n"
        "        return len(list(film.measured()))\n"
        "count(); child = os.fork()\n"
        "if not child: print(count(), flush=True); sys.exit()\n"
        "os.waitpid(child, 0); print(count(), flush=True)\n"
        "last = os.fork()\n"
        "print(last, flush=True) if last else time.sleep(600)"
    )
    words = [sys.executable, "-W", "ignore", "-c", code, str(film)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as asking:
        assert asking.stdout is not None
        assert [asking.stdout.readline() for _ in range(2)] == ["250\n", "250\n"]
        # It does not wait for the one that it forked last.
        last = int(asking.stdout.readline())
        try:
            assert asking.wait(timeout=60) == 0
        finally:
            os.kill(last, signal.SIGKILL)


def test_nothing_is_left_of_a_process_that_is_killed(film: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from regard.vision.video.film import Film, Limits\n"
        "film = Film(Path(sys.argv[1]), 0, Limits(1 << 30, 60, 2048))\n"
        "print(film._decoder.pid, flush=True); time.sleep(600)"
    )
    asking = subprocess.Popen([sys.executable, "-c", code, str(film)], stdout=subprocess.PIPE, text=True)
    assert asking.stdout is not None
    number = int(asking.stdout.readline())
    source = int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])
    asking.kill()
    asking.wait()
    asking.stdout.close()
    until = time.monotonic() + 30
    while any(_runs(each) for each in (number, source)):
        assert time.monotonic() < until
        time.sleep(0.01)


def _runs(number: int) -> bool:
    """Whether a process is there, and is more than an entry that its parent did not fetch."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_keys_that_a_person_presses_are_not_meant_for_it(decoders: Decoders, film: Path) -> None:
    decoder = _begun(decoders, film, MEASURED)
    os.kill(_source(decoder), signal.SIGINT)
    os.kill(decoder.pid, signal.SIGINT)
    assert isinstance(list(_messages(decoder))[-1], Ended)
    decoder.close()


def test_what_nobody_asks_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forking, "_IDLE_SECONDS", 0.0)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        forking.Forks(theirs).run()
