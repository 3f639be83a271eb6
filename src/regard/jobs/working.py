"""Work on a job: steps that are each done once, a lease that says who is at it, and the end in one transaction.

Whoever begins at a job takes its next *turn*. Every write of a worker looks whether the turn is still its own: one that
was taken for dead, or whose job was cancelled meanwhile, hears :class:`Superseded` and leaves no trace.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from regard.database import reading, writing
from regard.jobs import tables
from regard.jobs.desk import Desk
from regard.jobs.errors import Interrupted, JobChanged, JobFailed, NoSuchJob, Superseded
from regard.jobs.job import Job, Outcome, State, Step
from regard.vision.video.film import VideoError

# A worker that said nothing for so long is taken for dead, and how often one says that it is there.
LEASE_SECONDS, HEARTBEAT_SECONDS = 30.0, 5.0
# A job at which so many workers began without one step done is given up: it may be what ends them.
MOST_TRIES = 10
# Does a step, once: the engine remembers what it gave. It is a number, and nothing else passes through.
Once = Callable[[Callable[[], int]], int]
Work = Callable[["Task"], Outcome]
_of, _leases = tables.jobs.c, tables.job_leases.c
_log = logging.getLogger(__name__)


class Task:
    """A job as its work sees it. Call :meth:`step` for one piece after the other, always in the same order.

    A step that was done before, by whichever worker, is not done again: its function is not called.
    """

    def __init__(self, desk: Desk, job: Job, turn: int, once: Once) -> None:
        self.job = job
        self._desk = desk
        self._turn = turn
        self._once = once
        self._next = 0

    @property
    def is_done(self) -> bool:
        """Whether the next step was done before: what it needs need not be made ready."""
        return self._next < self.job.steps

    def found(self) -> Iterator[tuple[int, str, bytes]]:
        """What the steps that were done before found, as :meth:`Desk.found` tells it."""
        return self._desk.found(self.job)

    def step(self, do: Callable[[], Step]) -> None:
        """Do the next step, and keep what it found. Raises Superseded."""
        number, self._next = self._next, self._next + 1
        self._once(lambda: self._kept(number, do))

    def _kept(self, number: int, do: Callable[[], Step]) -> int:
        if number < self.job.steps:
            return 0
        step = do()
        with writing(self._desk.engine, f"job/{self.job.id}") as connection:
            row = own(self._desk, connection, self.job.id, self._turn)
            if row["steps"] != number:
                raise Superseded
            self._desk.rows.keep(connection, self.job, number, step.parts)
            told = {"steps": number + 1, "done": row["done"] + step.done, "whole": step.whole, "tries": 0}
            self._desk.rows.update(connection, row, **told)
        return step.done


class Worker:
    """Works on jobs, one at a time. `works` gives the work by the operation that started a job."""

    def __init__(self, desk: Desk, works: Mapping[str, Work], holder: str) -> None:
        self._desk = desk
        self._works = works
        self._holder = holder

    def run(self, job: str, number: int = 1, once: Once = lambda step: step()) -> None:
        """Work on a job until it is over, or somebody else's; in a round that is over there is nothing to do.

        Raises SQLAlchemyError while the database is gone, and Interrupted: then it goes back into the queue.
        """
        try:
            begun = self._begun(job, number)
        except (Superseded, NoSuchJob, JobChanged) as reason:
            _log.info("nothing to do on %s: %s", job, reason)
            return
        if begun is None:
            return
        found, turn = begun
        with self._held(job):
            try:
                state, outcome = self._worked(Task(self._desk, found, turn, once))
                with writing(self._desk.engine, f"job/{job}") as connection:
                    self._desk.end(connection, own(self._desk, connection, job, turn), state, outcome)
            except Superseded:
                _log.info("the job %s is over, or somebody else's", job)

    def leave(self) -> None:
        """Let others take what this worker is at, at once."""
        with writing(self._desk.engine, "jobs/leases") as connection:
            own = update(tables.job_leases).where(_leases.holder == self._holder)
            connection.execute(own.values(until=0.0))

    def _worked(self, task: Task) -> tuple[State, Outcome]:
        job = task.job
        try:
            work = self._works.get(job.operation)
            if work is None:
                raise JobFailed(f"This service does not know {job.operation}.")
            return State.SUCCEEDED, work(task)
        except JobFailed as error:
            return State.FAILED, Outcome({"StatusMessage": str(error), **error.told})
        except VideoError as error:
            return State.FAILED, Outcome({"StatusMessage": str(error)})
        except (Superseded, Interrupted, SQLAlchemyError):
            raise
        except Exception:
            # What went wrong may have been said in words of the film: only the operator reads it.
            _log.exception("the job %s failed", job.id)
            return State.FAILED, Outcome({"StatusMessage": "An error of the service; its log says more."})

    def _begun(self, job: str, number: int) -> tuple[Job, int] | None:
        """The job as it stands, and the turn that this worker took; None of one that is given up. Raises Superseded."""
        desk, now = self._desk, self._desk.clock()
        with writing(desk.engine, f"job/{job}") as connection:
            row = desk.rows.find(connection, _of.id == job, _of.expires_at > now)
            if row is None or row["round"] != number or not State(row["state"]).open:
                raise Superseded(job)
            if row["tries"] >= MOST_TRIES:
                said = f"{MOST_TRIES} workers ended while they worked on it. The service's log says more."
                desk.end(connection, row, State.FAILED, Outcome({"StatusMessage": said}))
                return None
            turn = row["turn"] + 1
            begun = {"state": State.RUNNING, "turn": turn, "tries": row["tries"] + 1}
            desk.rows.update(connection, row, **begun, started_at=row["started_at"] or now)
            connection.execute(delete(tables.job_leases).where(_leases.job == job))
            lease = {"job": job, "holder": self._holder, "until": now + LEASE_SECONDS}
            connection.execute(insert(tables.job_leases).values(lease))
            return desk.rows.job({**row, **begun}), turn

    @contextmanager
    def _held(self, job: str) -> Iterator[None]:
        """Say from time to time, within the block, that the job is worked on."""
        done = threading.Event()

        def beat() -> None:
            while not done.wait(HEARTBEAT_SECONDS):
                try:
                    with writing(self._desk.engine, f"job/{job}") as connection:
                        until = self._desk.clock() + LEASE_SECONDS
                        own_lease = (_leases.job == job) & (_leases.holder == self._holder)
                        connection.execute(update(tables.job_leases).where(own_lease).values(until=until))
                except SQLAlchemyError:
                    _log.warning("the database does not answer", exc_info=True)

        beating = threading.Thread(target=beat, name="lease", daemon=True)
        beating.start()
        try:
            yield
        finally:
            done.set()
            beating.join()


def own(desk: Desk, connection: Connection, job: str, turn: int) -> Mapping[str, Any]:
    """The row of a job whose turn this is. Raises Superseded where it is another's, or the job is over."""
    row = desk.rows.find(connection, _of.id == job)
    if row is None or row["turn"] != turn or row["state"] != State.RUNNING:
        raise Superseded(job)
    return row


