"""The desk: where jobs are handed in, asked about, and let go of. What works on them is :mod:`regard.jobs.working`."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, delete, func, select

from regard.database import reading, take, writing
from regard.gallery.gallery import Gallery
from regard.jobs import tables
from regard.jobs.errors import JobChanged, NoSuchJob, OtherInput, TooManyJobs
from regard.jobs.job import Asked, Job, Outcome, State
from regard.jobs.rows import Rows
from regard.sealing import SealingKey
from regard.traces import owe

DAY = 24 * 3600
# The API's: results can be read for 7 days, and 20 jobs of one account may be open.
KEPT_SECONDS = 7 * DAY
MOST_OPEN = 20
_of, _parts, _notices = tables.jobs.c, tables.job_parts.c, tables.job_notices.c
# What is done besides at the end of a job, in its transaction: the job as it ended, and how its work came out.
AtEnd = Callable[[Connection, Job, Outcome], None]
_OPEN = (State.QUEUED, State.RUNNING)


@dataclass(frozen=True, slots=True)
class Queue:
    """How long the queue is: jobs that wait, jobs that are worked on, and the seconds that the oldest has waited.

    `rate` is the frames a second of those that are worked on, since each was begun.
    """

    waiting: int
    running: int
    oldest: float
    rate: float


class Desk:
    """Jobs of all organizations. Thread-safe. Each method that takes a connection works in the caller's transaction."""

    def __init__(
        self, engine: Engine, gallery: Gallery, key: SealingKey, clock: Callable[[], float] = time.time
    ) -> None:
        self.rows = Rows(gallery, key)
        self.engine = engine
        self.clock = clock
        # Called within the transaction that ends a job: the log's record of it, and who is told.
        self.at_end: list[AtEnd] = []

    def start(self, connection: Connection, asked: Asked) -> str:
        """The id of a job for what is asked: a new one, or the one that was started with this token.

        Raises OtherInput for a token that came with other parameters, TooManyJobs.
        """
        token = None if asked.token is None else self.rows.digest("token", asked.token)
        digest, now = self.rows.digest("asked", asked.given), self.clock()
        take(connection, f"jobs/{asked.organization}")
        if token is not None:
            of = (_of.organization == asked.organization, _of.operation == asked.operation, _of.token == token)
            if (earlier := self.rows.find(connection, *of)) is not None and earlier["expires_at"] > now:
                if earlier["asked"] != digest:
                    raise OtherInput("this ClientRequestToken came with other parameters before")
                return str(earlier["id"])
            if earlier is not None:
                self._drop(connection, [earlier["id"]])
        self._require_room(connection, asked.organization)
        job = secrets.token_hex(32)
        self.rows.insert(
            connection,
            {
                "id": job,
                "organization": asked.organization,
                "access_key": asked.access_key,
                "operation": asked.operation,
                "purpose": asked.purpose,
                "token": token,
                "asked": digest,
                "sealed": self.rows.seal(job, "asked", [asked.given, asked.beside], make=True),
                "state": State.QUEUED,
                **dict.fromkeys(("steps", "done", "whole", "turn", "tries"), 0),
                "round": 1,
                "created_at": now,
                "expires_at": now + KEPT_SECONDS,
            },
        )
        return job

    def get(self, organization: str, operation: str, job: str) -> Job:
        """A job of an organization that this operation started. Raises NoSuchJob, JobChanged."""
        with reading(self.engine) as connection:
            return self._found(connection, job, _of.organization == organization, _of.operation == operation)

    def find(self, job: str) -> Job:
        """A job of whichever organization. Raises NoSuchJob, JobChanged."""
        with reading(self.engine) as connection:
            return self._found(connection, job)

    def all(self, organization: str | None = None, operation: str | None = None) -> list[Job]:
        """The jobs that are there, the newest first; those that were changed in the database are left out."""
        which = [_of.expires_at > self.clock()]
        which += [_of.organization == organization] if organization else []
        which += [_of.operation == operation] if operation else []
        found: list[Job] = []
        with reading(self.engine) as connection:
            wanted = select(_of.id).where(*which).order_by(_of.created_at.desc(), _of.id)
            for job in connection.execute(wanted).scalars().all():
                try:
                    found.append(self._found(connection, job))
                except (NoSuchJob, JobChanged):
                    continue
        return found

    def found(self, job: Job, after: int = 0) -> Iterator[tuple[int, str, bytes]]:
        """What the steps of a job found behind the first `after` elements: parts in order.

        Each with the number of elements before it, the name of the key of the person whom it is about, and its bytes;
        none of people who were erased. Raises JobChanged where a step is not there.
        """
        wanted = select(tables.job_parts).where(_parts.job == job.id).order_by(_parts.step, _parts.place)
        before, steps = 0, set[int]()
        with reading(self.engine) as connection:
            for row in connection.execute(wanted):
                steps.add(row.step)
                if before + row.found > after or row.whose:
                    data = self.rows.part(row)
                    if data is not None:
                        yield before, row.whose, data
                before += row.found
        if steps != set(range(job.steps)):
            raise JobChanged(f"what the job {job.id} found was changed, and nothing is told of it")

    def cancel(self, job: str, said: str = "Cancelled by the operator.") -> bool:
        """End a job that is open as failed; whether it was. Whoever works on it stops before its next step."""
        with writing(self.engine, f"job/{job}") as connection:
            row = self._row(connection, job)
            if State(row["state"]) not in _OPEN:
                return False
            self.end(connection, row, State.FAILED, Outcome({"StatusMessage": said}))
        return True

    def retry(self, job: str) -> bool:
        """Put a job that failed into the queue again; whether it had. What its steps found stays."""
        with writing(self.engine, f"job/{job}") as connection:
            row = self._row(connection, job)
            if row["state"] != State.FAILED:
                return False
            fresh = {"state": State.QUEUED, "ended_at": None, "sealed_end": None, "tries": 0}
            self.rows.update(connection, row, round=row["round"] + 1, turn=row["turn"] + 1, **fresh)
        return True

    def end(self, connection: Connection, row: Mapping[str, Any], state: State, outcome: Outcome) -> None:
        """End a job within the caller's transaction: its results are kept for 7 days from here on.

        What is in `at_end` is called in the same transaction: the record of the log and the notices are kept with it.
        """
        now = self.clock()
        values = {
            "state": state,
            "sealed_end": self.rows.seal(row["id"], "end", outcome.end),
            "turn": row["turn"] + 1,
            "ended_at": now,
            "expires_at": now + KEPT_SECONDS,
        }
        self.rows.update(connection, row, **values)
        connection.execute(delete(tables.job_leases).where(tables.job_leases.c.job == row["id"]))
        job = self.rows.job({**row, **values})
        for also in self.at_end:
            also(connection, job, outcome)

    def forget(self, organization: str, whose: str) -> int:
        """Delete what jobs found of a subject; how many parts."""
        name = self.rows.person(organization, whose)
        with writing(self.engine) as connection:
            gone = connection.execute(delete(tables.job_parts).where(_parts.whose == name)).rowcount
            if gone:
                owe(connection)
        return gone

    def expire(self) -> int:
        """Let go of jobs whose time is over; how many. One that is open for so long never ended, and goes too."""
        overdue = select(_of.id).where(_of.expires_at <= self.clock())
        with reading(self.engine) as connection:
            if connection.execute(overdue.limit(1)).first() is None:
                return 0
        with writing(self.engine) as connection:
            gone = list(connection.execute(overdue).scalars())
            self._drop(connection, gone)
        return len(gone)

    def queue(self) -> Queue:
        """How long the queue is now, and how fast it is worked on."""
        wanted = select(_of.state, _of.created_at, _of.started_at, _of.done).where(_of.state.in_(_OPEN))
        now = self.clock()
        with reading(self.engine) as connection:
            rows = connection.execute(wanted).all()
        waits = [now - row.created_at for row in rows if row.state == State.QUEUED]
        running = [row for row in rows if row.state == State.RUNNING]
        rate = sum(row.done / max(now - row.started_at, 1.0) for row in running)
        return Queue(len(waits), len(running), max([0.0, *waits]), rate)

    def opened(self, connection: Connection, organization: str) -> int:
        """How many jobs of an organization are open."""
        wanted = select(func.count()).where(_of.organization == organization, _of.state.in_(_OPEN))
        return connection.execute(wanted).scalar_one()

    def busy(self) -> bool:
        """Whether a worker would have something to do: a job that is open, or somebody to be told of one that ended."""
        opened = select(_of.id).where(_of.state.in_(_OPEN))
        owed = select(_notices.id).where(_notices.sent_at.is_(None), _notices.given_up.is_(False))
        with reading(self.engine) as connection:
            return any(connection.execute(each.limit(1)).first() for each in (opened, owed))

    def _drop(self, connection: Connection, jobs: list[str]) -> None:
        # First the keys: whatever comes between, nothing that was found outlives its job.
        self.rows.destroy(jobs)
        for of in (tables.job_notices, tables.job_parts, tables.job_leases):
            connection.execute(delete(of).where(of.c.job.in_(jobs)))
        connection.execute(delete(tables.jobs).where(_of.id.in_(jobs)))
        if jobs:
            owe(connection)

    def _require_room(self, connection: Connection, organization: str) -> None:
        opened = self.opened(connection, organization)
        if opened >= MOST_OPEN:
            raise TooManyJobs(opened + 1, MOST_OPEN)

    def _row(self, connection: Connection, job: str) -> Mapping[str, Any]:
        row = self.rows.find(connection, _of.id == job)
        if row is None:
            raise NoSuchJob(f"there is no job {job}")
        return row

    def _found(self, connection: Connection, job: str, *which: ColumnElement[bool]) -> Job:
        row = self.rows.find(connection, _of.id == job, _of.expires_at > self.clock(), *which)
        if row is None:
            raise NoSuchJob(f"there is no job {job}")
        return self.rows.job(row)
