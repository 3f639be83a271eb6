"""Human loops: a person says which of the labels that the model gave a picture are right.

A loop keeps a copy of the picture, sealed under a key of its own in the key store. The copy goes with the verdict, and
with the whole loop after 48 hours without one; a verdict can be read for 30 days. The people are the reviewers of
matches, and whoever asked does not decide.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, delete, func, insert, select, update

from regard.database import reading
from regard.gallery.gallery import Gallery
from regard.stewardship.logbook.logbook import Logbook
from regard.stewardship.logbook.payloads import Part
from regard.stewardship.people.flows import Flow, Flows
from regard.stewardship.people.reviewers import Reviewer
from regard.stewardship.policy.call import Call
from regard.stewardship.records import tables

KIND = "regard/human-loop"
HOURS = 48
VERDICT_DAYS = 30
# What an organization may have waiting: each is a picture in the database.
MOST_WAITING = 1000
_table, _of = tables.human_loops, tables.human_loops.c
_but_the_picture = [column for column in _of if column.name != "picture"]


class NoSuchLoop(LookupError):
    """There is no such loop, or none that this person may decide on."""


class NoSuchLabel(ValueError):
    """The picture was not given this label."""


class LoopExists(ValueError):
    """A loop of this name is there already."""


class TooManyLoops(RuntimeError):
    """As many loops as may wait are waiting."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop as its organization sees it. `labels` have confidences from 0 to 100.

    `right` are the labels that are right; it is None, as are the two below it, until a reviewer said so.
    """

    name: str
    flow: str
    labels: dict[str, float]
    classifiers: list[str]
    created_at: float
    expires_at: float
    right: list[str] | None
    reviewer: str | None
    reviewed_at: float | None


class Loops:
    """Holds pictures until a person looked at them. Thread-safe."""

    def __init__(
        self, engine: Engine, gallery: Gallery, logbook: Logbook, clock: Callable[[], float] = time.time
    ) -> None:
        self.flows = Flows(engine)
        self._engine = engine
        self._gallery = gallery
        self._logbook = logbook
        self._clock = clock

    def start(
        self,
        connection: Connection,
        call: Call,
        flow: Flow,
        name: str,
        labels: Mapping[str, float],
        classifiers: Sequence[str],
        picture: bytes,
    ) -> None:
        """Put a picture, as JPEG, before the reviewers of the caller. Raises LoopExists, TooManyLoops."""
        organization, now = call.caller.organization, self._clock()
        own = _of.organization == organization
        self._expire(connection, own & (_of.expires_at <= now))
        if connection.execute(select(_of.id).where(own, _of.name == name)).first():
            raise LoopExists(f"there is a human loop {name} already; give each picture a name of its own")
        if connection.execute(select(func.count()).where(own, _of.reviewed_at.is_(None))).scalar_one() >= MOST_WAITING:
            raise TooManyLoops(f"{MOST_WAITING:,} human loops wait for a reviewer, as many as may.")
        loop = secrets.token_hex(16)
        key = self._gallery.house_key(_key(loop), make=True)
        assert key is not None
        row = {
            "organization": organization,
            "name": name,
            "id": loop,
            "flow": flow.name,
            "labels": dict(labels),
            "classifiers": list(classifiers),
            "picture": key.seal(picture, loop.encode()),
            "purpose": call.caller.purpose,
            "asked_by": call.caller.access_key_id,
            "created_at": now,
            "expires_at": now + HOURS * 3600,
            "right_labels": [],
        }
        connection.execute(insert(_table).values(row))
        self._log(connection, connection.execute(select(*_but_the_picture).where(_of.id == loop)).one(), "opened")

    def all(self, organization: str) -> list[Loop]:
        """Every loop of an organization, the oldest first."""
        return [_loop(row) for row in self._rows(_of.organization == organization)]

    def get(self, organization: str, name: str) -> Loop:
        """One loop. Raises NoSuchLoop."""
        for row in self._rows(_of.organization == organization, _of.name == name):
            return _loop(row)
        raise NoSuchLoop(f"there is no human loop {name}; those without a verdict go after {HOURS} hours")

    def pending(self, reviewer: Reviewer, most: int | None = None) -> dict[str, Loop]:
        """What waits for this person, by its id on the page; the oldest `most` first, or all."""
        return {row.id: _loop(row) for row in self._rows(*_waiting_for(reviewer), most=most)}

    def waiting(self, reviewer: Reviewer) -> int:
        """How many wait for this person, as :meth:`pending` has them."""
        wanted = select(func.count()).where(_of.expires_at > self._clock(), *_waiting_for(reviewer))
        with reading(self._engine) as connection:
            return connection.execute(wanted).scalar_one()

    def picture(self, reviewer: Reviewer, loop: str) -> bytes:
        """The picture of a loop that waits for this person, as JPEG. Raises NoSuchLoop."""
        self._waiting(reviewer, loop)
        key = self._gallery.house_key(_key(loop))
        with reading(self._engine) as connection:
            sealed = connection.execute(select(_of.picture).where(_of.id == loop)).scalar()
        if not (key and sealed):
            raise NoSuchLoop("the picture is gone")
        return key.open(sealed, loop.encode())

    def decide(self, reviewer: Reviewer, loop: str, right: Sequence[str]) -> None:
        """Say, once, which labels are right; the copy of the picture goes. Raises NoSuchLoop, NoSuchLabel."""
        row, now = self._waiting(reviewer, loop), self._clock()
        if unknown := sorted(set(right) - set(row.labels)):
            raise NoSuchLabel(f"the picture was not given the label {unknown[0]}")
        verdict = {
            "right_labels": [name for name in row.labels if name in right],
            "reviewer": reviewer.name,
            "reviewed_at": now,
            "expires_at": now + VERDICT_DAYS * 86400,
            "picture": b"",
        }
        with self._engine.begin() as connection:
            wanted = update(_table).where(_of.id == loop, _of.reviewed_at.is_(None), _of.expires_at > now)
            if not connection.execute(wanted.values(verdict)).rowcount:
                raise NoSuchLoop("the picture was decided on meanwhile")
            record = self._log(connection, row, "reviewed", reviewer=reviewer.name, right=verdict["right_labels"])
        self._gallery.destroy_house_keys([_key(loop)])
        self._logbook.take_over(record)

    def expire(self) -> int:
        """Purge what nobody looked at in time, and verdicts that are old; how many loops."""
        overdue = _of.expires_at <= self._clock()
        with reading(self._engine) as connection:
            if connection.execute(select(_of.id).where(overdue).limit(1)).first() is None:
                return 0
        with self._engine.begin() as connection:
            gone = self._expire(connection, overdue)
        self._logbook.take_over()
        return gone

    def _expire(self, connection: Connection, which: ColumnElement[bool]) -> int:
        rows = connection.execute(select(*_but_the_picture).where(which)).all()
        if not rows:
            return 0
        # First the keys: whatever comes between, no picture outlives its loop. A reviewed loop has lost its own, unless
        # the process was lost at that moment.
        self._gallery.destroy_house_keys([_key(row.id) for row in rows])
        for row in rows:
            if row.reviewed_at is None:
                self._log(connection, row, "expired")
        connection.execute(delete(_table).where(_of.id.in_([row.id for row in rows])))
        return len(rows)

    def _waiting(self, reviewer: Reviewer, loop: str) -> Any:
        for row in self._rows(_of.id == loop, *_waiting_for(reviewer)):
            return row
        raise NoSuchLoop("no such picture waits for you")

    def _rows(self, *which: ColumnElement[bool], most: int | None = None) -> Sequence[Any]:
        wanted = select(*_but_the_picture).where(_of.expires_at > self._clock(), *which)
        with reading(self._engine) as connection:
            return connection.execute(wanted.order_by(_of.created_at, _of.name).limit(most)).all()

    def _log(self, connection: Connection, row: Any, change: str, **details: Any) -> int:
        body = {"organization": row.organization, "change": change, "purpose": row.purpose}
        told = {"operation": f"human loop {change}", "loop": row.name, "flow": row.flow} | details
        return self._logbook.record(connection, KIND, body, [self._logbook.seal(Part(row.organization, told))])


def _waiting_for(reviewer: Reviewer) -> tuple[ColumnElement[bool], ...]:
    own = _of.organization == reviewer.organization
    return own, _of.reviewed_at.is_(None), _of.asked_by.not_in(reviewer.keys)


def _loop(row: Any) -> Loop:
    return Loop(
        row.name,
        row.flow,
        row.labels,
        row.classifiers,
        row.created_at,
        row.expires_at,
        None if row.reviewed_at is None else row.right_labels,
        row.reviewer,
        row.reviewed_at,
    )


def _key(loop: str) -> str:
    return f"loop/{loop}"
