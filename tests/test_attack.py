"""Beside thousands of hostile strangers whoever signs is answered, nearly as soon as without them; memory holds."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.helpers.running import Running, running
from tests.helpers.wire_client import parse, signed

# Waves and quiet take turns, so that what else the machine does falls upon both; the strangers come at a fixed rate.
ROUNDS, RATE = 10, 450.0
STRANGERS, CALLS = 20_000, 1_000
MOST_MEMORY, MOST_DELAY = 1.2, 3.0
# What else the machine does makes calls slower, and none quicker: one try in so many that is good shows what it can.
TRIES = 3

# What comes of each kind of stranger: the status that it is told, or that it lost patience before the service did.
TOLD = {
    **{"many headers": "431", "a long header": "431", "a long target": "431"},
    **{"a head that drips": "408", "silence": "408", "silence after an answer": "200"},
    **{"two lengths": "400", "a length and chunks": "400"},
    **{"a body without a signature": "400", "half a body in another's name": "left"},
    **{"pages that are not there": "404", "pages that are not read": "left"},
}


class Caller:
    """Somebody who signs, on one connection, from an address of their own."""

    def __init__(self, service: Running) -> None:
        self._pid = service.process.pid
        self._host = urlsplit(service.url).netloc
        self._keys = service.environment
        self._connection = HTTPConnection(self._host, timeout=30)
        self.codes: set[str] = set()
        self.most_memory = 0

    def close(self) -> None:
        """Call no more."""
        self._connection.close()

    def calls(self, number: int, pause: float) -> list[float]:
        """How long each of so many calls took, in seconds."""
        taken = []
        for _ in range(number):
            request = signed(
                "ListCollections",
                {},
                host=self._host,
                access_key_id=self._keys["AWS_ACCESS_KEY_ID"],
                secret=self._keys["AWS_SECRET_ACCESS_KEY"],
            )
            begun = time.perf_counter()
            self._connection.request("POST", "/", request.body, request.headers)
            answer = self._connection.getresponse()
            body = answer.read()
            taken.append(time.perf_counter() - begun)
            parsed = parse("ListCollections", answer.status, dict(answer.headers), body)
            self.codes.add(parsed.get("Error", {}).get("Code", "OK"))
            self.most_memory = max(self.most_memory, self.memory())
            time.sleep(pause)
        return taken

    def memory(self) -> int:
        """Resident memory of the service, in KiB."""
        lines = Path(f"/proc/{self._pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


@contextmanager
def _strangers(service: Running) -> Iterator[subprocess.Popen[str]]:
    place = urlsplit(service.url)
    command = [sys.executable, "-m", "tests.helpers.hostile", str(place.hostname), str(place.port)]
    command.append(service.environment["AWS_ACCESS_KEY_ID"])
    here, pipe = Path(__file__).parents[1], subprocess.PIPE
    with subprocess.Popen(command, text=True, cwd=here, stdin=pipe, stdout=pipe) as strangers:
        try:
            yield strangers
        finally:
            strangers.kill()


def _wave(strangers: subprocess.Popen[str], count: int) -> None:
    assert strangers.stdin is not None
    strangers.stdin.write(f"{count} {RATE}\n")
    strangers.stdin.flush()


def _opened(strangers: subprocess.Popen[str]) -> None:
    assert strangers.stdout is not None
    assert strangers.stdout.readline() == "opened\n"


def _outcomes(strangers: subprocess.Popen[str]) -> dict[str, dict[str, int]]:
    assert strangers.stdin is not None
    strangers.stdin.close()
    assert strangers.stdout is not None
    found: dict[str, dict[str, int]] = json.loads(strangers.stdout.readline())
    return found


def _p99(rounds: list[list[float]]) -> float:
    """The 99th percentile of a round, in the better quarter of rounds: what else the machine does makes some worse."""
    each = [statistics.quantiles(taken, n=100, method="inclusive")[98] for taken in rounds]
    return statistics.quantiles(each, n=4)[0]


@pytest.mark.long
@pytest.mark.slow("strangers who say nothing are hung up on after ten seconds")
def test_every_kind_of_stranger_is_told_no_or_left_waiting(service: Running) -> None:
    with _strangers(service) as strangers, closing(Caller(service)) as caller:
        _wave(strangers, 2 * len(TOLD))
        _opened(strangers)
        caller.calls(20, 0.1)
        assert _outcomes(strangers) == {kind: {outcome: 2} for kind, outcome in TOLD.items()}
    assert caller.codes == {"OK"}


@pytest.mark.long
@pytest.mark.slow("twenty thousand strangers come at a rate that two cores can bear")
def test_twenty_thousand_strangers_freeze_nobody(tmp_path: Path) -> None:
    with running(tmp_path) as service, _strangers(service) as strangers, closing(Caller(service)) as caller:
        caller.calls(100, 0)
        before = caller.memory()
        tries, delay = 0, math.inf
        while delay > MOST_DELAY and tries < TRIES:
            tries += 1
            quiet: list[list[float]] = []
            attacked: list[list[float]] = []
            for _ in range(ROUNDS):
                quiet.append(caller.calls(CALLS // ROUNDS, 0.01))
                _wave(strangers, STRANGERS // ROUNDS)
                attacked.append(caller.calls(CALLS // ROUNDS, 0.7 * STRANGERS / RATE / CALLS))
                _opened(strangers)
            delay = _p99(attacked) / _p99(quiet)
        outcomes = _outcomes(strangers)
    assert sum(sum(each.values()) for each in outcomes.values()) == tries * STRANGERS
    assert all(each[TOLD[kind]] >= 0.9 * sum(each.values()) for kind, each in outcomes.items()), outcomes
    assert caller.codes <= {"OK", "ThrottlingException"}
    memory = caller.most_memory / before
    print(f"memory {memory:.3f} of {before} KiB; p99 {delay:.2f} of {1000 * _p99(quiet):.1f} ms; {caller.codes}")
    assert memory <= MOST_MEMORY
    assert delay <= MOST_DELAY
