"""Real requests at a given rate against a running service: below its capacity, at it, and at four times it.

The load is open: requests are due at moments that do not wait for answers, at random as those of many callers who know
nothing of each other (a Poisson process), and each is timed from the moment that it was due. A service that stalls is
charged for every request that it kept waiting, not for one (Tene, "How NOT to measure latency").
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from benchmarks.exact import people
from benchmarks.measuring import markdown, resident_mib
from benchmarks.pictures import small
from benchmarks.serving import question
from regard.gallery.bulk import Arrival
from regard.gallery.faces import Candidate
from regard.gallery.gallery import Gallery
from regard.settings import from_environment
from regard.stewardship.holdings import open_holdings
from regard.stewardship.office import open_office
from regard.vision.eyes import open_analyzer
from tests.helpers.running import Running, running

SIZES = (1_000, 100_000, 1_000_000)
DIMENSIONS, AT_ONCE = 128, 10_000
CONNECTIONS, FINDING = 256, 10.0
# A million templates are opened by the first search, and sealed into a cache of the index behind it.
WARMING = 30.0
# Callers that ask again at once keep every worker busy and the queue all but full.
CALLERS = 32
RATES = (0.5, 0.8, 1.0, 4.0)
HOLDING, SECONDS = 10.0, {1.0: 20.0, 4.0: 20.0}
COLLECTION = "bench"


@dataclass
class Answers:
    """What came back: seconds from due to answered of each real answer, and how many of each refusal."""

    seconds: list[float] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)

    def quantile(self, share: float) -> float:
        return float(np.quantile(self.seconds, share)) if self.seconds else float("nan")


def run() -> str:
    """The section of docs/benchmarks.md."""
    rows = [row for size in SIZES for row in _at(size)]
    return markdown(
        "Load",
        ("faces", "offered/s", "of capacity", "answered/s", "refused", "p50, ms", "p99, ms", "memory, MiB"),
        rows,
        f"SearchFacesByImage with a picture of 250×250 pixels in a collection of {DIMENSIONS} dimensions. The service "
        "has one core, the load another. Capacity is what a closed loop of "
        f"{CALLERS} callers gets; at it the queue fills now and then, above it always, and a full queue is the longest "
        "wait. Requests are due at random, as those of many callers are. Times are from the moment a request was due, "
        "over those that were answered; every refusal "
        "is a ThrottlingException. `python -m benchmarks load`",
    )


def _at(size: int) -> list[tuple[str, ...]]:
    with tempfile.TemporaryDirectory(dir=".", prefix=".load-") as folder:
        data = Path(folder)
        os.sched_setaffinity(0, {1})
        with running(data) as first:
            known = first.environment
        _fill(data, size)
        with running(data, known) as service:
            os.sched_setaffinity(0, {0})
            search = {"CollectionId": COLLECTION, "Image": {"Bytes": small(1)[0]}, "MaxFaces": 10}
            request = question(service, known, "SearchFacesByImage", search)
            asyncio.run(closed(service, request, CALLERS, WARMING))
            capacity = len(asyncio.run(closed(service, request, CALLERS, FINDING)).seconds) / FINDING
            return [_held(service, request, size, capacity, share) for share in RATES]


def _held(service: Running, request: bytes, size: int, capacity: float, share: float) -> tuple[str, ...]:
    held = SECONDS.get(share, HOLDING)
    answers = asyncio.run(_open(service, request, share * capacity, held))
    strange = {kind: count for kind, count in answers.refusals.items() if kind != "ThrottlingException"}
    if strange:
        raise AssertionError(f"refused otherwise than by throttling: {strange}")
    return (
        f"{size:,}",
        f"{share * capacity:.0f}",
        f"{share:g}×",
        f"{len(answers.seconds) / held:.0f}",
        f"{answers.refusals.total() / (answers.refusals.total() + len(answers.seconds)):.0%}",
        f"{1e3 * answers.quantile(0.5):.0f}",
        f"{1e3 * answers.quantile(0.99):.0f}",
        f"{resident_mib(service.process.pid):.0f}",
    )


def _fill(data: Path, size: int) -> None:
    office = open_office(from_environment(data_dir=data))
    gallery: Gallery = open_holdings(office).gallery
    organization = office.organizations.keys.all()[0].caller.organization
    model = open_analyzer(office.settings).version
    templates, _ = people(size, DIMENSIONS)
    with gallery.writing() as connection:
        gallery.collections.create(connection, organization, COLLECTION, model, {})
    for start in range(0, size, AT_ONCE):
        some = [
            Arrival(place.to_bytes(32, "big"), None, Candidate((0.0, 0.0, 1.0, 1.0), 99.0, template))
            for place, template in enumerate(templates[start : start + AT_ONCE], start)
        ]
        with gallery.writing() as connection:
            gallery.bulk.enrol(connection, organization, COLLECTION, some, model)
    office.engine.dispose()


async def closed(service: Running, request: bytes, callers: int, held: float) -> Answers:
    """Callers that ask again as soon as they are answered."""
    answers, end = Answers(), time.perf_counter() + held

    async def call() -> None:
        connection = _Connection(service, request, answers)
        while time.perf_counter() < end:
            await connection.ask(time.perf_counter())

    await asyncio.gather(*(call() for _ in range(callers)))
    return answers


async def _open(service: Running, request: bytes, rate: float, held: float) -> Answers:
    """Requests that are due at random, `rate` a second on average, whatever became of the ones before."""
    answers, due = Answers(), asyncio.Queue[float | None]()

    async def call() -> None:
        connection = _Connection(service, request, answers)
        while (moment := await due.get()) is not None:
            await connection.ask(moment)

    callers = [asyncio.create_task(call()) for _ in range(CONNECTIONS)]
    moments = time.perf_counter() + np.random.default_rng(0).exponential(1 / rate, int(rate * held)).cumsum()
    for moment in moments.tolist():
        await asyncio.sleep(max(moment - time.perf_counter(), 0))
        due.put_nowait(moment)
    for _ in callers:
        due.put_nowait(None)
    await asyncio.gather(*callers)
    return answers


class _Connection:
    """A kept connection; one that the service closed is opened anew."""

    def __init__(self, service: Running, request: bytes, answers: Answers) -> None:
        self._address = urlsplit(service.url)
        self._request = request
        self._answers = answers
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, due: float) -> None:
        try:
            reader, writer, head = await self._asked()
        except (asyncio.IncompleteReadError, ConnectionError):
            # The service closed it for being idle, at the moment that it was used.
            self._streams = None
            reader, writer, head = await self._asked()
        length = re.search(rb"(?i)content-length: (\d+)", head)
        assert length
        body = await reader.readexactly(int(length[1]))
        if head.startswith(b"HTTP/1.1 200"):
            self._answers.seconds.append(time.perf_counter() - due)
        else:
            kind = re.search(rb'"__type": ?"(?:[^"#]*#)?(\w+)"', body)
            self._answers.refusals[kind[1].decode() if kind else str(body)] += 1
        if re.search(rb"(?i)connection: close", head):
            writer.close()
            self._streams = None

    async def _asked(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
        if self._streams is None or self._streams[0].at_eof():
            self._streams = await asyncio.open_connection(self._address.hostname, self._address.port)
        reader, writer = self._streams
        writer.write(self._request)
        return reader, writer, await reader.readuntil(b"\r\n\r\n")
