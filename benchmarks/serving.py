"""DetectFaces over HTTP against the same work in process; time to start; memory."""

from __future__ import annotations

import os
import re
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from benchmarks.measuring import markdown, resident_mib, seconds
from benchmarks.pictures import full_hd, small
from regard.house import open_house
from regard.operations.common.registry import Answer, answered
from regard.operations.service import Service
from regard.settings import from_environment
from regard.stewardship.office import start_office
from regard.stewardship.policy.call import Call
from tests.helpers.running import Running, running
from tests.helpers.wire_client import signed

ROUNDS, REPEATS, LOADED = 10, 60, 2000


def run() -> str:
    """The section of docs/benchmarks.md."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        # The service inherits its core from here, and so knows that it has one.
        os.sched_setaffinity(0, {1})
        with running(data) as first:
            known = first.environment
        start = time.perf_counter()
        with running(data, known) as service:
            started = time.perf_counter() - start
            os.sched_setaffinity(0, {0})
            idle = resident_mib(service.process.pid)
            # A log of its own, as the service has: of one log only one process is the writer.
            alone = data / "in-process"
            rows = [_share(name, alone / name, service, known, picture) for name, picture in _pictures().items()]
            ask = asking(service, known, "DetectFaces", _pictures()["250×250"])
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
        f"{REPEATS} runs of {ROUNDS} requests, which take turns. `python -m benchmarks serving`",
    )


def _pictures() -> dict[str, bytes]:
    return {"250×250": small(1)[0], "1920×1080": full_hd()}


def _share(
    name: str, data: Path, service: Running, known: Mapping[str, str], picture: bytes
) -> tuple[str, str, str, str]:
    over_http = asking(service, known, "DetectFaces", picture)
    answer = answering(data)

    def in_process() -> object:
        return answer("DetectFaces", picture)

    shares, distant, near = [], [], []
    for _ in range(REPEATS):
        # One after the other without a pause: a core that had to wake up first would be timed, too.
        distant.append(median(seconds(over_http) for _ in range(ROUNDS)))
        near.append(median(seconds(in_process) for _ in range(ROUNDS)))
        shares.append(1 - near[-1] / distant[-1])
    return (
        f"{name}, {len(picture) // 1024} KiB",
        f"{median(distant) * 1e3:.2f} ms",
        f"{median(near) * 1e3:.2f} ms",
        f"{median(shares):.1%}",
    )


def question(service: Running, known: Mapping[str, str], operation: str, parameters: Mapping[str, Any]) -> bytes:
    """The bytes of a question, signed beforehand: what is timed is the service, not a client."""
    address = urlsplit(service.url)
    request = signed(
        operation,
        parameters,
        host=address.netloc,
        access_key_id=known["AWS_ACCESS_KEY_ID"],
        secret=known["AWS_SECRET_ACCESS_KEY"],
    )
    headers = request.headers | {"Host": address.netloc, "Content-Length": str(len(request.body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST / HTTP/1.1\r\n{head}\r\n".encode() + request.body


def asking(service: Running, known: Mapping[str, str], operation: str, picture: bytes) -> Callable[[], object]:
    """One question over a kept connection."""
    asked = question(service, known, operation, {"Image": {"Bytes": picture}})
    address = urlsplit(service.url)
    connection = socket.create_connection((address.hostname, address.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask() -> object:
        connection.sendall(asked)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += _more(connection)
        top, _, body = answer.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", top)
        assert length
        while len(body) < int(length[1]):
            body += _more(connection)
        assert top.startswith(b"HTTP/1.1 200"), body
        return body

    return ask


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionError("The service hung up.")
    return data


def answering(
    data: Path, ran: Callable[[str, float], None] = lambda _name, _seconds: None
) -> Callable[[str, bytes], Answer]:
    """What an operation answers to a picture, in this process. `ran` is told of each inference."""
    service, call = opened(data, ran)
    return lambda operation, picture: service.answer(call(operation, picture))


def opened(
    data: Path, ran: Callable[[str, float], None] = lambda _name, _seconds: None
) -> tuple[Service, Callable[[str, bytes], Call]]:
    """A service in this process, and calls to it by operation and picture."""
    office = start_office(from_environment(data_dir=data))
    office.organizations.first_start()
    service: Service = open_house(office, ran).service
    caller = office.organizations.keys.all()[0].caller
    known = answered()

    def call(operation: str, picture: bytes) -> Call:
        return Call(caller, known[operation], {"Image": {"Bytes": picture}}, "us-east-1", "benchmark", loopback=True)

    return service, call
