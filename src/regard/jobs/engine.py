"""The durable engine: DBOS, which hands jobs to workers one by one and goes on with those of a worker that was killed.

Only workers import this. What passes through it are the ids of jobs, rounds, and numbers of frames: it keeps them in
clear. It opens no port, asks nobody, and writes nothing to the console but errors.
"""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Any

from dbos import DBOS, DBOSConfig, SetWorkflowID
from dbos._serialization import DefaultSerializer, Serializer
from sqlalchemy.exc import SQLAlchemyError

from regard.database import sqlite_url
from regard.jobs import working
from regard.jobs.desk import Desk
from regard.jobs.errors import Interrupted
from regard.jobs.working import Worker, give_up_on_the_silent, queue_again, waiting
from regard.settings import Settings

QUEUE, SCHEMA = "jobs", "regard_jobs"
# Of rows of the engine's: what one version of this house began the next goes on with.
_VERSION = "1"
# How soon a new job is begun, and how often what waits is looked through.
SWEEP_SECONDS = 1.0
TIDY_SECONDS = 60.0
_AT_ONCE = 1000
# What a step that came to no end is kept as.
_NO_END = -1
# The engine's words.
_WAITING = ("ENQUEUED", "DELAYED")
_OVER = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_log = logging.getLogger(__name__)


def place_of(settings: Settings) -> str:
    """Where the engine keeps its tables: a file of the data folder, or the database that services share."""
    return settings.database_url or sqlite_url(settings.data_dir / "jobs.db")


class _Plain(Serializer):
    """Ids and numbers as JSON. The engine would pickle, and whoever could write its tables would run code here."""

    def serialize(self, data: Any) -> str:
        return json.dumps(data, default=str)

    def deserialize(self, serialized_data: str) -> Any:
        return json.loads(serialized_data)

    def name(self) -> str:
        return "json"


def _refuse_pickles(_self: object, _data: str) -> Any:
    # A row may say of itself that it is a pickle, whatever serializer is chosen.
    raise ValueError("a row of the engine's that is a pickle: regard writes none")


class Engine:
    """Gives jobs to one worker, from `start` to `close`. One a process.

    `place` is the URL of the engine's tables; `executor` is a name that no other process has at the same time, and that
    the one that comes after this one has again: what it left is gone on with at once.
    """

    def __init__(self, desk: Desk, worker: Worker, place: str, executor: str) -> None:
        self._desk = desk
        self._closing = threading.Event()
        self._given: set[str] = set()
        self._tidy_at = 0.0
        DefaultSerializer.deserialize = _refuse_pickles  # type: ignore[method-assign,assignment]
        config: DBOSConfig = {
            "name": "regard",
            "system_database_url": place,
            "dbos_system_schema": SCHEMA,
            "executor_id": executor,
            "application_version": _VERSION,
            "serializer": _Plain(),
            "enable_otlp": False,
            "log_level": "ERROR",
            "use_listen_notify": False,
        }
        DBOS(config=config)

        def work(job: str, number: int) -> None:
            self._work(worker, job, number)

        self._workflow = DBOS.workflow(name="job", max_recovery_attempts=1_000_000)(work)

    def start(self) -> None:
        """Begin: first with what a process of this name left."""
        DBOS.launch()
        DBOS.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=SWEEP_SECONDS)

    def close(self) -> None:
        """End. What is being worked on is gone on with at the next start."""
        self._closing.set()
        DBOS.destroy()

    def run(self, stop: threading.Event, idle: float = math.inf, also_busy: Callable[[], bool] = lambda: False) -> None:
        """Look through what waits, from time to time, until told to stop, or nothing was to do for `idle` seconds.

        `also_busy` says whether this worker is at something else.
        """
        quiet_since = time.monotonic()
        while not stop.is_set() and time.monotonic() - quiet_since < idle:
            try:
                self.sweep()
                if self._desk.busy() or also_busy():
                    quiet_since = time.monotonic()
            except SQLAlchemyError:
                _log.warning("the database does not answer", exc_info=True)
            stop.wait(SWEEP_SECONDS)

    def sweep(self) -> None:
        """Give the engine what waits, and what workers left that say nothing any more."""
        give_up_on_the_silent(self._desk)
        queued = waiting(self._desk)
        for job, number in queued:
            name = f"{job}.{number}"
            if name not in self._given:
                with SetWorkflowID(name):
                    DBOS.enqueue_workflow(QUEUE, self._workflow, job, number)
                self._given.add(name)
            elif self._is_lost(name):
                queue_again(self._desk, job, number)
        if time.monotonic() >= self._tidy_at:
            self._tidy_at = time.monotonic() + TIDY_SECONDS
            self._tidy()
        self._given &= {f"{job}.{number}" for job, number in queued}

    def _tidy(self) -> None:
        """Have the engine forget what is over: the job itself says how it ended."""
        over = DBOS.list_workflows(status=_OVER, limit=_AT_ONCE, load_input=False, load_output=False)
        if over:
            DBOS.delete_workflows([each.workflow_id for each in over])

    def _is_lost(self, name: str) -> bool:
        """Whether the engine began with a job, and whoever got it never did."""
        found = DBOS.get_workflow_status(name)
        if found is None:
            return True
        if found.status in _WAITING:
            return False
        return time.time() - (found.updated_at or 0) / 1000 > working.LEASE_SECONDS

    def _work(self, worker: Worker, job: str, number: int) -> None:
        """Work on a job in a round. Where the database goes meanwhile it is put into the queue again, in the next one.

        So no round has steps that are done twice, which the engine would take for one another.
        """
        try:
            worker.run(job, number, _once)
            return
        except (SQLAlchemyError, Interrupted):
            _log.warning("the job %s was interrupted, and waits for its turn again", job, exc_info=True)
        while not self._closing.wait(SWEEP_SECONDS):
            try:
                queue_again(self._desk, job, number)
                return
            except SQLAlchemyError:
                _log.warning("the database does not answer", exc_info=True)


def _once(step: Callable[[], int]) -> int:
    """Do a step as one of the engine's, which keeps its number. It is not told what went wrong, which may have words.

    Raises what the step raises; and Interrupted where it came to no end before, in the same round.
    """
    caught: list[Exception] = []

    def told() -> int:
        try:
            return step()
        except Exception as error:
            caught.append(error)
            return _NO_END

    number = int(DBOS.run_step({"name": "step"}, told))
    if caught:
        raise caught[0]
    if number == _NO_END:
        raise Interrupted("a step came to no end before")
    return number
