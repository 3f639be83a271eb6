"""DetectFaces over HTTP against the same work in process; time to start; memory."""

from __future__ import annotations

import http.client
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from benchmarks.measuring import markdown, resident_mib, seconds
from benchmarks.pictures import full_hd, small
from regard.operations.registry import answered
from regard.operations.service import Service
from regard.server import open_office, open_service
from regard.settings import from_environment
from regard.stewardship.call import Call
from tests.running import Running, running
from tests.wire_client import signed

ROUNDS, REPEATS, LOADED = 60, 5, 2000


def run() -> str:
    """The section of docs/benchmarks.md."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with running(data) as first:
            known = first.environment
        start = time.perf_counter()
        with running(data, known) as service:
            started = time.perf_counter() - start
            os.sched_setaffinity(service.process.pid, {1})
            os.sched_setaffinity(0, {0})
            idle = resident_mib(service.process.pid)
            rows = [_share(name, data, service, known, picture) for name, picture in _pictures().items()]
            ask = _over_http(service, known, _pictures()["250×250"])
            for _ in range(LOADED):
                ask()
            loaded = resident_mib(service.process.pid)
    return markdown(
        "DetectFaces over HTTP",
        ("picture", "over HTTP", "in process", "share of the server"),
        rows,
        f"Second start, until it answers: {started:.1f} s. Memory idle: {idle:.0f} MiB; after {LOADED} "
        f"requests: {loaded:.0f} MiB.",
        "One client on one core, the server on another, a kept connection; medians of "
        f"{REPEATS} runs of {ROUNDS} requests that take turns. `python -m benchmarks serving`",
    )


def _pictures() -> dict[str, bytes]:
    return {"250×250": small(1)[0], "1920×1080": full_hd()}


def _share(name: str, data: Path, service: Running, known: dict[str, str], picture: bytes) -> tuple[str, str, str, str]:
    over_http = _over_http(service, known, picture)
    in_process = _in_process(data, picture)
    shares, distant, near = [], [], []
    for _ in range(REPEATS):
        pairs = [(seconds(over_http), seconds(in_process)) for _ in range(ROUNDS)]
        distant.append(median(pair[0] for pair in pairs))
        near.append(median(pair[1] for pair in pairs))
        shares.append(1 - near[-1] / distant[-1])
    return (
        f"{name}, {len(picture) // 1024} KiB",
        f"{median(distant) * 1e3:.2f} ms",
        f"{median(near) * 1e3:.2f} ms",
        f"{median(shares):.1%}",
    )


def _over_http(service: Running, known: dict[str, str], picture: bytes) -> Callable[[], object]:
    address = urlsplit(service.url)
    connection = http.client.HTTPConnection(address.netloc)
    request = signed(
        "DetectFaces",
        {"Image": {"Bytes": picture}},
        host=address.netloc,
        access_key_id=known["AWS_ACCESS_KEY_ID"],
        secret=known["AWS_SECRET_ACCESS_KEY"],
    )

    def ask() -> object:
        connection.request("POST", "/", request.body, request.headers)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        return body

    return ask


def _in_process(data: Path, picture: bytes) -> Callable[[], object]:
    office = open_office(from_environment(data_dir=data))
    service: Service = open_service(office)
    key = office.organizations.keys.all()[0]
    operation = answered()["DetectFaces"]
    return lambda: service.answer(Call(key.caller, operation, {"Image": {"Bytes": picture}}, "us-east-1", "benchmark"))
