"""Stream processors of all organizations: made, started, stopped, and worked on by one worker at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from regard.database import reading, take, writing
from regard.gallery.gallery import Gallery
from regard.sealing import SealingKey
from regard.streams import tables
from regard.streams.errors import (
    NoSuchProcessor,
    ProcessorChanged,
    ProcessorExists,
    ProcessorInUse,
    Superseded,
    TooManyProcessors,
)
from regard.streams.processor import Processor, Session, Status
from regard.streams.rows import Rows
from regard.traces import owe

# The API's: so many of one account.
MOST_PROCESSORS = 10
# A worker that said nothing for so long is taken for dead.
LEASE_SECONDS = 15.0
_of, _leases = tables.stream_processors.c, tables.stream_leases.c
_WORKS = tuple(each for each in Status if each.works)
# People of a collection who were found, each with what is told of it, sealed, in the log.
People = Iterable[tuple[str, dict[str, Any]]]
# Called within the transaction that ends a session, or that tells of a match: what happened, and to whom.
Told = Callable[[Connection, Processor, str, People], None]


@dataclass(frozen=True, slots=True)
class Load:
    """How many processors are to be worked on, by how many of them nobody does, and the greatest lag, in seconds."""

    wanted: int
    alone: int
    lag: float


class Processors:
    """Stream processors. Thread-safe. Each method that takes a connection works in the caller's transaction."""

    def __init__(
        self, engine: Engine, gallery: Gallery, key: SealingKey, clock: Callable[[], float] = time.time
    ) -> None:
        self.rows = Rows(gallery, key)
        self.engine = engine
        self.clock = clock
        self.told: list[Told] = []

    def new(self, organization: str, name: str, region: str, given: dict[str, Any], tags: dict[str, str]) -> Processor:
        """A processor, stopped, that is kept nowhere yet."""
        now = self.clock()
        return Processor(0, organization, name, region, given, tags, "", Status.STOPPED, None, 0, now, now)

    def create(self, connection: Connection, made: Processor) -> None:
        """Keep a new processor. Raises ProcessorExists, TooManyProcessors."""
        take(connection, f"streams/{made.organization}")
        if self._find(connection, made.organization, made.name) is not None:
            raise ProcessorExists(f"There is a stream processor {made.name} already. Take another name, or delete it.")
        count = select(func.count()).where(_of.organization == made.organization)
        if connection.execute(count).scalar_one() >= MOST_PROCESSORS:
            raise TooManyProcessors(MOST_PROCESSORS)
        self.rows.insert(connection, made)

    def get(self, organization: str, name: str) -> Processor:
        """A processor of an organization. Raises NoSuchProcessor, ProcessorChanged."""
        with reading(self.engine) as connection:
            return self.found(connection, organization, name)

    def found(self, connection: Connection, organization: str, name: str) -> Processor:
        """The same, in a transaction."""
        found = self._find(connection, organization, name)
        if found is None:
            raise NoSuchProcessor(f"There is no stream processor {name}. ListStreamProcessors tells those there are.")
        return found

    def page(self, organization: str, after: int, most: int) -> list[Processor]:
        """The processors of an organization behind an id, the oldest first. Raises ProcessorChanged."""
        wanted = select(tables.stream_processors).where(_of.organization == organization, _of.id > after)
        with reading(self.engine) as connection:
            return self.rows.all(connection, wanted.order_by(_of.id).limit(most))

    def all(self) -> list[Processor]:
        """The processors of all organizations, for the operator. Raises ProcessorChanged."""
        with reading(self.engine) as connection:
            return self.rows.all(connection, select(tables.stream_processors).order_by(_of.id))

    def readable(self) -> tuple[list[Processor], int]:
        """The processors of all organizations whose rows are as they were written, and how many others there are."""
        found, changed = list[Processor](), 0
        with reading(self.engine) as connection:
            for (number,) in connection.execute(select(_of.id).order_by(_of.id)).all():
                try:
                    one = self.rows.find(connection, _of.id == number)
                except ProcessorChanged:
                    changed += 1
                else:
                    found += [one] if one is not None else []
        return found, changed

    def delete(self, connection: Connection, organization: str, name: str) -> str:
        """Delete a processor that nobody works on; the name of its key, to be destroyed after the transaction.

        Raises NoSuchProcessor, ProcessorInUse.
        """
        take(connection, f"streams/{organization}")
        row = connection.execute(
            select(_of.id, _of.key, _of.status).where(
                _of.organization == organization, _of.name == self.rows.digest(name)
            )
        ).one_or_none()
        if row is None:
            raise NoSuchProcessor(f"There is no stream processor {name}.")
        if Status(row.status).works:
            raise ProcessorInUse(f"The stream processor {name} is {row.status}. Stop it first.")
        connection.execute(delete(tables.stream_leases).where(_leases.processor == row.id))
        connection.execute(delete(tables.stream_processors).where(_of.id == row.id))
        owe(connection)
        return str(row.key)

    def change(self, connection: Connection, processor: Processor, **values: Any) -> Processor:
        """Write a processor with other values."""
        changed = replace(processor, **values, updated_at=self.clock())
        self.rows.write(connection, changed)
        return changed

    def start(self, connection: Connection, processor: Processor, session: Session) -> None:
        """Have a processor worked on. Raises ProcessorInUse."""
        if processor.status.works:
            raise ProcessorInUse(f"The stream processor {processor.name} is {processor.status} already.")
        self.change(connection, processor, status=Status.STARTING, session=session, cause="")

    def stop(self, connection: Connection, processor: Processor) -> None:
        """Have nobody work on it any more; whoever does ends the session. Raises ProcessorInUse."""
        if not processor.status.works:
            raise ProcessorInUse(f"The stream processor {processor.name} is {processor.status}: there is none to stop.")
        self.change(connection, processor, status=Status.STOPPING)

    def halt(self, organization: str, name: str) -> None:
        """Have nobody work on a processor any more, in a transaction of its own, and enter that in the log: what is not
        asked by a call of the API. Raises NoSuchProcessor, ProcessorInUse.
        """
        number = self.get(organization, name).id
        with writing(self.engine, f"stream/{number}") as connection:
            found = self.found(connection, organization, name)
            self.stop(connection, found)
            self.tell(connection, found, "stopped")

    def lags(self) -> dict[int, float]:
        """By how many seconds the frames of processors that somebody works on were late, by their ids."""
        with reading(self.engine) as connection:
            wanted = select(_leases.processor, _leases.lag).where(_leases.until >= self.clock())
            return {row.processor: row.lag for row in connection.execute(wanted)}

    # What workers ask.

    def alone(self) -> list[int]:
        """The processors that are to be worked on, and by whom nobody says that they do."""
        lease = select(_leases.processor).where(_leases.processor == _of.id, _leases.until >= self.clock())
        wanted = select(_of.id).where(_of.status.in_(_WORKS), ~lease.exists()).order_by(_of.id)
        with reading(self.engine) as connection:
            return list(connection.execute(wanted).scalars())

    def wanted(self) -> list[Processor]:
        """The processors that are to be worked on, whoever does. Raises ProcessorChanged."""
        wanted = select(tables.stream_processors).where(_of.status.in_(_WORKS)).order_by(_of.id)
        with reading(self.engine) as connection:
            return self.rows.all(connection, wanted)

    def holders(self) -> set[str]:
        """The names of workers that say that they work on something."""
        with reading(self.engine) as connection:
            held = select(_leases.holder).where(_leases.until >= self.clock()).distinct()
            return set(connection.execute(held).scalars())

    def begin(self, number: int, holder: str) -> Processor:
        """Take a processor that nobody works on. Raises Superseded where somebody does, ProcessorChanged."""
        with writing(self.engine, f"stream/{number}") as connection:
            lease = select(_leases.until).where(_leases.processor == number)
            until = connection.execute(lease).scalar()
            found = self.rows.find(connection, _of.id == number)
            if found is None or not found.status.works or (until is not None and until >= self.clock()):
                raise Superseded
            begun = replace(found, turn=found.turn + 1)
            self.rows.write(connection, begun)
            connection.execute(delete(tables.stream_leases).where(_leases.processor == number))
            values = {"processor": number, "holder": holder, "until": self.clock() + LEASE_SECONDS, "lag": 0.0}
            connection.execute(insert(tables.stream_leases).values(values))
        return begun

    def beat(self, number: int, holder: str, lag: float) -> None:
        """Say that somebody works on it still, and by how many seconds its latest frame was late."""
        own = (_leases.processor == number) & (_leases.holder == holder)
        with writing(self.engine, f"stream/{number}") as connection:
            values = {"until": self.clock() + LEASE_SECONDS, "lag": lag}
            connection.execute(update(tables.stream_leases).where(own).values(values))

    def leave(self, holder: str) -> None:
        """Let others take what a worker is at, at once."""
        with writing(self.engine, "streams/leases") as connection:
            connection.execute(update(tables.stream_leases).where(_leases.holder == holder).values(until=0.0))

    def status(self, processor: Processor) -> Status:
        """Where a processor stands now that this worker took. Raises Superseded where it is another's."""
        with reading(self.engine) as connection:
            row = connection.execute(select(_of.status, _of.turn).where(_of.id == processor.id)).one_or_none()
        if row is None or row.turn != processor.turn or not Status(row.status).works:
            raise Superseded
        return Status(row.status)

    def own(self, connection: Connection, processor: Processor) -> Processor:
        """The same processor as it stands now, to be written. Raises Superseded where it is another's, or over."""
        found = self.rows.find(connection, _of.id == processor.id)
        if found is None or found.turn != processor.turn or not found.status.works:
            raise Superseded
        return found

    def end(self, connection: Connection, processor: Processor, cause: str = "") -> Processor:
        """End the session of a processor: failed, where there is a cause. What is in `told` is called in it."""
        status = Status.FAILED if cause else Status.STOPPED
        ended = self.change(connection, processor, status=status, cause=cause, turn=processor.turn + 1)
        connection.execute(delete(tables.stream_leases).where(_leases.processor == processor.id))
        self.tell(connection, ended, "failed" if cause else "ended")
        return ended

    def tell(self, connection: Connection, processor: Processor, what: str, people: People = ()) -> None:
        """Enter in the log what happened, within the transaction in which it does."""
        for also in self.told:
            also(connection, processor, what, people)

    def busy(self) -> bool:
        """Whether a worker would have something to do."""
        with reading(self.engine) as connection:
            return connection.execute(select(_of.id).where(_of.status.in_(_WORKS)).limit(1)).first() is not None

    def load(self) -> Load:
        """How much there is to do, and how late whoever does it is."""
        with reading(self.engine) as connection:
            wanted = connection.execute(select(func.count()).where(_of.status.in_(_WORKS))).scalar_one()
            lags = list(connection.execute(select(_leases.lag).where(_leases.until >= self.clock())).scalars())
        return Load(wanted, max(0, wanted - len(lags)), max(lags, default=0.0))

    def _find(self, connection: Connection, organization: str, name: str) -> Processor | None:
        return self.rows.find(connection, _of.organization == organization, _of.name == self.rows.digest(name))
