"""What the log adds to DetectFaces under load: the same service with its log, and with one that keeps nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, cast
from uuid import uuid4

from benchmarks.measuring import markdown, seconds
from benchmarks.pictures import small
from regard.operations.registry import answered
from regard.operations.service import Service
from regard.server import open_office, open_service
from regard.settings import from_environment
from regard.stewardship.call import Call, Caller
from regard.stewardship.gate import Gate
from regard.stewardship.logbook import Logbook

ROUNDS, CALLS = 25, 60


class Silent:
    """Takes every entry and keeps none."""

    trouble = None

    def seal(self, part: object) -> object:
        return part

    def write_call(self, body: dict[str, Any], parts: Sequence[object]) -> None:
        pass


def run() -> str:
    workers = len(os.sched_getaffinity(0))
    # The checkout's own disk: the system's temporary folder may be memory.
    with TemporaryDirectory(dir=".", prefix=".logging-") as folder:
        office = open_office(from_environment(data_dir=Path(folder)))
        key = office.organizations.first_start()
        assert key is not None
        logged = open_service(office)
        silent = Gate(office.engine, office.settings, cast(Logbook, Silent()))
        services = {"with the log": logged, "without": Service(silent, logged._rooms)}
        taken: dict[str, list[float]] = {name: [] for name in services}
        for _ in range(ROUNDS):
            for name, service in services.items():
                taken[name].append(_median(service, key.caller, workers))
        office.logbook.close()
    shares = [one / other - 1 for one, other in zip(*taken.values(), strict=True)]
    rows = [(name, f"{median(each) * 1e3:.2f}") for name, each in taken.items()]
    return markdown(
        "What the log adds to DetectFaces",
        ("", "median of a call, ms"),
        [*rows, ("added", f"{median(shares):.1%}")],
        f"{workers} callers at once on {workers} cores, in process, {CALLS} pictures of 250×250 each; medians of "
        f"{ROUNDS} rounds that take turns. An entry is durable, under a signed checkpoint, before the answer. "
        "`python -m benchmarks logging`",
    )


def _median(service: Service, caller: Caller, workers: int) -> float:
    operation = answered()["DetectFaces"]

    def ask(data: bytes) -> float:
        call = Call(caller, operation, {"Image": {"Bytes": data}}, "us-east-1", str(uuid4()))
        return seconds(lambda: service.answer(call))

    pictures = cycle(small(50))
    with ThreadPoolExecutor(workers) as pool:
        return median(pool.map(ask, (next(pictures) for _ in range(CALLS * workers))))
