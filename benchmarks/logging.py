"""What the log adds to DetectFaces under load: a service beside one whose logbook keeps nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.load import closed
from benchmarks.measuring import markdown
from benchmarks.pictures import full_hd, small
from benchmarks.serving import question
from tests.helpers.running import Running, running

ROUNDS, CALLERS, SECONDS = 15, 4, 3.0


def run() -> str:
    """The section of docs/benchmarks.md."""
    hd = {"1920×1080": full_hd()}
    rows = [
        *_rows("one core, the callers another", {1}, {0}, {"250×250": small(1)[0]} | hd),
        *_rows("both cores, and so do the callers", {0, 1}, {0, 1}, {"250×250": small(1)[0]}),
    ]
    return markdown(
        "What the log adds to DetectFaces",
        ("the service has", "picture", "with the log", "without", "added"),
        rows,
        f"Medians of a call over HTTP, {CALLERS} callers that ask again as soon as they are answered, over {ROUNDS} "
        f"rounds of {SECONDS:.0f} s that take turns; what is added is the median within a round. An entry is durable, "
        "under a signed checkpoint, before the answer; without, everything else is the same. "
        "`python -m benchmarks logging`",
    )


def _rows(arrangement: str, own: set[int], callers: set[int], pictures: Mapping[str, bytes]) -> list[tuple[str, ...]]:
    # The checkout's own disk: the system's temporary folder may be memory.
    with TemporaryDirectory(dir=".", prefix=".logging-") as folder:
        os.sched_setaffinity(0, own)
        with _services(Path(folder)) as services:
            os.sched_setaffinity(0, callers)
            return [(arrangement, size, *_added(services, picture)) for size, picture in pictures.items()]


@contextmanager
def _services(folder: Path) -> Iterator[list[Running]]:
    unlogged = ("-m", "benchmarks.unlogged", "serve", "--port", "0")
    with running(folder / "with") as logged, running(folder / "without", command=unlogged) as bare:
        yield [logged, bare]


def _added(services: list[Running], picture: bytes) -> tuple[str, str, str]:
    # The first round is for warming up.
    taken = [[_median(service, picture) for service in services] for _ in range(ROUNDS + 1)][1:]
    logged, bare = (f"{median(each) * 1e3:.1f} ms" for each in zip(*taken, strict=True))
    return logged, bare, f"{median(one / other - 1 for one, other in taken):.1%}"


def _median(service: Running, picture: bytes) -> float:
    asked = question(service, service.environment, "DetectFaces", {"Image": {"Bytes": picture}})
    answers = asyncio.run(closed(service, asked, CALLERS, SECONDS))
    if answers.refusals:
        raise AssertionError(f"refused: {answers.refusals}")
    return answers.quantile(0.5)
