"""Answers about pictures while jobs on films run beside them, against answers without."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from benchmarks.filming import half_an_hour
from benchmarks.load import Answers, closed
from benchmarks.measuring import markdown
from benchmarks.pictures import small
from benchmarks.serving import question
from tests.helpers.running import Running, running
from tests.helpers.stores import store, store_client, store_settings

JOBS, SECONDS = 2, 15.0
ROUNDS = 3
# Until both workers have started, loaded their models and looked at frames.
PATIENCE = 120.0


def run() -> str:
    """The section of docs/benchmarks.md."""
    with tempfile.TemporaryDirectory() as folder, store() as address:
        film = half_an_hour(Path(folder) / "film.mp4")
        bucket = store_client(address)
        bucket.create_bucket(Bucket="films")
        bucket.put_object(Bucket="films", Key="film.mp4", Body=film.read_bytes())
        settings = store_settings(address, "*=films/") | {"REGARD_JOBS_WORKERS": str(JOBS), "REGARD_WARM": "faces"}
        with running(Path(folder) / "data", **settings) as service:
            ask = question(service, service.environment, "DetectFaces", {"Image": {"Bytes": small(1)[0]}})
            _held(service, ask)
            without = [_held(service, ask) for _ in range(ROUNDS)]
            _start(service)
            beside = [_held(service, ask) for _ in range(ROUNDS)]
            speed = _told(service, "frames_per_second")
            assert _told(service, "running") == JOBS, "the jobs were over too soon"
    rows = [_row("without", without), _row(f"beside {JOBS} jobs", beside)]
    ratio = _middle(beside, 0.99) / _middle(without, 0.99)
    return markdown(
        "Answers beside jobs",
        ("DetectFaces, 250×250", "answers a second", "p50, ms", "p99, ms"),
        rows,
        f"One caller that asks again at once; the middle of {ROUNDS} rounds of {SECONDS:.0f} s. The jobs "
        f"look for faces in a film of half an hour, each in a worker of its own at nice 10, at {speed:.1f} frames a "
        f"second in all. p99 is {ratio:.2f}× of that without. `python -m benchmarks beside`",
    )


def _held(service: Running, ask: bytes) -> Answers:
    return asyncio.run(closed(service, ask, 1, SECONDS))


def _row(name: str, rounds: list[Answers]) -> tuple[str, ...]:
    each = sorted(len(answers.seconds) / SECONDS for answers in rounds)[len(rounds) // 2]
    return name, f"{each:.0f}", f"{1e3 * _middle(rounds, 0.5):.1f}", f"{1e3 * _middle(rounds, 0.99):.1f}"


def _middle(rounds: list[Answers], share: float) -> float:
    return sorted(answers.quantile(share) for answers in rounds)[len(rounds) // 2]


def _start(service: Running) -> None:
    """Start the jobs, and wait until all of them are looked at."""
    client: Any = service.client()
    for _ in range(JOBS):
        client.start_face_detection(Video={"S3Object": {"Bucket": "films", "Name": "film.mp4"}})
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if _told(service, "running") == JOBS and _told(service, "frames_per_second") > 1:
            return
        time.sleep(1)
    raise TimeoutError("the jobs did not begin")


def _told(service: Running, what: str) -> float:
    """What /metrics tells of jobs."""
    told = httpx.get(f"{service.url}/metrics").text
    return next(float(line.split()[1]) for line in told.splitlines() if line.startswith(f"regard_jobs_{what} "))
