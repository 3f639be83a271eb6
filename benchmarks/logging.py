"""What the log adds to DetectFaces under load: the same service with its log, and with one that keeps nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, cast
from uuid import uuid4

from benchmarks.measuring import markdown, seconds
from benchmarks.pictures import full_hd, small
from regard.operations.registry import answered
from regard.operations.service import Service
from regard.server import open_office, open_service
from regard.settings import from_environment
from regard.stewardship.call import Call, Caller
from regard.stewardship.gate import Gate
from regard.stewardship.logbook import Logbook

ROUNDS, CALLS = 25, {"250×250": 60, "1920×1080": 8}


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
        pictures = {"250×250": small(50), "1920×1080": [full_hd()]}
        rows = [(size, *_added(services, key.caller, some, CALLS[size] * workers)) for size, some in pictures.items()]
        office.logbook.close()
    return markdown(
        "What the log adds to DetectFaces",
        ("picture", *services, "added"),
        rows,
        f"Medians of a call, {workers} callers at once on {workers} cores, in process, over {ROUNDS} rounds that take "
        "turns. An entry is durable, under a signed checkpoint, before the answer. `python -m benchmarks logging`",
    )


def _added(
    services: Mapping[str, Service], caller: Caller, pictures: Sequence[bytes], calls: int
) -> tuple[str, str, str]:
    taken = [[_median(service, caller, pictures, calls) for service in services.values()] for _ in range(ROUNDS)]
    logged, bare = (f"{median(each) * 1e3:.2f} ms" for each in zip(*taken, strict=True))
    return logged, bare, f"{median(one / other - 1 for one, other in taken):.1%}"


def _median(service: Service, caller: Caller, pictures: Sequence[bytes], calls: int) -> float:
    operation = answered()["DetectFaces"]

    def ask(data: bytes) -> float:
        call = Call(caller, operation, {"Image": {"Bytes": data}}, "us-east-1", str(uuid4()))
        return seconds(lambda: service.answer(call))

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return median(pool.map(ask, islice(cycle(pictures), calls)))
