"""Workers that are killed again and again: each class is told once, and the end once."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from regard.streams.homes import Home, Seen
from regard.streams.processor import Session
from regard.streams.running import Runners, Tools
from regard.vision.pictures.findings import Box
from tests.helpers.killed import started
from tests.helpers.streaming import HOME, Den, Scripted, Still

pytestmark = pytest.mark.long

KILLS = 10


def _work(folder: Path, seed: int, report: Connection) -> None:
    """Work on what is in `folder`, with a camera that now and then shows somebody."""
    den, chance = Den(folder, time.time), random.Random(seed)
    streams = den.streams

    def script() -> Iterator[float]:
        while True:
            time.sleep(0.02)
            box = Box(0.1, 0.1, 0.5, 0.5)
            den.seen = [Seen(each, 90.0, box) for each in ("Person", "Dog") if chance.random() < 0.02]
            report.send("looked")
            yield 0.0

    home = Home(streams.processors, streams.messages, lambda _picture: den.seen)
    camera = Scripted(Still(), script())
    tools = Tools(streams.processors, streams.sources, camera.watch, home, 300.0)
    Runners(tools, "one").start()
    threading.Event().wait()


@pytest.mark.slow("each kill takes a process")
def test_nothing_is_told_twice_and_nothing_is_lost(tmp_path: Path, scale: float) -> None:
    den, chance = Den(tmp_path, time.time), random.Random(3)
    den.client("CreateStreamProcessor", Name="door", **HOME)
    processors = den.streams.processors
    with processors.engine.begin() as connection:
        # Longer than the API lets one be: however slow the machine is, it is not over meanwhile.
        session = Session("session", "AKIA", "testing", "StartStreamProcessor", {}, 3600)
        processors.start(connection, processors.found(connection, den.client.organization, "door"), session)
    for kill in range(max(2, round(KILLS * scale))):
        process, pipe = started(_work, tmp_path, kill)
        assert pipe.poll(60)
        time.sleep(chance.uniform(0.0, 0.8))
        process.kill()
        process.join()
        assert den.status()[0] == "STARTING"
    process, pipe = started(_work, tmp_path, 99)
    _until(lambda: len(_session(den).seen) == 2)
    den.client("StopStreamProcessor", Name="door")
    _until(lambda: den.status()[0] == "STOPPED")
    process.kill()
    process.join()
    den.send()
    told = [tuple(label["name"] for label in each.get("labels", ())) for each in den.topic.words()]
    assert Counter(told) == {("PERSON",): 1, ("PET",): 1, (): 1}
    assert told[-1] == ()
    assert (len(den.s3.taken), len(den.hook.taken)) == (5, 3)
    assert den.streams.messages.owed() == 0


def _session(den: Den) -> Session:
    found = den.streams.processors.get(den.client.organization, "door").session
    assert found is not None
    return found


def _until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)