def waiting(desk: Desk) -> list[tuple[str, int]]:
    """The jobs that nobody works on, the oldest first, each with its round."""
    with reading(desk.engine) as connection:
        wanted = select(_of.id, _of.round).where(_of.state == State.QUEUED).order_by(_of.created_at)
        return [(job, number) for job, number in connection.execute(wanted)]


def give_up_on_the_silent(desk: Desk) -> list[str]:
    """Put the jobs of workers that say nothing any more into the queue again; which. Of many sweeps one gets each."""
    now = desk.clock()
    stale = select(_leases.job, _of.round).join(tables.jobs, _of.id == _leases.job).where(_leases.until < now)
    with reading(desk.engine) as connection:
        silent = connection.execute(stale).all()
    return [job for job, number in silent if queue_again(desk, job, number, _leases.until < now)]


def queue_again(desk: Desk, job: str, number: int, *lease: ColumnElement[bool]) -> bool:
    """Put a job that is open into the queue again, in the round after this one; whether it was open, and in this one.

    Where something is said of its lease, that has to hold still.
    """
    with writing(desk.engine, f"job/{job}") as connection:
        held = select(_leases.job).where(_leases.job == job, *lease)
        if lease and connection.execute(held).first() is None:
            return False
        row = desk.rows.find(connection, _of.id == job)
        if row is None or row["round"] != number or not State(row["state"]).open:
            return False
        again = {"state": State.QUEUED, "round": number + 1, "turn": row["turn"] + 1}
        desk.rows.update(connection, row, **again)
        connection.execute(delete(tables.job_leases).where(_leases.job == job))
    return True
